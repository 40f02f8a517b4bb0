"""What a step prints straight to this process's output: secrets hidden, and kept for its record."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

from penstock_local.log import LONGEST
from penstock_runtime.redaction import Redactor


class Printed:
    """The text so far, of both streams in its order; of very much the end."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def add(self, text: str) -> None:
        """What one call of `write` wrote."""
        self._parts.append(text)
        self._size += len(text)
        if self._size > 4 * LONGEST:
            self._parts = ["".join(self._parts)[-2 * LONGEST :]]
            self._size = len(self._parts[0])

    def lines(self) -> list[str]:
        """The lines; of one that was written over, as progress bars do, what was visible last."""
        text = "".join(self._parts)
        return [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")[:-1]] + (
            [last] if (last := text.rpartition("\n")[2].rpartition("\r")[2]) else []
        )


@contextmanager
def printing(secrets: Iterable[str], printed: Printed) -> Generator[None, None, None]:
    """While the block lasts, what is printed shows `***` for the secrets, and is kept.

    Each call of `write` is looked at on its own, so that a debugger's prompt is not held back.
    What code writes past Python's streams is not seen.
    """
    redact = Redactor(secrets)
    with (
        redirect_stdout(cast(TextIO, _Stream(sys.stdout, redact, printed))),
        redirect_stderr(cast(TextIO, _Stream(sys.stderr, redact, printed))),
    ):
        yield


class _Stream:
    """A text stream in front of another, which does everything but writing."""

    def __init__(self, stream: TextIO, redact: Callable[[str], str], printed: Printed) -> None:
        self._stream = stream
        self._redact = redact
        self._printed = printed

    def write(self, text: str) -> int:
        """Writes the text without secrets."""
        shown = self._redact(text)
        self._stream.write(shown)
        self._printed.add(shown)
        return len(text)

    def close(self) -> None:
        """Closes nothing: the stream is not the step's."""
        self._stream.flush()

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes each of the lines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
