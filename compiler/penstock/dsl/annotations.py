"""Python annotations as the text and the class table that a pipeline keeps of them."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from enum import Enum
from typing import Any, Literal, TypeVar

from penstock.dsl.names import module_of
from penstock_runtime.hints import hints_of, is_namedtuple, is_union, plain
from penstock_runtime.values import HTML, Markdown, Metrics, RunStatus

Plain = dict[str, object]

_BUILTINS = (bool, int, float, complex, str, bytes, list, dict, tuple, set, frozenset, object)
_NOT_DATA = frozenset({"Callable", "Awaitable", "Coroutine"})
_OURS: tuple[type, ...] = (HTML, Markdown, Metrics, RunStatus)
_OWN = {one: f"penstock.{one.__name__}" for one in _OURS}
_DEEPEST = 24


class TypeTable:
    """Describes annotations; collects what is to be known of the classes they name."""

    def __init__(self) -> None:
        self.classes: dict[str, Plain] = {}

    def text(self, hint: Any, depth: int = 0) -> str:
        """The annotation as text; `Any` for what has no description (a Callable, a TypeVar)."""
        hint = plain(hint)
        if depth > _DEEPEST or hint is Any or isinstance(hint, TypeVar | str):
            return "Any"
        if hint is None or hint is type(None):
            return "None"
        if hint in _BUILTINS:
            return str(hint.__name__)
        if isinstance(hint, type) and not isinstance(hint, types.GenericAlias):
            return self._class(hint, depth)
        return self._generic(hint, depth)

    def _generic(self, hint: Any, depth: int) -> str:
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if is_union(hint):
            return " | ".join(dict.fromkeys(self.text(one, depth + 1) for one in arguments))
        if origin is Literal:
            values = (one.value if isinstance(one, Enum) else one for one in arguments)
            return f"Literal[{', '.join(map(repr, values))}]"
        if origin is None or not isinstance(origin, type):
            return "Any"
        name = self.text(origin, depth + 1)
        if name == "Any" or not arguments:
            return name
        inner = ", ".join("..." if one is ... else self.text(one, depth + 1) for one in arguments)
        return f"{name}[{inner}]"

    def _class(self, cls: type, depth: int) -> str:
        if cls in (Metrics, RunStatus):
            return _OWN[cls]
        if cls.__module__ == "collections.abc":
            return "Any" if cls.__name__ in _NOT_DATA else cls.__name__
        name = _OWN.get(cls) or _name(cls)
        if not all(part.isidentifier() for part in name.split(".")):
            return "Any"
        if name not in self.classes:
            entry: Plain = {}
            self.classes[name] = entry
            self._describe(cls, entry, depth)
        return name

    def _describe(self, cls: Any, entry: Plain, depth: int) -> None:
        bases = [_OWN.get(base) or _name(base) for base in cls.__mro__[1:] if base is not object]
        named = [base for base in bases if "<" not in base]
        if named:
            entry["bases"] = named
        if issubclass(cls, Enum):
            values: list[object] = [one.value for one in cls]
            entry["values"] = [one for one in values if isinstance(one, bool | int | float | str)]
        if getattr(cls, "_is_protocol", False):
            entry["protocol"] = True
        fields = _fields(cls)
        if fields:
            entry["fields"] = {name: self.text(hint, depth + 1) for name, hint in fields.items()}


def _fields(cls: Any) -> dict[str, Any]:
    """The parts of a dataclass, NamedTuple or pydantic model that a pipeline may pick out."""
    names: list[str]
    if dataclasses.is_dataclass(cls):
        names = [one.name for one in dataclasses.fields(cls)]
    elif is_namedtuple(cls):
        names = list(cls._fields)
    elif isinstance(getattr(cls, "model_fields", None), dict):
        names = list(cls.model_fields)
    else:
        return {}
    try:
        hints = hints_of(typing.cast(Any, cls))
    except TypeError:
        return dict.fromkeys(names, Any)
    return {name: hints.get(name, Any) for name in names}


def _name(cls: type) -> str:
    if cls.__module__ == "builtins":
        return cls.__qualname__
    return f"{module_of(cls)}.{cls.__qualname__}"


def item_of(hint: Any) -> Any:
    """The annotation of one item of a list with such an annotation."""
    bare = plain(hint)
    origin: Any = typing.get_origin(bare)
    arguments: tuple[Any, ...] = typing.get_args(bare)
    return arguments[0] if isinstance(origin, type) and arguments else Any


def part_of(hint: Any, key: object) -> Any:
    """The annotation of `value[key]`, as far as it can be told."""
    bare = plain(hint)
    if bare is Metrics:
        return float
    if isinstance(bare, type) and isinstance(key, str):
        return _fields(bare).get(key, Any)
    origin: Any = typing.get_origin(bare)
    arguments: tuple[Any, ...] = typing.get_args(bare)
    if origin is tuple and isinstance(key, int) and key < len(arguments):
        return arguments[key]
    if origin is dict and len(arguments) == 2:
        return arguments[1]
    return arguments[0] if isinstance(origin, type) and arguments else Any


def has_fields(hint: Any) -> frozenset[str]:
    """The names that `.name` may pick out of a value with this annotation."""
    bare = plain(hint)
    return frozenset(_fields(bare)) if isinstance(bare, type) else frozenset()


_CONSTRAINTS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")


def constraints_of(hint: Any) -> Plain:
    """What `Annotated[..., Field(...)]` says: bounds and a description.

    penstock's `Field`, pydantic's, and the objects of `annotated_types` are understood alike.
    """
    found: Plain = {}
    for meta in getattr(hint, "__metadata__", ()):
        for one in (meta, *getattr(meta, "metadata", ())):
            for name in _CONSTRAINTS:
                value = getattr(one, name, None)
                if value is not None:
                    found[name] = value
        description = getattr(meta, "description", None)
        if isinstance(description, str) and description:
            found["description"] = description
    return found


def wrong_bound(bounds: Plain) -> str | None:
    """The first bound that is of the wrong kind, in a few words; None when there is none."""
    for name in _CONSTRAINTS:
        value = bounds.get(name)
        if value is None:
            continue
        kinds: tuple[type, ...] = (int, float)
        if name == "pattern":
            kinds = (str,)
        elif name.endswith("_length"):
            kinds = (int,)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return f"{name} is a {type(value).__name__}"
        if isinstance(value, float) and not math.isfinite(value):
            return f"{name} is {value}"
    return None
