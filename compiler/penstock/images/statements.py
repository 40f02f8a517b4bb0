"""The statements of a module: what each binds, what it uses, and what it may change besides."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

from penstock.images.actions import Names, acts, names_of, root
from penstock.images.import_statements import imported_by_name

_OURS = frozenset({"step", "pipeline"})
_NEVER_TRUE = frozenset(
    {
        *("TYPE_CHECKING", "typing.TYPE_CHECKING"),
        *("__name__ == '__main__'", "'__main__' == __name__"),
    }
)
"""Tests that hold in no imported module."""

_NO_NAMES: frozenset[str] = frozenset()
_LOOKS_UP = frozenset(
    {*("globals", "locals", "vars", "eval", "exec", "__import__", "import_module", "modules")}
)

Leaves = Callable[[ast.Import | ast.ImportFrom], bool]
"""Whether an import leaves the project."""


@dataclass(frozen=True)
class Statement:
    """One statement at the top level of a module.

    `touches` are names that it may change without binding them; `acts` says that it does something
    whenever the module is imported, whoever uses its names.
    """

    node: ast.stmt
    binds: frozenset[str] = _NO_NAMES
    uses: frozenset[str] = _NO_NAMES
    touches: frozenset[str] = _NO_NAMES
    acts: bool = False

    def matters_to(self, wanted: set[str]) -> bool:
        """Whether code that uses these names can notice it."""
        return self.acts or not wanted.isdisjoint(self.binds | self.touches)

    @cached_property
    def normal(self) -> str:
        """The statement without comments and layout."""
        return ast.dump(self.node)

    @cached_property
    def looks_up(self) -> bool:
        """Whether it may find names that it does not mention."""
        return any(
            (isinstance(one, ast.Name) and one.id in _LOOKS_UP)
            or (isinstance(one, ast.Attribute) and one.attr in _LOOKS_UP)
            for one in ast.walk(self.node)
        )

    @cached_property
    def imports(self) -> tuple[ast.Import | ast.ImportFrom, ...]:
        """The imports in it, those inside functions and those by `import_module` included."""
        return tuple(_imports(self.node))


def statements(tree: ast.Module, leaves: Leaves) -> tuple[Statement, ...]:
    """The statements that make the module; its docstring and main guard are none of them."""
    body = [one for one in tree.body if not _idle(one)]
    imports = [one for one in body if isinstance(one, ast.Import | ast.ImportFrom)]
    names = names_of(body, [one for one in imports if leaves(one)])
    ours = frozenset(name for node in body for name in _from_penstock(node))
    listed = [one for node in body for one in _statement(node, ours, names)]
    used = frozenset(name for one in listed for name in one.uses)
    foreign = names.foreign | frozenset(vars(builtins))
    return tuple(
        replace(
            one,
            touches=one.touches - foreign,
            # `import plugins` that nothing mentions is there for what it does.
            acts=one.acts
            or (isinstance(one.node, ast.Import | ast.ImportFrom) and used.isdisjoint(one.binds)),
        )
        for one in listed
    )


def _idle(node: ast.stmt) -> bool:
    if isinstance(node, ast.If):
        return not node.orelse and ast.unparse(node.test) in _NEVER_TRUE
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _from_penstock(node: ast.stmt) -> Iterator[str]:
    """The names by which a module knows penstock's decorators, or penstock itself."""
    if isinstance(node, ast.ImportFrom) and not node.level and node.module == "penstock":
        for alias in node.names:
            if alias.name == "*":
                yield from _OURS
            elif alias.name in _OURS:
                yield alias.asname or alias.name
    elif isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name == "penstock":
                yield alias.asname or alias.name


def _statement(node: ast.stmt, ours: frozenset[str], names: Names) -> Iterator[Statement]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            # Its options are no code: those that count are part of the key themselves.
            kept = [one for one in node.decorator_list if root(one) not in ours]
            node = copy(node)
            node.decorator_list = kept
            yield Statement(node, frozenset({node.name}), _uses(node), acts=acts(node, names))
        case ast.ClassDef():
            # A base may keep a list of its subclasses: whoever uses the base may look at it.
            bases = frozenset(name for one in node.bases for name in _uses(one))
            binds = frozenset({node.name})
            yield Statement(node, binds, _uses(node), bases, acts(node, names))
        case ast.Import():
            for alias in node.names:  # each name by itself: a step may use only one of them
                name = (alias.asname or alias.name).partition(".")[0]
                yield Statement(ast.Import([alias]), frozenset({name}))
        case ast.ImportFrom():
            for alias in node.names:
                one = ast.ImportFrom(node.module, [alias], node.level)
                binds = frozenset({alias.asname or alias.name})
                yield Statement(one, binds, acts=acts(node, names))
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            binds = frozenset(name for one in targets for name in _bound(one))
            touches = _NO_NAMES
            if node.value is not None:
                binds |= _walrus(node.value)
                touches = _touched(node.value)
            doing = acts(node, names) or not binds
            yield Statement(node, binds, _uses(node) | _texts(node), touches, doing)
        case _:
            yield Statement(node, uses=_uses(node), acts=True)


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for one in ast.walk(node):
        if isinstance(one, ast.Import | ast.ImportFrom):
            yield one
        elif (named := imported_by_name(one)) is not None:
            yield named


def _bound(target: ast.expr) -> Iterator[str]:
    """The names that an assignment makes or changes: `a`, also for `a.x = 1` and `a[0] = 1`."""
    match target:
        case ast.Name():
            yield target.id
        case ast.Attribute() | ast.Subscript() | ast.Starred():
            yield from _bound(target.value)
        case ast.Tuple() | ast.List():
            for one in target.elts:
                yield from _bound(one)
        case _:
            return


def _walrus(value: ast.expr) -> frozenset[str]:
    return frozenset(one.target.id for one in ast.walk(value) if isinstance(one, ast.NamedExpr))


def _touched(value: ast.expr) -> frozenset[str]:
    """What may change with the new name: what a call gets, and what the name is another name of.

    `added = REGISTRY.add(model)` changes REGISTRY, and so does `same = REGISTRY` later on.
    """
    another = isinstance(value, ast.Name | ast.Attribute | ast.Subscript)
    calls = any(isinstance(one, ast.Call) for one in ast.walk(value))
    return _uses(value) if another or calls else _NO_NAMES


def _uses(node: ast.AST) -> frozenset[str]:
    """Every name in it, those in annotations that are texts included."""
    found: set[str] = set()
    for one in ast.walk(node):
        match one:
            case ast.Name():
                found.add(one.id)
            case ast.arg(annotation=ast.expr() as said) | ast.AnnAssign(annotation=said):
                found |= _texts(said)
            case (
                ast.FunctionDef(returns=ast.expr() as said)
                | ast.AsyncFunctionDef(returns=ast.expr() as said)
            ):
                found |= _texts(said)
            case _:
                pass
    return frozenset(found)


def _texts(node: ast.AST) -> frozenset[str]:
    """The names in texts that may be types: `Rows = list["Row"]`."""
    found: set[str] = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and len(one.value) < 200:
            try:
                tree = ast.parse(one.value, mode="eval")
            except (SyntaxError, ValueError, RecursionError):
                continue
            found |= {inner.id for inner in ast.walk(tree) if isinstance(inner, ast.Name)}
    return frozenset(found)
