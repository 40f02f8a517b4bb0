"""Rows as columns, safe for a terminal and no wider than it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from penstock.diagnostics.render import Ink, visible

Row = Sequence[str]

STATUS_STYLES: Mapping[str, str] = {
    "failed": "error",
    "damaged": "error",
    "lost": "warning",
    "cancelled": "warning",
    "newer": "warning",
    "running": "note",
}
_LONGEST = 200


def table(head: Row, rows: Sequence[Row], ink: Ink, width: int | None) -> Iterator[str]:
    """A line for the head and for each row; a line that is too wide is cut at its end."""
    shown = [[clipped(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for number, row in enumerate(shown):
        parts: list[str] = []
        room = width if width is not None else sys.maxsize
        for cell, wide in zip(row, widths, strict=True):
            if room <= 0:
                break
            text = _cut(cell, room).ljust(min(wide, room))
            style = "bold" if number == 0 else STATUS_STYLES.get(cell, "")
            parts.append(ink(text, style) if style else text)
            room -= wide + 2
        yield "  ".join(parts).rstrip()


def clipped(text: str, longest: int = _LONGEST) -> str:
    """A text from outside on one line: control characters shown, no longer than a cell may be."""
    return _cut(visible(text[: longest + 1]), longest)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def terminal_width() -> int | None:
    """The columns of the terminal; None when a file or a pipe is written."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def moment(text: str, *, utc: bool = False) -> str:
    """A time of a record as people read it: here, or in UTC."""
    try:
        told = datetime.fromisoformat(text)
        return f"{told.astimezone(UTC if utc else None):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return clipped(text, 24)
