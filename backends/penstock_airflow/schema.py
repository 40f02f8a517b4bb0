"""A parameter's type and constraints as the JSON schema that Airflow's `Param` takes."""

from __future__ import annotations

import json
from typing import cast

from penstock.ir.nodes import Constraints
from penstock.ir.types import Classes, Type

Schema = dict[str, object]

_SIMPLE = {"int": "integer", "float": "number", "str": "string", "bool": "boolean", "None": "null"}
_ARRAYS = frozenset({"list", "tuple", "set", "frozenset", "Sequence", "Collection", "Iterable"})
_OBJECTS = frozenset({"dict", "Mapping", "MutableMapping"})


def schema_of(kind: Type, classes: Classes) -> Schema:
    """The schema of a type; what has none, such as `Any`, takes every value."""
    if kind.name in _SIMPLE:
        return {"type": _SIMPLE[kind.name]}
    if kind.name == "Literal":
        return _enum(list(kind.values))
    if kind.name == "|":
        return _union([schema_of(member, classes) for member in kind.args])
    short = kind.name.removeprefix("collections.abc.").removeprefix("typing.")
    if short in _ARRAYS:
        return _array(kind, classes)
    if short in _OBJECTS:
        inner = schema_of(kind.args[1], classes) if len(kind.args) == 2 else {}
        return {"type": "object", **({"additionalProperties": inner} if inner else {})}
    known = classes.get(kind.name)
    if known is not None and known.values:
        return _enum([json.loads(text) for text in known.values])
    return {}


def constrained(schema: Schema, bounds: Constraints) -> Schema:
    """The schema with the bounds of the parameter; the length is that of text, list or dict."""
    kind = schema.get("type")
    kinds = cast("list[object]", kind) if isinstance(kind, list) else [kind]
    length = "Items" if "array" in kinds else "Properties" if "object" in kinds else "Length"
    said: Schema = {
        "minimum": bounds.ge,
        "exclusiveMinimum": bounds.gt,
        "maximum": bounds.le,
        "exclusiveMaximum": bounds.lt,
        "multipleOf": bounds.multiple_of,
        f"min{length}": bounds.min_length,
        f"max{length}": bounds.max_length,
        "pattern": bounds.pattern,
    }
    return schema | {key: value for key, value in said.items() if value is not None}


def _enum(values: list[object]) -> Schema:
    names = {type(value).__name__ for value in values}
    only = _SIMPLE.get(names.pop()) if len(names) == 1 else None
    return {**({"type": only} if only else {}), "enum": values}


def _array(kind: Type, classes: Classes) -> Schema:
    args = tuple(one for one in kind.args if one.name != "...")
    if kind.name == "tuple" and args == kind.args and args:
        items = [schema_of(one, classes) for one in args]
        return {
            "type": "array",
            "prefixItems": items,
            "minItems": len(items),
            "maxItems": len(items),
        }
    inner = schema_of(args[0], classes) if args else {}
    return {"type": "array", **({"items": inner} if inner else {})}


def _union(members: list[Schema]) -> Schema:
    if any(not member for member in members):
        return {}
    if all(set(member) == {"type"} for member in members):
        return {"type": [member["type"] for member in members]}
    others = [member for member in members if member != {"type": "null"}]
    if len(others) == 1 and len(members) == 2:
        [only] = others
        nullable: Schema = {**only, "type": [only["type"], "null"]} if "type" in only else {**only}
        if "enum" in only:
            nullable["enum"] = [*cast("list[object]", only["enum"]), None]
        return nullable
    return {"anyOf": members}
