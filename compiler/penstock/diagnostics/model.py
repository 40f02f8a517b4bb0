"""One data type for every message, so that each renderer and each test sees the same facts.

Plain dataclasses: the language raises them, and the language loads only the standard library.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Severity = Literal["error", "warning"]

_LONGEST = 300
"""No more of a text is shown: names and values in it may be of any length."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where something stands in the user's source: 1-based lines and columns, end exclusive.

    `file` is relative to the project's root and uses `/`, so that no path of a machine is kept.
    Columns are 0 when they are not known.
    """

    file: str
    line: int
    col: int = 0
    end_line: int = 0
    end_col: int = 0


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem: a stable code, a headline that stands alone, the place, and one hint."""

    code: str
    message: str
    span: Span | None
    severity: Severity = "error"
    label: str = ""
    hint: str = ""
    notes: tuple[tuple[Span, str], ...] = ()

    def __post_init__(self) -> None:
        for name in ("message", "label", "hint"):
            text = getattr(self, name)
            if len(text) > _LONGEST:
                object.__setattr__(self, name, f"{text[: _LONGEST - 1]}…")


def in_source_order(found: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Each problem once, by file, line and column; what has no place comes last."""
    unique = dict.fromkeys(found)
    return tuple(
        sorted(
            unique,
            key=lambda one: (
                (0, one.span.file, one.span.line, one.span.col) if one.span else (1, "", 0, 0)
            ),
        )
    )


class PipelineError(Exception):
    """The pipeline has errors; all that the stage found are in `diagnostics`, in source order."""

    root: Path | None = None
    """The folder that the places are told from, where it is known."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = in_source_order(diagnostics)
        super().__init__("\n".join(f"{found.code}: {found.message}" for found in diagnostics))
