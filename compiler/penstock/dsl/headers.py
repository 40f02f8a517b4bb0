"""Where a function's name and parameters stand in its source, read from the header alone."""

from __future__ import annotations

import linecache
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from types import CodeType

from penstock.diagnostics import Span

_LONGEST = 2_000


@dataclass(frozen=True)
class Header:
    """The span of a function's name, and of each of its parameters with annotation and default."""

    name: Span
    parameters: dict[str, Span] = field(default_factory=dict[str, Span])

    def parameter(self, name: str) -> Span:
        """The parameter's place, or the function's where that is not known."""
        return self.parameters.get(name, self.name)


def read_header(code: CodeType, file: str) -> Header:
    """The places in the header of the function; only its first line where there is no source.

    `file` is what spans call the source file.
    """
    first = code.co_firstlineno
    lines = linecache.getlines(code.co_filename)
    for number in range(first, min(first + _LONGEST, len(lines) + 1)):
        if lines[number - 1].lstrip().startswith(("def ", "async def ")):
            try:
                return _read(lines[number - 1 : number + _LONGEST], number, file)
            except (tokenize.TokenError, SyntaxError, StopIteration):
                break
    return Header(Span(file, first, 0, first, 0))


def _read(lines: list[str], offset: int, file: str) -> Header:
    def span(start: tuple[int, int], end: tuple[int, int]) -> Span:
        return Span(file, *_bytes(start), *_bytes(end))

    def _bytes(place: tuple[int, int]) -> tuple[int, int]:
        # Spans count columns as Python's code objects do: in bytes of UTF-8.
        line, column = place
        return line + offset - 1, len(lines[line - 1][:column].encode()) + 1

    tokens = _header_tokens(lines)
    name = next(one for one in tokens if one.string not in ("async", "def") and one.string.strip())
    found: dict[str, Span] = {}
    depth = 0
    first: tokenize.TokenInfo | None = None
    last: tokenize.TokenInfo | None = None
    for one in tokens:
        if depth == 1 and one.string in (",", ")"):
            if first is not None and last is not None:
                found[first.string] = span(first.start, last.end)
            first = None
        elif depth == 1 and first is None and one.type == tokenize.NAME:
            first = last = one
        elif one.type not in (tokenize.NL, tokenize.COMMENT):
            last = one
        if one.string in ("(", "[", "{"):
            depth += 1
        elif one.string in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                break
    return Header(span(name.start, name.end), found)


def _header_tokens(lines: list[str]) -> Iterator[tokenize.TokenInfo]:
    text = iter(lines)
    return islice(tokenize.generate_tokens(lambda: next(text)), 100_000)
