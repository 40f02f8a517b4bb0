"""Tells `a and b` from `if a`: Python asks both for the same bool. Only used on errors."""

from __future__ import annotations

import ast
import linecache
from types import FrameType

from penstock.diagnostics import Span


def asked_for_bool(frame: FrameType, span: Span) -> tuple[Span, str | None]:
    """What was asked for its bool, and the word that asked: `and`, `or`, `not` or `a < b < c`.

    The span as it was, and no word, where the source is not to be had.
    """
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    if not lines or not span.col:
        return span, None
    try:
        tree = ast.parse("".join(lines))
    except (SyntaxError, ValueError, RecursionError):
        return span, None
    span = _tested(tree, span)
    return span, _joined_by(tree, span)


def _tested(tree: ast.Module, span: Span) -> Span:
    """The test alone where Python blames the whole of `if a: ...`."""
    place = (span.line, span.col - 1, span.end_line, span.end_col - 1)
    for node in ast.walk(tree):
        if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert) and place == _at(node):
            line, start, end_line, end = _at(node.test)
            return Span(span.file, line, start + 1, end_line or line, (end or start) + 1)
    return span


def _joined_by(tree: ast.Module, span: Span) -> str | None:
    place = (span.line, span.col - 1, span.end_line, span.end_col - 1)
    for node in ast.walk(tree):
        # Python blames the operand under `if`, and the whole of `a and b` elsewhere.
        if isinstance(node, ast.BoolOp) and place in map(_at, (node, *node.values)):
            return "and" if isinstance(node.op, ast.And) else "or"
        if (
            isinstance(node, ast.UnaryOp)
            and isinstance(node.op, ast.Not)
            and place in (_at(node), _at(node.operand))
        ):
            return "not"
        if isinstance(node, ast.Compare) and len(node.ops) > 1 and place == _at(node):
            return "a < b < c"
    return None


def _at(node: ast.expr | ast.stmt) -> tuple[int, int, int | None, int | None]:
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset
