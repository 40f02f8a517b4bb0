"""Where an input's value comes from, as an object of the emitted file that finds it at run time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Loop
from penstock.ir.projections import picked, projection_name
from penstock.ir.values import (
    Constant,
    FinalStatus,
    FromLoop,
    FromParameter,
    FromStep,
    Gathered,
    ListOf,
    OneOf,
    Path,
    Value,
)
from penstock_airflow import python_text as py
from penstock_airflow.flow import Flow


def is_artifact(value: Value, names: Lookup) -> bool:
    """Whether the value travels by reference: what counts is how its producer puts it out."""
    match value:
        case ListOf():
            return bool(value.values) and all(is_artifact(one, names) for one in value.values)
        case OneOf():
            return not value.path and is_artifact(value.values[0], names)
        case Gathered():
            return len(value.path) < 2 and is_artifact(value.value, names)
        case FromLoop():
            return not value.path and _items_stored(value, names)
        case FromStep() if not value.path:
            component = names.components[names.steps[value.step].component]
            outputs = component.outputs
            return any(one.name == value.output and one.kind == "artifact" for one in outputs)
        case _:
            return False


def _items_stored(value: FromLoop, names: Lookup) -> bool:
    loop = names.scopes.get(value.loop)
    if not isinstance(loop, Loop):
        return False
    return isinstance(loop.items, Gathered | ListOf) and is_artifact(loop.items, names)


@dataclass
class References:
    """Makes the references of one file, and remembers which kinds it has used."""

    flow: Flow
    used: set[str] = field(default_factory=set[str])

    def find(self, value: Value, scope: str | None, path: Path = ()) -> py.Node:
        """The reference for a value at a place, or for the part that the path leads to."""
        match value:
            case Constant():
                return py.Literal(_part(json.loads(value.text), path))
            case FromParameter():
                return self._call("RunParam", value.parameter, keys=(*value.path, *path))
            case FromStep():
                return self._output(picked(value, path), scope)
            case FromLoop():
                return self._item(value, scope, (*value.path, *path))
            case Gathered():
                return self._gathered(value, scope, (*value.path, *path))
            case OneOf():
                inner = tuple(self.find(one, scope, (*value.path, *path)) for one in value.values)
                self.used.add("OneOf")
                return py.Call("OneOf", (py.ListOf(inner),))
            case ListOf():
                if path:
                    return self.find(value.values[int(path[0])], scope, path[1:])
                self.used.add("Listing")
                inner = tuple(self.find(one, scope) for one in value.values)
                return py.Call("Listing", (py.ListOf(inner),))
            case FinalStatus():
                return self._call("RunState")

    def _call(self, kind: str, *args: object, keys: Path = (), **more: object) -> py.Call:
        """A reference with constants in it; an argument that is None is left out."""
        self.used.add(kind)
        more["keys"] = keys or None
        given = tuple((name, py.Literal(one)) for name, one in more.items() if one is not None)
        return py.Call(kind, tuple(map(py.Literal, args)), given)

    def _output(self, value: FromStep, scope: str | None) -> py.Call:
        name = projection_name(value) if value.path else value.output
        args = (value.step,) if name == "value" else (value.step, name)
        loop = self.flow.loop_of(value.step)
        if loop is None:
            return self._call("Output", *args)
        if self.flow.mapped[loop] == "flat":
            return self._call("RoundOutput", *args, loop=loop)
        return self._call("RoundOutput", *args)

    def _item(self, value: FromLoop, scope: str | None, path: Path) -> py.Call:
        loop = self.loop(value.loop)
        items = loop.items
        flat = self.flow.mapped[value.loop] == "flat"
        if path and isinstance(items, Gathered | ListOf) and is_artifact(items, self.flow.names):
            # The item is a reference; the parts of what it stands for were put out beside it.
            parts = self._parts(items, scope, path)
            self.used.add("Nth")
            depth = len(self.flow.loops(loop.parent))
            where = (("depth", py.Literal(depth)),) if flat else ()
            return py.Call("Nth", (parts,), where)
        if flat:
            return self._call("Item", value.loop, keys=path)
        return self._call("Item", keys=path)

    def loop(self, name: str) -> Loop:
        """The loop of that name."""
        found = self.flow.names.scopes[name]
        if isinstance(found, Loop):
            return found
        raise TypeError(f"{name!r} is no loop")

    def _parts(self, items: Value, scope: str | None, path: Path) -> py.Node:
        """The list of that part of every item."""
        if isinstance(items, ListOf):
            inner = tuple(self.find(one, scope, path) for one in items.values)
            self.used.add("Listing")
            return py.Call("Listing", (py.ListOf(inner),))
        if isinstance(items, Gathered):
            part = items.model_copy(update={"value": _deeper(items.value, path)})
            return self.find(part, scope)
        raise TypeError(f"items of kind {items.kind!r} are not stored")

    def _gathered(self, value: Gathered, scope: str | None, path: Path) -> py.Call:
        at, rest = (path[0], path[1:]) if path else (None, ())
        inner = value.value
        flat = self.flow.mapped[value.loop] == "flat"
        made_here = isinstance(inner, FromStep) and self.flow.loop_of(inner.step) == value.loop
        if isinstance(inner, FromStep) and made_here and not flat:
            one = picked(inner, rest)
            name = projection_name(one) if one.path else one.output
            args = (one.step,) if name == "value" else (one.step, name)
            return self._call("Gathered", *args, at=at)
        self.used.add("EachRound")
        rounds = self.flow.rounds.get(value.loop)
        listed = self.loop(value.loop).items
        where: py.Node = py.Literal(rounds.id) if rounds else self.find(listed, scope)
        args_nodes = (self.find(inner, value.loop, rest), where)
        kwargs: tuple[tuple[str, py.Node], ...] = ()
        if flat:
            kwargs += (("loop", py.Literal(value.loop)),)
            around = self.flow.loops(scope)
            if around and self.flow.mapped[around[0].id] == "flat":
                kwargs += (("inside", py.Literal(True)),)
        if at is not None:
            kwargs += (("at", py.Literal(at)),)
        return py.Call("EachRound", args_nodes, kwargs)


def _deeper(value: Value, path: Path) -> Value:
    if isinstance(value, FromStep):
        return picked(value, path)
    if isinstance(value, Gathered | OneOf):
        return value.model_copy(update={"path": (*value.path, *path)})
    raise TypeError(f"a value of kind {value.kind!r} has no stored part")


def _part(value: Any, path: Path) -> object:
    """The part of a constant; the checks have seen that it is there."""
    for key in path:
        value = value[key]
    return value
