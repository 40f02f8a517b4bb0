"""A component as a trace knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Definition:
    """A component as a trace knows it: where it is, and what its calls take and give."""

    name: str
    code: str
    inputs: tuple[str, ...]
    fields: tuple[str, ...]
    outputs: dict[str, Any]
    several: bool
    hints: dict[str, Any]
    takes_more: bool
    """Whether it has `*args`, which is reported; how many inputs a call gives is then not."""
