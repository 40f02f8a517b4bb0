"""Tells `a and b` from `if a`: Python asks both for the same bool. Only used on errors."""

from __future__ import annotations

import ast

from penstock.diagnostics import Span
from penstock.dsl.statements import place, place_of


def joined_by(tree: ast.Module, span: Span) -> str | None:
    """`and`, `or`, `not` or `a < b < c` when the span is that expression or an operand of it."""
    here = place_of(span)
    for node in ast.walk(tree):
        # Python blames the operand under `if`, and the whole of `a and b` elsewhere.
        if isinstance(node, ast.BoolOp) and here in map(place, (node, *node.values)):
            return "and" if isinstance(node.op, ast.And) else "or"
        if (
            isinstance(node, ast.UnaryOp)
            and isinstance(node.op, ast.Not)
            and here in (place(node), place(node.operand))
        ):
            return "not"
        if isinstance(node, ast.Compare) and len(node.ops) > 1 and here == place(node):
            return "a < b < c"
    return None
