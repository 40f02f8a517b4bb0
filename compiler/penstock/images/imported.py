"""What the code of a step imports from outside of the project and of Python."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from penstock.images.modules import OURS, Module, Modules
from penstock.images.statements import Statement

_MISSES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


@dataclass(frozen=True)
class Import:
    """One name that is imported, and where; `optional` code goes on without it."""

    name: str
    module: Module
    line: int
    col: int
    end_col: int
    optional: bool = False


def imports_of(
    modules: Modules, module: Module, chosen: Iterable[Statement] | None = None
) -> list[Import]:
    """The foreign imports of a module, in its order.

    With `chosen`, what stands inside functions and classes counts only in those statements; what
    runs when the module is imported always does.
    """
    if module.tree is None:
        return []
    inside = None if chosen is None else {one.node.lineno for one in chosen if _is_block(one.node)}
    found: list[Import] = []
    for node in module.tree.body:
        if _is_block(node) and inside is not None and node.lineno not in inside:
            continue
        found += _foreign(modules, module, _imports(node, optional=False))
    return found


def _is_block(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


_Found = tuple[ast.Import | ast.ImportFrom, bool]


def _imports(node: ast.AST, *, optional: bool) -> Iterator[_Found]:
    match node:
        case ast.Import() | ast.ImportFrom():
            yield node, optional
        case ast.If() if ast.unparse(node.test).rpartition(".")[2] == "TYPE_CHECKING":
            for other in node.orelse:
                yield from _imports(other, optional=optional)
        case ast.Try():
            may_miss = optional or any(_catches_a_miss(one) for one in node.handlers)
            for part in (*node.body, *node.handlers, *node.orelse, *node.finalbody):
                yield from _imports(part, optional=may_miss)
        case _:
            for child in ast.iter_child_nodes(node):
                yield from _imports(child, optional=optional)


def _catches_a_miss(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(one) in _MISSES for one in kinds)


def _foreign(modules: Modules, module: Module, found: Iterable[_Found]) -> Iterator[Import]:
    for node, optional in found:
        if isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                continue
            names = [(f"{node.module}.{alias.name}", node.module, alias) for alias in node.names]
        else:
            names = [(alias.name, alias.name, alias) for alias in node.names]
        seen: set[str] = set()
        for full, said, alias in names:
            top = full.partition(".")[0]
            if top in sys.stdlib_module_names or top in OURS or said in seen:
                continue
            if modules.find(top) is not None or next(modules.along(full), None) is not None:
                continue
            # Of `from google.cloud import storage` the whole tells which distribution is meant.
            if isinstance(node, ast.Import):
                seen.add(said)
            at = node if isinstance(node, ast.ImportFrom) else alias
            yield Import(
                full, module, at.lineno, at.col_offset, at.end_col_offset or at.col_offset, optional
            )
