"""The statements of a module: what each binds, what it uses, and whether it acts by itself."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property

_PLAIN_DECORATORS = frozenset(
    {
        *("cache", "lru_cache", "wraps", "singledispatch", "total_ordering", "dataclass"),
        *("contextmanager", "overload", "final", "runtime_checkable", "override", "unique"),
    }
)
"""Decorators that only wrap what they decorate, and register it nowhere."""

_OURS = frozenset({"step", "pipeline"})
_NEVER_TRUE = frozenset(
    {
        *("TYPE_CHECKING", "typing.TYPE_CHECKING"),
        *("__name__ == '__main__'", "'__main__' == __name__"),
    }
)
"""Tests that hold in no imported module."""

_NO_NAMES: frozenset[str] = frozenset()


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
    def imports(self) -> tuple[ast.Import | ast.ImportFrom, ...]:
        """The imports in it, those inside functions included."""
        found = [one for one in ast.walk(self.node) if isinstance(one, ast.Import | ast.ImportFrom)]
        return tuple(found)


def statements(tree: ast.Module) -> tuple[Statement, ...]:
    """The statements that make the module; its docstring and main guard are none of them."""
    ours = frozenset(name for node in tree.body for name in _from_penstock(node))
    listed = [one for node in tree.body if not _idle(node) for one in _statement(node, ours)]
    used = frozenset(name for one in listed for name in one.uses)
    foreign = frozenset(name for one in listed if _is_foreign(one.node) for name in one.binds)
    foreign |= frozenset(vars(builtins))
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


def _statement(node: ast.stmt, ours: frozenset[str]) -> Iterator[Statement]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            # Its options are no code: those that count are part of the key themselves.
            kept = [one for one in node.decorator_list if _root(one) not in ours]
            node = copy(node)
            node.decorator_list = kept
            acts = any(_called(one) not in _PLAIN_DECORATORS for one in kept)
            yield Statement(node, frozenset({node.name}), _uses(node), acts=acts)
        case ast.ClassDef():
            # A base may keep a list of its subclasses: whoever uses the base may look at it.
            bases = frozenset(name for one in node.bases for name in _uses(one))
            acts = any(_called(one) not in _PLAIN_DECORATORS for one in node.decorator_list)
            yield Statement(node, frozenset({node.name}), _uses(node), bases, acts)
        case ast.Import():
            for alias in node.names:  # each name by itself: a step may use only one of them
                name = (alias.asname or alias.name).partition(".")[0]
                yield Statement(ast.Import([alias]), frozenset({name}))
        case ast.ImportFrom():
            acts = node.module == "__future__" or node.names[0].name == "*"
            for alias in node.names:
                one = ast.ImportFrom(node.module, [alias], node.level)
                yield Statement(one, frozenset({alias.asname or alias.name}), acts=acts)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            binds = frozenset(name for one in targets for name in _bound(one))
            touches = _touched(node.value) if node.value is not None else _NO_NAMES
            yield Statement(node, binds, _uses(node), touches, acts=not binds)
        case _:
            yield Statement(node, uses=_uses(node), acts=True)


def _is_foreign(node: ast.stmt) -> bool:
    """An import from Python itself or from penstock: what they export keeps no list of users."""
    if isinstance(node, ast.ImportFrom):
        top = "" if node.level else (node.module or "").partition(".")[0]
    else:
        top = node.names[0].name.partition(".")[0] if isinstance(node, ast.Import) else ""
    return top == "penstock" or top in sys.stdlib_module_names


def _root(decorator: ast.expr) -> str:
    """The first name of a decorator: `penstock` of `@penstock.step(retries=2)`."""
    while isinstance(decorator, ast.Call | ast.Attribute):
        decorator = decorator.func if isinstance(decorator, ast.Call) else decorator.value
    return decorator.id if isinstance(decorator, ast.Name) else ""


def _called(decorator: ast.expr) -> str:
    """The last name of a decorator: `step` of `@penstock.step(retries=2)`."""
    if isinstance(decorator, ast.Call):
        decorator = decorator.func
    if isinstance(decorator, ast.Attribute):
        return decorator.attr
    return decorator.id if isinstance(decorator, ast.Name) else ""


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


def _touched(value: ast.expr) -> frozenset[str]:
    """What a call may change: `added = REGISTRY.add(model)` changes REGISTRY."""
    calls = any(isinstance(one, ast.Call) for one in ast.walk(value))
    return _uses(value) if calls else _NO_NAMES


def _uses(node: ast.AST) -> frozenset[str]:
    """Every name in it, those in annotations that are texts included."""
    found: set[str] = set()
    for one in ast.walk(node):
        match one:
            case ast.Name():
                found.add(one.id)
            case ast.arg(annotation=ast.expr() as said) | ast.AnnAssign(annotation=said):
                found |= _in_texts(said)
            case ast.FunctionDef(returns=ast.expr() as said):
                found |= _in_texts(said)
            case _:
                pass
    return frozenset(found)


def _in_texts(annotation: ast.expr) -> set[str]:
    found: set[str] = set()
    for one in ast.walk(annotation):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            try:
                tree = ast.parse(one.value, mode="eval")
            except (SyntaxError, ValueError, RecursionError):
                continue
            found |= {inner.id for inner in ast.walk(tree) if isinstance(inner, ast.Name)}
    return found
