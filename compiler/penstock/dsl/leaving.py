"""Finds a `return`, `break` or `continue` that leaves a branch or loop of the pipeline.

The body runs once, in every block: what comes after such a word would be lost without a trace.
"""

from __future__ import annotations

import ast
import linecache
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
    text = textwrap.dedent("".join(lines))
    margin = len(lines[0]) - len(lines[0].lstrip()) if lines else 0
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
