"""Streams that hide secrets in what a step prints straight to this process's output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast

from penstock_runtime.redaction import Redactor


@contextmanager
def hidden(secrets: Iterable[str]) -> Generator[None, None, None]:
    """While the block lasts, what is printed shows `***` for the secrets.

    Each call of `write` is looked at on its own, so that a debugger's prompt is not held back.
    """
    values = list(secrets)
    if not values:
        yield
        return
    redact = Redactor(values)
    with (
        redirect_stdout(cast(TextIO, _Masked(sys.stdout, redact))),
        redirect_stderr(cast(TextIO, _Masked(sys.stderr, redact))),
    ):
        yield


class _Masked:
    """A text stream in front of another, which does everything but writing."""

    def __init__(self, stream: TextIO, redact: Callable[[str], str]) -> None:
        self._stream = stream
        self._redact = redact

    def write(self, text: str) -> int:
        """Writes the text without secrets."""
        self._stream.write(self._redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes each of the lines."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
