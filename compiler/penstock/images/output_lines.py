"""Turns what programs write into lines that are safe to show."""

from __future__ import annotations

import re

from penstock.diagnostics.render import visible

_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
_ENDS = re.compile(rb"\r\n|\n|\r")
_LONGEST = 2000


class OutputLines:
    """Cuts output into lines as it comes."""

    def __init__(self) -> None:
        self._rest = b""

    def add(self, piece: bytes) -> list[str]:
        """The lines that are complete now, without empty ones."""
        *whole, self._rest = _ENDS.split(self._rest + piece)
        if len(self._rest) > _LONGEST:
            whole.append(self._rest)
            self._rest = b""
        return [line for one in whole if (line := shown(one))]

    def last(self) -> list[str]:
        """What is left when nothing more comes."""
        return self.add(b"\n")


def shown(line: str | bytes) -> str:
    """A line without colours, its control characters made visible."""
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    text = visible(_COLOURS.sub("", text).expandtabs().rstrip())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
