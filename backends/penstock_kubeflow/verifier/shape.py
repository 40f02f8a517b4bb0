"""Reads as strictly as the server: no unknown field, no wrong type, no two of a choice."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, cast

from penstock_kubeflow.verifier import messages, platform_messages
from penstock_kubeflow.verifier.faults import Fault, Where, told

_FIELDS = {**messages.FIELDS, **platform_messages.FIELDS}
_ONE_OF = {**messages.ONE_OF, **platform_messages.ONE_OF}
_DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")
_WHOLE = {"int32": 2**31, "int64": 2**63}


def misshapen(data: Any, message: str, where: Where = (), document: int = 0) -> Iterator[Fault]:
    """What keeps the data from being read as the message."""

    def fault(at: Where, text: str, hint: str) -> Fault:
        return Fault(at, text, hint, document=document)

    if data is None:
        return
    if not isinstance(data, dict):
        yield fault(where, f"{told(where)} is no mapping", f"write the fields of {message}")
        return
    fields = _FIELDS[message]
    found = cast("dict[str, Any]", data)
    for key, value in found.items():
        kind = fields.get(key) or fields.get(_camel(key))
        if kind is None:
            known = ", ".join(fields)
            yield fault(
                (*where, key), f"{told(where)} has the unknown field {key!r}", f"it has {known}"
            )
            continue
        for at, text, hint in _value(value, kind, (*where, key), document):
            yield fault(at, text, hint)
    for group in _ONE_OF.get(message, ()):
        given = [key for key in found if _camel(key) in group and found[key] is not None]
        if len(given) > 1:
            yield fault(
                where,
                f"{told(where)} has both {given[0]} and {given[1]}",
                f"write one of {', '.join(group)}",
            )


Found = tuple[Where, str, str]


def _value(value: Any, kind: str, where: Where, document: int) -> Iterator[Found]:
    if value is None or kind == "any":
        return
    word, _, rest = kind.partition(" ")
    if word == "list":
        if not isinstance(value, list):
            yield where, f"{told(where)} is no list", "write a list"
            return
        for number, one in enumerate(list(cast(Any, value))):
            yield from _value(one, rest, (*where, number), document)
    elif word == "map":
        if not isinstance(value, dict):
            yield where, f"{told(where)} is no mapping", "write a mapping"
            return
        for key, one in cast("dict[str, Any]", value).items():
            if one is None and rest in _FIELDS:
                yield (*where, key), f"{told((*where, key))} is null", "write a mapping, or {}"
            yield from _value(one, rest, (*where, key), document)
    elif word == "enum":
        if value not in rest.split("|"):
            yield where, f"{told(where)} is {value!r}", f"write one of {rest.replace('|', ', ')}"
    elif kind in _FIELDS:
        for one in misshapen(value, kind, where, document):
            yield one.where, one.message, one.hint
    elif not _fits(value, kind):
        yield where, f"{told(where)} is {str(value)[:60]!r}, not of type {kind}", f"write a {kind}"


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int32" | "int64":
            number = _number(value)
            return number is not None and number.is_integer() and abs(number) < _WHOLE[kind]
        case "double":
            return _number(value) is not None or value in ("NaN", "Infinity", "-Infinity")
        case "Duration":
            return isinstance(value, str) and _DURATION.fullmatch(value) is not None
        case _:
            return isinstance(value, dict)


def _number(value: Any) -> float | None:
    """The number, which JSON may write as text; None if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _camel(key: str) -> str:
    """The field's name in JSON; the original one of the protocol is read as well."""
    first, *others = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in others)
