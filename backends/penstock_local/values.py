"""Finds the values that are known at a place of a run, and decides conditions with them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, cast

from penstock.ir import values as ir
from penstock.ir.projections import picked, projection_name
from penstock_local.places import Key, Places, Rounds
from penstock_runtime.reference import Constant, Several, Value
from penstock_runtime.response import Response


class NotKnownYet(Exception):
    """The value is not there before what `blocker` names has happened."""

    def __init__(self, blocker: tuple[str, Key]) -> None:
        self.blocker = blocker
        super().__init__(blocker)


class NeverMade(Exception):
    """The value is made in a branch that was not taken."""


class Impossible(ValueError):
    """The value or condition makes no sense with what the steps gave; one sentence."""


class Values:
    """What is known so far: parameters, outputs of steps, and the items of loops."""

    def __init__(self, places: Places, parameters: Mapping[str, object]) -> None:
        self._places = places
        self._parameters = parameters
        self.responses: dict[Key, Response] = {}
        self.items: dict[Key, tuple[Value, ...]] = {}
        self.skipped: set[Key] = set()
        self.status: str | None = None

    def find(self, value: ir.Value, at: Rounds, path: ir.Path = ()) -> Value:
        """The value at a place, or the part of it that the path leads to.

        Raises `NotKnownYet`, `NeverMade`, `Impossible`.
        """
        match value:
            case ir.Constant():
                return _part(Constant(value.value), path)
            case ir.FromParameter():
                given = Constant(self._parameters[value.parameter])
                return _part(given, (*value.path, *path))
            case ir.FromStep():
                return self._output(picked(value, path), at)
            case ir.FromLoop():
                return self._item(value, at, (*value.path, *path))
            case ir.Gathered():
                return self._gathered(value, at, (*value.path, *path))
            case ir.OneOf():
                return self._whichever(value, at, (*value.path, *path))
            case ir.ListOf():
                return self._listed(value.values, at, path)
            case _:
                return Constant(self.status)

    def _output(self, value: ir.FromStep, at: Rounds) -> Value:
        key = self._places.key(value.step, at)
        response = self.responses.get(key)
        if response is None:
            raise self._missing("final", key)
        if value.path:
            return Constant(response.projections[projection_name(value)])
        return response.outputs[value.output]

    def _item(self, value: ir.FromLoop, at: Rounds, path: ir.Path) -> Value:
        loop = self._places.key(value.loop, at)
        place = at[len(loop[1])]
        item = self.items[loop][place]
        if isinstance(item, Constant) or not path:
            return _part(item, path)
        return self.find(self._places.items(loop[0]), loop[1], (place, *path))

    def _gathered(self, value: ir.Gathered, at: Rounds, path: ir.Path) -> Value:
        loop = self._places.key(value.loop, at)
        if loop not in self.items:
            raise self._missing("items", loop)
        rounds = range(len(self.items[loop]))
        # All rounds, whichever is picked: what waits for a list waits for the whole of it.
        found = [self.find(value.value, (*loop[1], one), path[1:]) for one in rounds]
        return _joined(tuple(found)) if not path else _chosen(found, path[0])

    def _listed(self, values: tuple[ir.Value, ...], at: Rounds, path: ir.Path) -> Value:
        found = [self.find(one, at, path[1:]) for one in values]
        return _joined(tuple(found)) if not path else _chosen(found, path[0])

    def _whichever(self, value: ir.OneOf, at: Rounds, path: ir.Path) -> Value:
        for one in value.values:
            try:
                return self.find(one, at, path)
            except NeverMade:
                continue
        raise NeverMade

    def _missing(self, what: str, key: Key) -> Exception:
        return NeverMade() if key in self.skipped else NotKnownYet((what, key))

    def holds(self, condition: ir.Condition, at: Rounds) -> bool:
        """Whether a condition is true; raises as `find` does."""
        match condition:
            case ir.Comparison():
                left, right = self._plain(condition.left, at), self._plain(condition.right, at)
                return _compared(condition.operator, left, right)
            case ir.Truth():
                found = self._plain(condition.value, at)
                if not isinstance(found, bool):
                    raise Impossible(f"the condition is {found!r}, which is no bool")
                return found
            case ir.Not():
                return not self.holds(condition.condition, at)
            case _:
                # Every part is looked at: a value that is missing must not depend on the others.
                found_all = [self.holds(one, at) for one in condition.conditions]
                return all(found_all) if isinstance(condition, ir.AllOf) else any(found_all)

    def _plain(self, value: ir.Value, at: Rounds) -> object:
        found = self.find(value, at)
        if not isinstance(found, Constant):
            raise Impossible("a condition compares an artifact; compare a part of it")
        return found.value

    def listed(self, value: ir.Value, at: Rounds) -> tuple[Value, ...]:
        """The items that a loop goes through; raises as `find` does."""
        found = self.find(value, at)
        if isinstance(found, Several):
            return found.items
        if not isinstance(found, Constant):
            raise Impossible("the loop's items are an artifact, not a list of parameters")
        items: object = found.value
        if not isinstance(items, list):
            raise Impossible(f"the loop's items are {str(items)[:60]}, which is no list")
        return tuple(Constant(item) for item in cast(list[object], items))


def _joined(items: tuple[Value, ...]) -> Value:
    """A list of parameters is itself a parameter; any other is a list of values."""
    if all(isinstance(one, Constant) for one in items):
        return Constant([cast(Constant, one).value for one in items])
    return Several(items)


def _chosen(items: list[Value], key: str | int) -> Value:
    """One item of a list; its own parts were picked before."""
    try:
        return items[cast(int, key)]
    except (LookupError, TypeError):
        raise Impossible(f"there is no {key!r} in a list of {len(items)}") from None


def _part(value: Value, path: ir.Path) -> Value:
    for key in path:
        if isinstance(value, Several) and isinstance(key, int):
            inside: Any = value.items
        elif isinstance(value, Constant):
            inside = value.value
        else:
            raise Impossible(f"{key!r} cannot be picked out of an artifact here")
        try:
            found = inside[key]
        except (LookupError, TypeError):
            raise Impossible(f"there is no {key!r} in {str(inside)[:60]}") from None
        value = found if isinstance(value, Several) else Constant(found)
    return value


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _compared(sign: str, left: object, right: object) -> bool:
    try:
        return bool(_OPERATORS[sign](left, right))
    except TypeError:
        raise Impossible(f"{left!r} {sign} {right!r} cannot be compared") from None
