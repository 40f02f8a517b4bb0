"""What type a value has, by following it to where it is made."""

from __future__ import annotations

from typing import cast

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Loop
from penstock.ir.types import ANY, NONE, Classes, Type, TypeTextError, list_of, parse, union
from penstock.ir.values import (
    Constant,
    FromLoop,
    FromParameter,
    FromStep,
    Gathered,
    ListOf,
    OneOf,
    Path,
    Value,
)

_LISTS = frozenset({"list", "tuple", "Sequence", "Iterable", "Collection", "set", "frozenset"})
_DICTS = frozenset({"dict", "Mapping", "MutableMapping"})
METRICS = "penstock.Metrics"
STATUS = Type("penstock.RunStatus")


def type_of(value: Value, names: Lookup) -> Type:
    """The type of a value; `Any` where it is unknown or refers to what does not exist."""
    match value:
        case Constant():
            return type_of_constant(value.value)
        case FromParameter():
            parameter = names.parameters.get(value.parameter)
            return _at(parse(parameter.type) if parameter else ANY, value.path, names)
        case FromStep():
            return _at(_output(value, names), value.path, names)
        case FromLoop():
            loop = names.scopes.get(value.loop)
            if isinstance(loop, Loop) and isinstance(loop.items, Constant):
                return _type_of_items(loop.items.value, value.path)
            items = type_of(loop.items, names) if isinstance(loop, Loop) else ANY
            return _at(item_type(items) or ANY, value.path, names)
        case Gathered():
            return _at(list_of(type_of(value.value, names)), value.path, names)
        case OneOf():
            members = tuple(type_of(one, names) for one in value.values)
            return _at(union(members), value.path, names)
        case ListOf():
            return list_of(union(tuple(type_of(one, names) for one in value.values)))
        case _:
            return STATUS


def _type_of_items(items: object, path: Path) -> Type:
    """The type of a part of each item of a list that is written out: exactly what stands there."""
    parts = [_constant_at(item, path) for item in _items(items)]
    exact = tuple(dict.fromkeys(repr(one) for one in parts if isinstance(one, str | int)))
    others = [type_of_constant(one) for one in parts if not isinstance(one, str | int)]
    return union((*([Type("Literal", texts=exact)] if exact else []), *others))


def _items(items: object) -> list[object]:
    return cast(list[object], items) if isinstance(items, list) else []


def _constant_at(value: object, path: Path) -> object:
    for key in path:
        if not isinstance(value, list | dict):
            return None
        try:
            value = cast(dict[str | int, object], value)[key]
        except (LookupError, TypeError):
            return None
    return value


def _output(value: FromStep, names: Lookup) -> Type:
    step = names.steps.get(value.step)
    component = names.components.get(step.component) if step else None
    for output in component.outputs if component else ():
        if output.name == value.output:
            return parse(output.type)
    return ANY


def type_of_constant(value: object) -> Type:
    """The type of a JSON value, as exact as one look can tell."""
    if value is None:
        return NONE
    if isinstance(value, list):
        items = cast(list[object], value)
        return list_of(union(tuple(dict.fromkeys(type_of_constant(item) for item in items))))
    if isinstance(value, dict):
        entries = cast(dict[str, object], value).values()
        inner = union(tuple(dict.fromkeys(type_of_constant(entry) for entry in entries)))
        return Type("dict", (Type("str"), inner))
    return Type(type(value).__name__)


def item_type(kind: Type) -> Type | None:
    """What a loop over such a value goes through; None when it cannot be looped over."""
    if kind.name == "Any":
        return ANY
    if kind.name == "|":
        parts = tuple(item_type(member) for member in kind.args)
        return None if None in parts else union(cast(tuple[Type, ...], parts))
    short = kind.name.removeprefix("collections.abc.")
    if short not in _LISTS:
        return None
    if short == "tuple":
        return union(tuple(one for one in kind.args if one.name != "..."))
    return kind.args[0] if kind.args else ANY


def _at(kind: Type, path: Path, names: Lookup) -> Type:
    for key in path:
        found = part(kind, key, names.classes)
        if found is None:
            return ANY
        kind = found
    return kind


def part(kind: Type, key: str | int, classes: Classes) -> Type | None:
    """The type of `value[key]`; None when such a value has no such part."""
    if kind.name in ("Any", "object"):
        return ANY
    if kind.name == "|":
        parts = tuple(part(member, key, classes) for member in kind.args)
        return None if None in parts else union(cast(tuple[Type, ...], parts))
    short = kind.name.removeprefix("collections.abc.")
    if kind.name == METRICS:
        return Type("float") if isinstance(key, str) else None
    if short in _DICTS:
        return (kind.args[1] if len(kind.args) == 2 else ANY) if isinstance(key, str) else None
    if short == "tuple" and kind.args and kind.args[-1].name != "...":
        inside = isinstance(key, int) and -len(kind.args) <= key < len(kind.args)
        return kind.args[int(key)] if inside else None
    if short in _LISTS - {"set", "frozenset", "Iterable"}:
        return (kind.args[0] if kind.args else ANY) if isinstance(key, int) else None
    known = classes.get(kind.name)
    for name, text in known.fields if known else ():
        if name == key:
            return parse(text)
    return None


def parsed(text: str) -> Type | None:
    """The type, or None when the text is no type."""
    try:
        return parse(text)
    except TypeTextError:
        return None
