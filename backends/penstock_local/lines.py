"""Makes lines of what a step writes, as it comes in pieces."""

from __future__ import annotations

_LONGEST = 1 << 20


class Lines:
    """The bytes so far that have no end of line; a very long line is cut."""

    def __init__(self) -> None:
        self._rest = b""

    def keep(self, piece: bytes) -> None:
        """Keeps a piece until there is somebody to tell the lines to."""
        self._rest += piece

    def add(self, piece: bytes) -> list[str]:
        """The lines that this piece completes."""
        *whole, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > _LONGEST:
            whole += [self._rest]
            self._rest = b""
        return [_text(line) for line in whole]

    def last(self) -> list[str]:
        """The line without an end, if there is one: nothing follows."""
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


def _text(line: bytes) -> str:
    # A progress bar writes itself over and over: what was visible last counts.
    return line.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
