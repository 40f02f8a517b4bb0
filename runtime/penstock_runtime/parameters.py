"""Parameters: the small values that travel in the orchestrator, as JSON."""

import math
import typing
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import Enum
from typing import Any, Literal, cast

from penstock_runtime.hints import (
    DEEPEST,
    Hint,
    hints_of,
    is_namedtuple,
    is_union,
    origin_of,
    plain,
    spelled,
)
from penstock_runtime.values import Metrics

_MOST_BITS = 4096
_SCALARS = (bool, int, float, str)
_COLLECTIONS: tuple[Any, ...] = (tuple, set, frozenset)
_SETS: tuple[Any, ...] = (set, frozenset)


def is_parameter(hint: Hint) -> bool:
    """Whether values of this type travel in the orchestrator; all others are artifacts.

    Parameters are `int float str bool`, lists and string-keyed dicts of those, `Literal`,
    `Enum`, `None`, and unions of them. `Any`, a missing annotation, and a bare `list` or
    `dict` promise nothing about their content, so they are artifacts.
    """
    return _is_parameter(hint, DEEPEST)


def coerce(value: Any, hint: Hint) -> Any:
    """The value that an annotation asks for, made from a JSON value.

    Enum members from their values, `float` from an int, `int` from a whole float (JSON
    numbers of Kubeflow are all doubles), tuples and sets from lists, dataclasses and Metrics
    from objects, lists and dicts item by item. A hint that says nothing changes nothing.
    Raises TypeError naming the place when the value does not fit.
    """
    return _coerce(value, hint, "")


def to_json(value: Any) -> Any:
    """A parameter as plain JSON: the inverse of `coerce`.

    NumPy's scalars become Python's. Raises TypeError for nan, infinities, keys that are not
    str, and everything that JSON cannot hold.
    """
    return _to_json(value, "")


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal in type and content, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, (list, tuple)):
        pair = cast(tuple[list[Any], list[Any]], (one, other))
        return len(pair[0]) == len(pair[1]) and all(map(same, *pair))
    if isinstance(one, dict):
        left, right = cast(tuple[dict[Any, Any], dict[Any, Any]], (one, other))
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if hasattr(one, "__dataclass_fields__"):
        return all(same(getattr(one, f), getattr(other, f)) for f in one.__dataclass_fields__)
    return bool(one == other)


def _is_parameter(hint: Hint, depth: int) -> bool:
    hint = plain(hint)
    if depth == 0:
        return False
    if hint is type(None) or any(hint is scalar for scalar in _SCALARS):
        return True
    if isinstance(hint, type) and issubclass(hint, Enum):
        return all(isinstance(member.value, _SCALARS) for member in hint)
    origin, arguments = origin_of(hint), typing.get_args(hint)
    if origin is Literal:
        return all(isinstance(item, (bool, int, str, Enum, type(None))) for item in arguments)
    if is_union(hint) or origin is list:
        return all(_is_parameter(item, depth - 1) for item in arguments)
    return origin is dict and _is_text(arguments[0]) and _is_parameter(arguments[1], depth - 1)


def _is_text(hint: Hint) -> bool:
    hint = plain(hint)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return all(isinstance(member.value, str) for member in hint)
    if origin_of(hint) is Literal:
        return all(isinstance(item, str) for item in typing.get_args(hint))
    return hint is str


def _coerce(value: Any, hint: Hint, at: str) -> Any:
    hint = plain(hint)
    origin, arguments = origin_of(hint), typing.get_args(hint)
    if is_union(hint):
        return _union(value, hint, arguments, at)
    if origin is Literal:
        return _literal(value, hint, arguments, at)
    if origin is None and isinstance(hint, type):
        return _class(value, hint, at)
    if origin is list and isinstance(value, list):
        return [_coerce(v, arguments[0], f"{at}[{i}]") for i, v in _numbered(value)]
    if origin is dict and isinstance(value, dict):
        return {
            _coerce(k, arguments[0], f"{at} key {k!r}"): _coerce(v, arguments[1], f"{at}[{k!r}]")
            for k, v in _items(value)
        }
    if origin is tuple and isinstance(value, (list, tuple)):
        return _tuple(value, hint, arguments, at)
    if origin in _SETS and isinstance(value, (list, set, frozenset)):
        return _filled(
            origin, [_coerce(v, arguments[0], f"{at}[{i}]") for i, v in _numbered(value)]
        )
    if origin in (list, dict, tuple, set, frozenset):
        raise _misfit(value, hint, at)
    return value


def _class(value: Any, hint: Any, at: str) -> Any:
    if hint in _SCALARS or hint is type(None):
        return _scalar(value, hint, at)
    if issubclass(hint, Enum):
        return value if isinstance(value, hint) else _literal(value, hint, tuple(hint), at)
    if hint in (list, dict) and not isinstance(value, hint):
        raise _misfit(value, hint, at)
    if isinstance(value, dict):
        return _object(cast(dict[str, Any], value), hint, at)
    return _array(value, hint) if isinstance(value, (list, tuple)) else value


def _object(value: dict[str, Any], hint: Any, at: str) -> Any:
    if hint is Metrics:
        return Metrics(value)
    return _dataclass(value, hint, at) if hasattr(hint, "__dataclass_fields__") else value


def _array(value: Any, hint: Any) -> Any:
    if hint in _COLLECTIONS:
        return hint(value)
    return hint(*value) if is_namedtuple(hint) else value


def _scalar(value: Any, hint: Any, at: str) -> Any:
    if type(value) is hint:
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        with suppress(OverflowError, ValueError):  # infinities, nan, ints beyond any float
            if hint is float or (hint is int and value == int(value)):
                return hint(value)
    if hint is str and isinstance(value, str):
        return str(value)
    raise _misfit(value, hint, at)


def _literal(value: Any, hint: Hint, choices: tuple[Any, ...], at: str) -> Any:
    for choice in choices:
        plain_choice = choice.value if isinstance(choice, Enum) else choice
        # Python says True == 1; JSON and the user do not. 1.0 may stand for 1, though.
        if value == plain_choice and isinstance(value, bool) == isinstance(plain_choice, bool):
            return choice
    raise _misfit(value, hint, at)


def _union(value: Any, hint: Hint, members: tuple[Any, ...], at: str) -> Any:
    fitting: list[Any] = []
    for member in members:
        try:
            fitting.append(_coerce(value, member, at))
        except (TypeError, ValueError):
            continue
        if same(fitting[-1], value):  # what needs no conversion wins
            return fitting[-1]
    if not fitting:
        raise _misfit(value, hint, at)
    return fitting[0]


def _tuple(value: Any, hint: Hint, arguments: tuple[Any, ...], at: str) -> Any:
    items = cast(list[Any], value)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(items)
    if len(items) != len(arguments):
        raise _misfit(value, hint, at)
    return tuple(
        _coerce(item, argument, f"{at}[{i}]")
        for i, (item, argument) in enumerate(zip(items, arguments, strict=True))
    )


def _dataclass(value: dict[str, Any], hint: Any, at: str) -> Any:
    hints = hints_of(hint)
    known = {name: field for name, field in hint.__dataclass_fields__.items() if field.init}
    unknown = sorted(set(value) - set(hint.__dataclass_fields__))
    if unknown:
        raise TypeError(f"{_place(at)}{spelled(hint)} has no field {unknown[0]!r}")
    given = {
        name: _coerce(value[name], hints[name], f"{at}.{name}") for name in known if name in value
    }
    return hint(**given)


def _to_json(value: Any, at: str) -> Any:
    if isinstance(value, Enum):
        return _to_json(value.value, at)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _whole_text(str(value), at)
    if isinstance(value, int):
        if value.bit_length() > _MOST_BITS:
            raise TypeError(f"{_place(at)}an int of {value.bit_length()} bits is too large")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise TypeError(f"{_place(at)}{float(value)!r} is not a number that JSON can hold")
        return float(value)
    if isinstance(value, (list, tuple)):
        return [_to_json(item, f"{at}[{i}]") for i, item in _numbered(value)]
    if isinstance(value, Mapping):
        return {_key(key, at): _to_json(item, f"{at}[{key!r}]") for key, item in _items(value)}
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return _to_json(value.item(), at)
    raise TypeError(
        f"{_place(at)}{type(value).__name__} is not a parameter (int, float, str, bool, None, "
        "Enum, or lists and dicts of those)"
    )


def _key(key: Any, at: str) -> str:
    bare = key.value if isinstance(key, Enum) else key
    if not isinstance(bare, str):
        raise TypeError(f"{_place(at)}the key {key!r} of a dict must be a str")
    return _whole_text(str(bare), at)


def _whole_text(text: str, at: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        shown = text[:40].encode("ascii", "backslashreplace").decode("ascii")
        raise TypeError(
            f"{_place(at)}'{shown}' holds half a character (a lone surrogate)"
        ) from None
    return text


def _filled(kind: Any, items: list[Any]) -> Any:
    return kind(items)


def _numbered(value: Any) -> "enumerate[Any]":
    return enumerate(value)


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    return cast(Iterable[tuple[Any, Any]], value.items())


def _misfit(value: Any, hint: Hint, at: str) -> TypeError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return TypeError(f"{_place(at)}expected {spelled(hint)}, got {type(value).__name__} {shown}")


def _place(at: str) -> str:
    return f"at {at.strip()}: " if at else ""
