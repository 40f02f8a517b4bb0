"""What the code of a step imports from outside of the project and of Python."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from penstock.images.import_statements import Found, import_statements
from penstock.images.modules import OURS, Module, Modules
from penstock.images.statements import Statement


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
        counts = inside is None or not _is_block(node) or node.lineno in inside
        found += _foreign(modules, module, import_statements(node, inside=counts))
    return found


def _is_block(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _foreign(modules: Modules, module: Module, found: Iterable[Found]) -> Iterator[Import]:
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
