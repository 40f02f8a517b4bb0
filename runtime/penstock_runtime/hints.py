"""Reading annotations: resolving their names, and looking through what only wraps a type."""

import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias, Union

# An annotation may be any object at all; only the typing module can tell what it means.
Hint: TypeAlias = Any

DEEPEST = 32
"""How deeply wrappers and type arguments may nest before they are refused."""


class SignatureError(TypeError):
    """An annotation of a step cannot be resolved; the message names it."""


def unwrapped(target: Callable[..., Any]) -> Callable[..., Any]:
    """The user's own function behind decorators that set `__wrapped__`."""
    for _ in range(DEEPEST):
        inner = getattr(target, "__wrapped__", None)
        if inner is None:
            return target
        target = inner
    raise SignatureError(f"{_called(target)} is wrapped more than {DEEPEST} times")


def hints_of(
    target: Callable[..., Any], local_names: Mapping[str, object] | None = None
) -> dict[str, Hint]:
    """Every annotation of a callable or class, resolved, `return` included.

    `Annotated[...]` is kept. `local_names` adds names that the module does not have (types
    defined inside a function). Raises SignatureError when a name cannot be resolved.
    """
    target = unwrapped(target)
    names = {**_closure(target), **(local_names or {})}
    try:
        return typing.get_type_hints(target, localns=names or None, include_extras=True)
    except Exception as error:  # an annotation is the user's expression: it may raise anything
        raise _unresolved(target, names, error) from error


def plain(hint: Hint) -> Hint:
    """A hint without `Annotated[...]`, `NewType` and `type X = ...` around it."""
    for _ in range(DEEPEST):
        if origin_of(hint) is Annotated:
            hint = typing.get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            return type(None) if hint is None else hint
    raise SignatureError(f"the type {hint!r} is nested too deeply")


def origin_of(hint: Hint) -> Any:
    """`list` of `list[int]`; None for a plain class. Typed so that any form may be compared."""
    return typing.get_origin(hint)


def is_union(hint: Hint) -> bool:
    """Whether a plain hint is `X | Y` or `Optional[X]`."""
    return origin_of(hint) in (Union, types.UnionType)


def asks_for(hint: Hint, kind: type) -> bool:
    """Whether a hint is a class, or `X | None` and the like with a class in it."""
    hint = plain(hint)
    if is_union(hint):
        return any(asks_for(member, kind) for member in typing.get_args(hint))
    return isinstance(hint, type) and origin_of(hint) is None and issubclass(hint, kind)


def is_namedtuple(hint: Hint) -> bool:
    """Whether a plain hint is a NamedTuple class, so that its fields are separate outputs."""
    fields = getattr(hint, "_fields", None)
    return fields is not None and isinstance(hint, type) and issubclass(hint, tuple)


def full_name(kind: type) -> str:
    """The full name of a class, such as `pandas.DataFrame`."""
    return f"{kind.__module__}.{kind.__qualname__}"


def class_name(value: object) -> str:
    """The full name of a value's class."""
    return full_name(type(value))


def spelled(hint: Hint) -> str:
    """A hint as the user would write it, for messages."""
    return hint.__qualname__ if isinstance(hint, type) else str(hint).replace("typing.", "")


def _closure(target: Callable[..., Any]) -> dict[str, object]:
    # A step defined inside a function may name types that only its closure knows.
    code, cells = getattr(target, "__code__", None), getattr(target, "__closure__", None)
    if code is None or not cells:
        return {}
    found: dict[str, object] = {}
    for name, cell in zip(code.co_freevars, cells, strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # the cell is still empty: the name is bound later
            continue
    return found


def _unresolved(
    target: Callable[..., Any], names: Mapping[str, object], error: Exception
) -> SignatureError:
    module = sys.modules.get(str(getattr(target, "__module__", "")))
    space = dict(getattr(target, "__globals__", None) or (vars(module) if module else {}))
    culprit = "an annotation"
    for name, hint in getattr(target, "__annotations__", {}).items():
        alone = types.SimpleNamespace(__annotations__={name: hint})
        try:
            typing.get_type_hints(alone, globalns=space, localns=dict(names))
        except Exception:  # the same expressions as above; only the culprit is wanted
            culprit = f"the return type {hint!r}" if name == "return" else f"`{name}: {hint}`"
            break
    return SignatureError(
        f"{_called(target)}: cannot resolve {culprit} ({type(error).__name__}: {error}); "
        "import the type at module level, not under TYPE_CHECKING"
    )


def _called(target: object) -> str:
    return str(getattr(target, "__qualname__", None) or repr(target))
