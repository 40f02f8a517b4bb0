"""The import statements in code, and which of them it can go on without."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_MISSES = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})

Found = tuple[ast.Import | ast.ImportFrom, bool]
"""An import, and whether it may fail."""


def imports_at_once(tree: ast.Module) -> Iterator[ast.Import | ast.ImportFrom]:
    """What is imported when the module is, without what its functions import when they run."""
    for node in tree.body:
        for one, _ in import_statements(node, inside=False):
            yield one


def import_statements(
    node: ast.AST, *, inside: bool = True, optional: bool = False
) -> Iterator[Found]:
    """All imports in a piece of code, those by `import_module("name")` too.

    Without `inside`, functions are left alone; what only type checkers read always is.
    """
    match node:
        case ast.Import() | ast.ImportFrom():
            yield node, optional
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() if not inside:
            return
        case ast.If() if _never_runs(node.test):
            parts: list[ast.AST] = list(node.orelse)
        case ast.Try():
            optional = optional or any(_is_a_miss(one.type) for one in node.handlers)
            parts = [*node.body, *node.handlers, *node.orelse, *node.finalbody]
        case ast.With():
            optional = optional or any(_suppresses(one.context_expr) for one in node.items)
            parts = [*node.items, *node.body]
        case _:
            named = imported_by_name(node)
            if named is not None:
                yield named, optional
            parts = list(ast.iter_child_nodes(node))
    for part in parts:
        yield from import_statements(part, inside=inside, optional=optional)


def imported_by_name(node: ast.AST) -> ast.Import | None:
    """`importlib.import_module("name")` as the statement that it stands for."""
    match node:
        case ast.Call(func=ast.Name(id="import_module" | "__import__"), args=[first, *_]) | (
            ast.Call(func=ast.Attribute(attr="import_module"), args=[first, *_])
        ):
            if (
                isinstance(first, ast.Constant)
                and isinstance(first.value, str)
                and not first.value.startswith(".")
            ):
                alias = ast.copy_location(ast.alias(first.value), first)
                return ast.copy_location(ast.Import([alias]), first)
        case _:
            pass
    return None


def _never_runs(test: ast.expr) -> bool:
    text = ast.unparse(test)
    return text.rpartition(".")[2] == "TYPE_CHECKING" or text == "__name__ == '__main__'"


def _suppresses(used: ast.expr) -> bool:
    if not isinstance(used, ast.Call) or ast.unparse(used.func).rpartition(".")[2] != "suppress":
        return False
    return any(_is_a_miss(one) for one in used.args)


def _is_a_miss(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(ast.unparse(one) in _MISSES for one in kinds)
