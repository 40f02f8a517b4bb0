"""Does a statement do something when its module is imported, whoever uses the names it binds?

Such a statement can change what any step of the module does. In doubt it does: the price is that
an edit of it makes more steps run again.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_ACTING_BUILTINS = frozenset(
    {
        *("exec", "eval", "setattr", "delattr", "globals", "locals", "vars", "__import__"),
        *("open", "print", "input", "next", "iter"),
    }
)
_BUILTINS = frozenset(vars(builtins))
_HARMLESS = frozenset(
    {
        *("getLogger", "namedtuple", "compile", "partial", "field", "getenv", "get", "join"),
        *("itemgetter", "attrgetter", "environ", "resolve", "absolute", "now", "today"),
        *("cwd", "home", "joinpath", "with_suffix", "dirname", "abspath", "loads", "load"),
    }
)
"""Functions of Python's library that change nothing which a step could look at."""

_PLAIN_METACLASSES = frozenset({"ABCMeta", "EnumMeta", "EnumType"})
_MAKERS = frozenset({"__init__", "__new__", "__post_init__", "__init_subclass__"})


@dataclass(frozen=True)
class Names:
    """What the names of a module stand for.

    `foreign` come from outside the project, `standard` of those from Python itself; `imported`
    are all that imports bind. `making` are the module's classes whose instances do something
    when they are made, `plain` its other ones.
    """

    foreign: frozenset[str] = frozenset()
    standard: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()
    plain: frozenset[str] = frozenset()
    telling: frozenset[str] = frozenset()
    """Classes that hear of their subclasses."""
    functions: frozenset[str] = field(default_factory=frozenset[str])


def names_of(body: Iterable[ast.stmt], foreign: Iterable[ast.stmt]) -> Names:
    """The names of a module; `foreign` are those of its imports that leave the project."""
    listed = list(body)
    outside = list(foreign)
    classes = [one for one in listed if isinstance(one, ast.ClassDef)]
    return Names(
        foreign=frozenset(name for one in outside for name in _imported(one)),
        standard=frozenset(name for one in outside if _is_standard(one) for name in _imported(one)),
        imported=frozenset(name for one in listed for name in _imported(one)),
        plain=frozenset(one.name for one in classes if not _methods(one) & _MAKERS),
        telling=frozenset(one.name for one in classes if "__init_subclass__" in _methods(one)),
    )


def acts(node: ast.stmt, names: Names) -> bool:
    """Whether the statement does more than bind names."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return _function_acts(node, names)
        case ast.ClassDef():
            return _class_acts(node, names)
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            stored = any(_stores_elsewhere(one, names) for one in targets)
            return stored or (node.value is not None and _calls_act(node.value, names))
        case ast.Import():
            return False
        case ast.ImportFrom():
            return node.module == "__future__" or node.names[0].name == "*"
        case _:
            return True


def root(node: ast.expr) -> str:
    """The first name of an expression: `penstock` of `penstock.step(retries=2)`."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _function_acts(node: ast.FunctionDef | ast.AsyncFunctionDef, names: Names) -> bool:
    if any(root(one) not in names.foreign | _BUILTINS for one in node.decorator_list):
        return True  # the project's own decorators may keep a list
    given = [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]
    return any(_calls_act(one, names) for one in given)


def _class_acts(node: ast.ClassDef, names: Names) -> bool:
    if any(root(one) not in names.foreign | _BUILTINS for one in node.decorator_list):
        return True
    if any(root(one) in names.telling for one in node.bases):
        return True
    for one in node.keywords:
        if one.arg == "metaclass" and _last(one.value) not in _PLAIN_METACLASSES:
            return True
    return any(_inside_acts(one, names) for one in node.body)


def _inside_acts(node: ast.stmt, names: Names) -> bool:
    match node:
        case ast.Assign() if all(isinstance(one, ast.Name) for one in node.targets):
            return _calls_act(node.value, names)
        case ast.AnnAssign(target=ast.Name()):
            return node.value is not None and _calls_act(node.value, names)
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return any(
                _calls_act(one, names)
                for one in [*node.args.defaults, *node.args.kw_defaults]
                if one is not None
            )
        case ast.ClassDef():
            return _class_acts(node, names)
        case ast.Expr(value=ast.Constant()) | ast.Pass():
            return False
        case _:
            return True


def _stores_elsewhere(target: ast.expr, names: Names) -> bool:
    """`module.x = 1` changes what the module is for everybody."""
    if isinstance(target, ast.Tuple | ast.List):
        return any(_stores_elsewhere(one, names) for one in target.elts)
    if isinstance(target, ast.Starred):
        return _stores_elsewhere(target.value, names)
    return not isinstance(target, ast.Name) and root(target) in names.imported | {""}


def _calls_act(value: ast.expr, names: Names) -> bool:
    return any(_call_acts(one, names) for one in _evaluated(value) if isinstance(one, ast.Call))


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """What is evaluated at once; the body of a lambda is not."""
    yield node
    if isinstance(node, ast.Lambda):
        return
    for one in ast.iter_child_nodes(node):
        yield from _evaluated(one)


def _call_acts(call: ast.Call, names: Names) -> bool:
    first, last = root(call.func), _last(call.func)
    if isinstance(call.func, ast.Name):
        if first in names.plain:
            return False
        if first in _BUILTINS and first not in names.imported:
            return first in _ACTING_BUILTINS
    elif first not in names.imported:
        return False  # a method of what the module made: the statement touches that name
    if first in names.foreign:
        made = last[:1].isupper() or last in _HARMLESS
        return first in names.standard and not made
    return True


def _last(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _methods(node: ast.ClassDef) -> set[str]:
    return {one.name for one in node.body if isinstance(one, ast.FunctionDef)}


def _imported(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        for alias in node.names:
            yield (alias.asname or alias.name).partition(".")[0]


def _is_standard(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return not node.level and (node.module or "").partition(".")[0] in sys.stdlib_module_names
    top = node.names[0].name.partition(".")[0] if isinstance(node, ast.Import) else ""
    return top in sys.stdlib_module_names
