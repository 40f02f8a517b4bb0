"""The expression to blame where Python blames a whole statement. Only used on errors."""

from __future__ import annotations

import ast
import linecache
from types import FrameType

from penstock.diagnostics import Span

Place = tuple[int, int, int | None, int | None]


def parsed(frame: FrameType, span: Span) -> ast.Module | None:
    """The source around the frame; None where it, or the columns of the span, are not to be had."""
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    if not lines or not span.col:
        return None
    try:
        return ast.parse("".join(lines))
    except (SyntaxError, ValueError, RecursionError):
        return None


def narrowed(tree: ast.Module, span: Span) -> Span:
    """What is tested, looped over or entered, where the span is that of the statement around it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
            inner = node.test
        elif isinstance(node, ast.For):
            inner = node.iter
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            inner = node.generators[0].iter
        elif isinstance(node, ast.With) and len(node.items) == 1:
            inner = node.items[0].context_expr
        else:
            continue
        if place(node) == place_of(span):
            line, start, end_line, end = place(inner)
            return Span(span.file, line, start + 1, end_line or line, (end or start) + 1)
    return span


def place_of(span: Span) -> Place:
    """The span as the syntax tree counts."""
    return span.line, span.col - 1, span.end_line, span.end_col - 1


def place(node: ast.expr | ast.stmt) -> Place:
    """Where the node stands."""
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset
