"""Recorded values in a few characters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from penstock.cli.run_view import size
from penstock.cli.tables import clipped
from penstock_records.schema import Artifact

_LONGEST = 60


def number_text(value: float | str) -> str:
    """A metric; one that is not finite is recorded by its name."""
    return f"{value:.6g}" if isinstance(value, float) else clipped(str(value), _LONGEST)


def value_text(value: Any, longest: int = _LONGEST) -> str:
    """A constant: a plain word as it is, else as JSON."""
    plain = isinstance(value, str) and value.isprintable() and value and " " not in value
    return clipped(str(value) if plain else json.dumps(value, ensure_ascii=False), longest)


def artifact_text(one: Artifact) -> str:
    """An artifact: type, size and short digest."""
    return f"{type_name(one.type)} {size(one.size)} {short_digest(one.digest)}"


def type_name(text: str) -> str:
    """The last name of a type such as `pandas.core.frame:DataFrame`."""
    return clipped(text.rpartition(":")[2].rpartition(".")[2], _LONGEST)


def short_digest(digest: str) -> str:
    """As much of a digest as tells it from others."""
    return digest.removeprefix("sha256:")[:12]


def recorded_texts(values: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The inputs or outputs of a step by name; one in a list has its place in the name."""
    from penstock_records.values import value_parts

    for name, value in values.items():
        kind, content = value_parts(value)
        if kind == "list":
            numbered = {f"{name}[{place}]": item for place, item in enumerate(content)}
            yield from recorded_texts(numbered)
        elif kind == "artifact":
            yield name, artifact_text(Artifact.model_validate(content))
        else:
            yield name, value_text(content)
