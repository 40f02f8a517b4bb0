"""The parameter type of Kubeflow for a type, and what its numbers, all doubles, cannot keep."""

from __future__ import annotations

import json
from typing import cast

from penstock.ir.types import Classes, Type

_SCALARS = {
    "bool": "BOOLEAN",
    "int": "NUMBER_INTEGER",
    "float": "NUMBER_DOUBLE",
    "str": "STRING",
}
_LISTS = frozenset({"list", "tuple", "set", "frozenset", "Sequence", "Iterable", "Collection"})
_DICTS = frozenset({"dict", "Mapping", "MutableMapping"})
_NUMBERS = {"NUMBER_INTEGER", "NUMBER_DOUBLE"}
_EXACT_INTEGERS = 2**53


def parameter_type(kind: Type, classes: Classes) -> str | None:
    """`STRING`, `LIST` and so on for a type, None set aside; None when no single one holds it."""
    if kind.name in _SCALARS:
        return _SCALARS[kind.name]
    short = kind.name.removeprefix("collections.abc.")
    if short in _LISTS:
        return "LIST"
    if short in _DICTS:
        return "STRUCT"
    if kind.name == "|":
        parts = {parameter_type(one, classes) for one in kind.args if one.name != "None"}
        return joined(parts)
    values = allowed_values(kind, classes)
    return joined({type_of_value(one) for one in values}) if values else None


def joined(found: set[str | None]) -> str | None:
    """The one type that holds values of all these types; None if there is none."""
    if len(found) == 1:
        return next(iter(found))
    return "NUMBER_DOUBLE" if found == _NUMBERS else None


def type_of_value(value: object) -> str | None:
    """The parameter type of a JSON value; None for null."""
    if isinstance(value, list):
        return "LIST"
    if isinstance(value, dict):
        return "STRUCT"
    return _SCALARS.get(type(value).__name__)


def nullable(kind: Type) -> bool:
    """Whether None is of the type."""
    if kind.name == "|":
        return any(nullable(one) for one in kind.args)
    return kind.name == "None" or (kind.name == "Literal" and None in kind.values)


def allowed_values(kind: Type, classes: Classes) -> tuple[object, ...]:
    """The values of a Literal or an Enum but None; empty for a type that is not a list of them."""
    if kind.name == "Literal":
        return tuple(one for one in kind.values if one is not None)
    if kind.name == "|":
        parts = [allowed_values(one, classes) for one in kind.args if one.name != "None"]
        return tuple(one for part in parts for one in part) if all(parts) else ()
    known = classes.get(kind.name)
    return tuple(map(json.loads, known.values)) if known is not None else ()


def tells_numbers(kind: Type, classes: Classes, depth: int = 16) -> bool:
    """Whether the type says of every number if it is an int or a float, so that 1 finds back."""
    if depth == 0:
        return False
    if kind.name in _SCALARS or kind.name in ("None", "Literal", "bytes", "..."):
        return True
    short = kind.name.removeprefix("collections.abc.")
    if kind.name == "|":
        numbers = set[str]().union(*(_numbers(one) for one in kind.args))
        members = all(tells_numbers(one, classes, depth - 1) for one in kind.args)
        return members and numbers != {"int", "float"}
    if short in _LISTS or short in _DICTS:
        return bool(kind.args) and all(tells_numbers(a, classes, depth - 1) for a in kind.args)
    known = classes.get(kind.name)
    return kind.name == "penstock.Metrics" or (known is not None and bool(known.values))


def _numbers(kind: Type) -> set[str]:
    own = {kind.name} & {"int", "float"}
    if kind.name == "Literal" and any(type(one) is int for one in kind.values):
        own = {"int"}
    return own.union(*(_numbers(one) for one in kind.args))


def may_hold_float(kind: Type, classes: Classes) -> bool:
    """Whether a value of the type may have a float in it."""
    if kind.name == "float":
        return True
    if kind.name in _SCALARS or kind.name in ("None", "Literal", "bytes", "..."):
        return False
    if kind.args:
        return any(may_hold_float(one, classes) for one in kind.args)
    known = classes.get(kind.name)
    if known is not None and known.values:
        return any("." in one or "e" in one for one in known.values if not one.startswith('"'))
    return True


def holds_whole_float(value: object) -> bool:
    """Whether a JSON value has a float such as 1.0 in it, which arrives as 1."""
    if isinstance(value, float):
        return value.is_integer()
    return any(map(holds_whole_float, _parts(value)))


def too_large(value: object) -> int | None:
    """The first integer in a JSON value that a double cannot hold exactly."""
    if isinstance(value, int) and abs(value) > _EXACT_INTEGERS and int(_float(value)) != value:
        return value
    found = (too_large(item) for item in _parts(value))
    return next((one for one in found if one is not None), None)


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return 0.0


def _parts(value: object) -> list[object]:
    if isinstance(value, list):
        return cast(list[object], value)
    return list(cast(dict[str, object], value).values()) if isinstance(value, dict) else []
