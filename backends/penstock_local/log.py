"""What a step writes, kept for its record; of a very long log the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

LONGEST = 1 << 20
"""Characters, and in a record bytes, of the end that is kept."""


class Log:
    """Lines in bounded memory, whatever a step writes."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._size = 0

    def add(self, line: str) -> None:
        """One more line."""
        self._lines.append(line[-LONGEST:])
        self._size += len(self._lines[-1]) + 1
        while self._size > 2 * LONGEST:
            self._size -= len(self._lines.popleft()) + 1

    def tail(self, count: int) -> tuple[str, ...]:
        """The last lines."""
        return tuple(self._lines)[-count:]

    def __bool__(self) -> bool:
        return bool(self._lines)

    def data(self) -> bytes:
        """The log as it is stored."""
        return _joined(self._lines)[-LONGEST:]


def _joined(lines: Iterable[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")
