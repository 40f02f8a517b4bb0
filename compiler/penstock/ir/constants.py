"""Whether a constant is of a type: what JSON holds against what the annotation asks."""

from __future__ import annotations

import json
import math
import re
from typing import cast

from penstock.ir.known import STATUS_VALUES
from penstock.ir.nodes import Constraints
from penstock.ir.types import Classes, Type


def constant_fits(value: object, kind: Type, classes: Classes) -> bool:
    """Whether the JSON value may be given where `kind` is asked; an int may be a float.

    A list is also a tuple or a set, and an Enum is written as its value.
    """
    match kind.name:
        case "Any" | "object":
            return True
        case "None":
            return value is None
        case "|":
            return any(constant_fits(value, member, classes) for member in kind.args)
        case "Literal":
            return any(type(value) is type(one) and value == one for one in kind.values)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float" | "complex":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "str":
            return isinstance(value, str)
        case "list" | "tuple" | "set" | "frozenset":
            return isinstance(value, list) and _items_fit(cast(list[object], value), kind, classes)
        case "dict":
            return isinstance(value, dict) and _entries_fit(
                cast(dict[str, object], value), kind, classes
            )
        case name:
            return _of_class(value, name, kind, classes)


def _items_fit(items: list[object], kind: Type, classes: Classes) -> bool:
    if not kind.args:
        return True
    if kind.name == "tuple" and kind.args[-1].name != "...":
        return len(items) == len(kind.args) and all(
            constant_fits(item, asked, classes)
            for item, asked in zip(items, kind.args, strict=True)
        )
    return all(constant_fits(item, kind.args[0], classes) for item in items)


def _entries_fit(entries: dict[str, object], kind: Type, classes: Classes) -> bool:
    if len(kind.args) != 2:
        return True
    return all(constant_fits(entry, kind.args[1], classes) for entry in entries.values())


_LISTS = frozenset({"Sequence", "Iterable", "Collection", "MutableSequence", "Set"})
_DICTS = frozenset({"Mapping", "MutableMapping"})


def _of_class(value: object, name: str, kind: Type, classes: Classes) -> bool:
    short = name.removeprefix("collections.abc.")
    if short in _LISTS:
        return isinstance(value, list) and _items_fit(cast(list[object], value), kind, classes)
    if short in _DICTS:
        return isinstance(value, dict)
    if name == "penstock.RunStatus":
        return value in STATUS_VALUES
    known = classes.get(name)
    if known is None or not known.values:
        return False
    return any(type(value) is type(one) and value == one for one in map(json.loads, known.values))


def senseless(constraints: Constraints) -> str | None:
    """What makes the constraints mean nothing, in a few words; None when they are in order."""
    for name in ("ge", "gt", "le", "lt", "multiple_of"):
        bound: float | None = getattr(constraints, name)
        if isinstance(bound, float) and not math.isfinite(bound):
            return f"{name}={bound} is no number"
    if constraints.multiple_of is not None and constraints.multiple_of <= 0:
        return f"multiple_of={constraints.multiple_of} is not more than 0"
    for name in ("min_length", "max_length"):
        length: int | None = getattr(constraints, name)
        if length is not None and length < 0:
            return f"{name}={length} is less than 0"
    if constraints.pattern is not None:
        try:
            re.compile(constraints.pattern)
        except (re.error, OverflowError, RecursionError):
            return "the pattern is no regular expression"
    return None


def violated(value: object, constraints: Constraints) -> str | None:
    """What the value breaks, in words such as `at least 0`; None when it satisfies all.

    The constraints are not `senseless`.
    Bounds hold for numbers, lengths for texts and lists, the pattern for texts, as in JSON schema.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _bound_violated(value, constraints)
    if isinstance(value, str | list | dict):
        return _length_violated(cast(str | list[object] | dict[str, object], value), constraints)
    return None


def _bound_violated(value: float, constraints: Constraints) -> str | None:
    if constraints.ge is not None and not value >= constraints.ge:
        return f"at least {constraints.ge}"
    if constraints.gt is not None and not value > constraints.gt:
        return f"greater than {constraints.gt}"
    if constraints.le is not None and not value <= constraints.le:
        return f"at most {constraints.le}"
    if constraints.lt is not None and not value < constraints.lt:
        return f"less than {constraints.lt}"
    step = constraints.multiple_of
    if step is not None and not _is_multiple(value, step):
        return f"a multiple of {step}"
    return None


def _is_multiple(value: float, step: float) -> bool:
    if isinstance(value, int) and isinstance(step, int):
        return value % step == 0
    try:
        times = value / step
        return abs(times - round(times)) <= 1e-9
    except OverflowError:  # too large for a float, or infinitely many times
        return False


def _length_violated(
    value: str | list[object] | dict[str, object], constraints: Constraints
) -> str | None:
    if constraints.min_length is not None and len(value) < constraints.min_length:
        return f"of length {constraints.min_length} or more"
    if constraints.max_length is not None and len(value) > constraints.max_length:
        return f"of length {constraints.max_length} or less"
    if (
        constraints.pattern is not None
        and isinstance(value, str)
        and re.search(constraints.pattern, value) is None
    ):
        return f"matched by {constraints.pattern!r}"
    return None
