"""The artifacts inside a recorded value: alone, or in the list that `gather` made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from penstock_records.reading import Damaged, checked
from penstock_records.schema import Artifact


def artifacts_in(value: Any) -> Iterator[Artifact]:
    """Every artifact of a recorded value, in order. Raises Damaged."""
    kind, content = value_parts(value)
    if kind == "artifact":
        yield checked(Artifact, content)
    elif kind == "list":
        for item in cast("list[Any]", content):
            yield from artifacts_in(item)


def value_parts(value: Any) -> tuple[str, Any]:
    """`value`, `artifact` or `list`, and what stands behind it. Raises Damaged."""
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        for kind in ("value", "artifact", "list"):
            if kind in found and (kind != "list" or isinstance(found[kind], list)):
                return kind, found[kind]
    raise Damaged("a value in it is neither a constant nor an artifact")
