"""The Python of a notebook's cell; lines that only the notebook understands are marked.

Source: https://ipython.readthedocs.io/en/stable/interactive/python-ipython-diff.html
"""

from __future__ import annotations

import re

MARK = "__notebook__"
"""The function that stands for what only the notebook can run; it exists nowhere."""

_PLAIN_CELLS = ("%%time", "%%capture")
_ASSIGNED = re.compile(r"(?P<head>[^=()'\"#]+=\s*)(?P<order>[%!].*)")
_TIMED = re.compile(r"%time\s+(?P<code>.*)")
_TRIPLE = ('"""', "'''")
_OPENING, _CLOSING = "([{", ")]}"


def python_of(cell: str) -> str:
    """The cell with the same number of lines, or nothing for a cell in another language."""
    text = cell.replace("\r\n", "\n").replace("\r", "\n")
    first = text.lstrip().partition("\n")[0]
    if first.startswith("%%") and first.split()[0] not in _PLAIN_CELLS:
        return ""
    lines: list[str] = []
    scan = _Scan()
    goes_on = False
    for line in text.split("\n"):
        if goes_on:  # an order to the shell, on several lines
            lines.append(f"# {line}")
            goes_on = line.endswith("\\")
        elif scan.inside:
            lines.append(line)
            scan.read(line)
        else:
            made = _translated(line)
            goes_on = made != line and line.endswith("\\")
            scan.read(made)
            if scan.ends_with_question:
                made, scan = _ordered(line), _Scan()
            lines.append(made)
    return "\n".join(lines)


def _translated(line: str) -> str:
    bare = line.lstrip()
    indent = line[: len(line) - len(bare)]
    timed = _TIMED.fullmatch(bare)
    if timed:
        return indent + timed["code"]
    if bare.startswith(("%", "!", "?")):
        return _ordered(line)
    assigned = _ASSIGNED.fullmatch(bare)
    if assigned and not assigned["head"].rstrip().endswith(("==", "!=", "<=", ">=")):
        return f"{indent}{assigned['head']}{MARK}({assigned['order']!r})"
    return line


def _ordered(line: str) -> str:
    """A whole line for the notebook: a comment, or a call where code may need a statement."""
    bare = line.lstrip()
    indent = line[: len(line) - len(bare)]
    return f"{indent}{MARK}({bare!r})" if indent else f"# {bare}"


class _Scan:
    """Reads lines of Python and knows whether the next one goes on with a statement."""

    def __init__(self) -> None:
        self.ends_with_question = False
        self._quote = ""
        self._depth = 0
        self._joined = False

    @property
    def inside(self) -> bool:
        return bool(self._quote) or self._depth > 0 or self._joined

    def read(self, line: str) -> None:
        at, last = 0, ""
        self._joined = False
        while at < len(line):
            if self._quote:
                at = self._read_text(line, at)
                last = "text"
                continue
            char = line[at]
            if char == "#":
                break
            if char in "\"'":
                self._quote = line[at : at + 3] if line.startswith(_TRIPLE, at) else char
                at += len(self._quote)
                continue
            if char in _OPENING:
                self._depth += 1
            elif char in _CLOSING:
                self._depth = max(0, self._depth - 1)
            elif char == "\\" and at == len(line) - 1:
                self._joined = True
            if not char.isspace():
                last = char
            at += 1
        if len(self._quote) == 1 and not line.endswith("\\"):
            self._quote = ""  # a mistake, which Python will tell
        self.ends_with_question = last == "?"

    def _read_text(self, line: str, at: int) -> int:
        if line[at] == "\\":
            return at + 2
        if line.startswith(self._quote, at):
            at += len(self._quote)
            self._quote = ""
            return at
        return at + 1
