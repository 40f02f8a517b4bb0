"""Finds a `return`, `break` or `continue` that leaves a branch or loop of the pipeline.

The body runs once, in every block: what comes after such a word would be lost without a trace.
"""

from __future__ import annotations

import ast
import linecache
import re
import textwrap
from collections.abc import Iterator
from types import CodeType

Leaving = tuple[str, int, int, int]
"""The word, its line, and its first and last column, as spans count them."""


def leavings(code: CodeType, blocks: set[int]) -> Iterator[Leaving]:
    """The words that leave one of the `with` blocks whose headers stand on these lines.

    Nothing where the source is not to be had.
    """
    first = code.co_firstlineno
    last = max((line for _, _, line in code.co_lines() if line is not None), default=first)
    lines = linecache.getlines(code.co_filename)[first - 1 : last]
    if not _may_leave(lines, {line - first for line in blocks}):
        return
    text = textwrap.dedent("".join(lines))
    margin = _margin(lines[0]) if lines else 0
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(
            one.context_expr.lineno + first - 1 in blocks for one in node.items
        ):
            for inner in _leaving(node.body, loop=False):
                word = type(inner).__name__.lower()
                start = inner.col_offset + margin + 1
                yield word, inner.lineno + first - 1, start, start + len(word)


_WORD = re.compile(r"\b(?:return|break|continue)\b")


def _may_leave(lines: list[str], headers: set[int]) -> bool:
    """Whether such a word stands in a header's line, or deeper than one: mostly none does.

    Parsing a long body takes longer than all the rest of tracing it.
    """
    margins = [_margin(lines[number]) for number in headers if 0 <= number < len(lines)]
    least = min(margins, default=0)
    return any(
        _WORD.search(line) is not None and (number in headers or _margin(line) > least)
        for number, line in enumerate(lines)
    )


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def _leaving(body: list[ast.stmt], *, loop: bool) -> Iterator[ast.stmt]:
    for node in body:
        match node:
            case ast.Return():
                yield node
            case ast.Break() | ast.Continue() if not loop:
                yield node
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case _:
                inside = loop or isinstance(node, ast.For | ast.While)
                for part in ("body", "orelse", "finalbody"):
                    yield from _leaving(getattr(node, part, []), loop=inside)
                for handler in getattr(node, "handlers", []):
                    yield from _leaving(handler.body, loop=inside)
                for case in getattr(node, "cases", []):
                    yield from _leaving(case.body, loop=inside)
