"""What is wrong with a spec, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = tuple[str | int, ...]
"""The keys and positions that lead to a place, from the top of a document."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `document` is 0 for the PipelineSpec, 1 for the PlatformSpec."""

    where: Where
    message: str
    hint: str
    severity: Literal["error", "warning"] = "error"
    document: int = 0


def told(where: Where) -> str:
    """A place as people write it: `root.dag.tasks.train.inputs`."""
    text = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in where)
    return text.removeprefix(".") or "the top"
