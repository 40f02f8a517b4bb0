"""Which statements of a notebook its functions and classes need, and which only look at data."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator

from penstock.images.actions import root

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LOOKS = frozenset(
    {
        *("head", "tail", "describe", "info", "sample", "value_counts", "display", "show"),
        *("plot", "hist", "boxplot", "scatter", "imshow", "summary"),
    }
)
"""Methods that change nothing: what calls them looks at data or draws it."""

_SETS = frozenset({"seed", "manual_seed", "set_seed", "set_option", "filterwarnings"})
_PLACES = ("sys.path.", "os.environ.")
"""Calls on imported modules that steps notice."""

_CHANGES = frozenset({"setattr", "delattr", "shuffle", "heapify", "heappush", "insort"})
"""Functions that change what they are given."""


def needed(body: list[ast.stmt]) -> list[ast.stmt]:
    """Imports, functions, classes, and what makes or changes the names that they use."""
    imported = {name for one in body for name in _imported(one)}
    bound = [_bound(one) | _changed(one, imported) for one in body]
    chosen = [
        isinstance(one, (*DEFINITIONS, ast.Import, ast.ImportFrom)) or _sets(one, imported)
        for one in body
    ]
    wanted = {name for one, kept in zip(body, chosen, strict=True) if kept for name in _used(one)}
    grown = True
    while grown:
        grown = False
        for place, one in enumerate(body):
            if not chosen[place] and not wanted.isdisjoint(bound[place]):
                chosen[place] = grown = True
                wanted |= _used(one)
    return [one for one, kept in zip(body, chosen, strict=True) if kept]


def _used(node: ast.stmt) -> set[str]:
    """The names of the module that a statement uses, those in types written as text included.

    A variable of a function is none of them, though cells may have one of the same name.
    """
    table = symtable.symtable(ast.unparse(node), "notebook", "exec")
    found = {one.get_name() for one in table.get_symbols() if one.is_referenced()}
    todo = list(table.get_children())
    while todo:
        inner = todo.pop()
        found |= {one.get_name() for one in inner.get_symbols() if one.is_global()}
        todo += inner.get_children()
    return found | _in_types(node)


def _in_types(node: ast.stmt) -> set[str]:
    """The names in annotations that are texts, and in what may be a type: `Rows = list["Row"]`."""
    found: set[str] = set()
    for one in ast.walk(node):
        match one:
            case ast.arg(annotation=ast.expr() as said) | ast.AnnAssign(annotation=said):
                found |= _in_texts(said)
            case (
                ast.FunctionDef(returns=ast.expr() as said)
                | ast.AsyncFunctionDef(returns=ast.expr() as said)
            ):
                found |= _in_texts(said)
            case _:
                pass
    if isinstance(node, ast.Assign):
        found |= _in_texts(node.value)
    return found


def _in_texts(node: ast.expr) -> set[str]:
    found: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and len(one.value) < 200:
            try:
                tree = ast.parse(one.value, mode="eval")
            except (SyntaxError, ValueError, RecursionError):
                continue
            found |= {inner.id for inner in ast.walk(tree) if isinstance(inner, ast.Name)}
    return found


def _bound(node: ast.stmt) -> set[str]:
    """The names that a statement makes or changes: `a`, also for `a.x = 1` and `a[0] = 1`."""
    found = set(_imported(node))
    for one in _at_once(node):
        match one:
            case ast.Name(ctx=ast.Store() | ast.Del()):
                found.add(one.id)
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | (
                ast.Subscript(ctx=ast.Store() | ast.Del())
            ):
                found.add(root(one))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(one.name)
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                found.add(name)
            case ast.MatchMapping(rest=str() as name):
                found.add(name)
            case _:
                pass
    return found


def _changed(node: ast.stmt, imported: set[str]) -> set[str]:
    """What its calls may change: `words` of `words.add("the")`, but not of `words.plot()`."""
    found: set[str] = set()
    for call in _calls(node):
        if isinstance(call.func, ast.Attribute) and not _LOOKS & set(_chain(call.func)):
            found |= {root(call.func)} - imported
        if _chain(call.func)[-1:] and _chain(call.func)[-1] in _CHANGES:
            found |= {root(one) for one in call.args}
    return found - {""}


def _sets(node: ast.stmt, imported: set[str]) -> bool:
    """Whether it sets something for all code that runs later."""
    return any(
        root(one.func) in imported
        and (_chain(one.func)[-1] in _SETS or ast.unparse(one.func).startswith(_PLACES))
        for one in _calls(node)
    )


def _calls(node: ast.stmt) -> Iterator[ast.Call]:
    """The calls whose results nobody takes."""
    for one in _at_once(node):
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
            yield one.value


def _chain(node: ast.expr) -> list[str]:
    """`["sys", "path", "append"]`."""
    names: list[str] = []
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        if isinstance(node, ast.Attribute):
            names.append(node.attr)
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        names.append(node.id)
    return names[::-1]


def _at_once(node: ast.AST) -> Iterator[ast.AST]:
    """A statement and what is in it, without the bodies of functions and classes."""
    yield node
    if isinstance(node, (*DEFINITIONS, ast.Lambda)):
        return
    for one in ast.iter_child_nodes(node):
        if isinstance(node, ast.comprehension) and one is node.target:
            continue  # a name of its own
        yield from _at_once(one)


def _imported(node: ast.AST) -> Iterator[str]:
    for one in _at_once(node):
        if isinstance(one, ast.Import | ast.ImportFrom):
            for alias in one.names:
                yield (alias.asname or alias.name).partition(".")[0]
