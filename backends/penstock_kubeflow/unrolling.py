"""Writes out loops over lists that are put together in the pipeline: `each([a, b])`.

The driver goes through one parameter, and no task joins values into one. How many rounds there
are is known here, so each becomes a copy of the steps in the loop: `fit.0`, `fit.1`, as they are
called in a local run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from penstock.ir.lookup import Lookup, lookup
from penstock.ir.nodes import Binding, Branch, Loop, Nested, PipelineIR, Scope, Step
from penstock.ir.values import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Constant,
    FinalStatus,
    FromLoop,
    FromParameter,
    FromStep,
    Gathered,
    ListOf,
    Not,
    OneOf,
    Path,
    Truth,
    Value,
)
from penstock.passes.model import rewrite


@rewrite
def unroll_joined_loops(names: Lookup) -> PipelineIR:
    """After it, no loop goes over a list whose items come from several places."""
    while True:
        loop = next((one for one in names.ir.scopes if is_joined(one)), None)
        if not isinstance(loop, Loop):
            return names.ir
        names = lookup(_written_out(names, loop, cast(ListOf, loop.items).values))


def is_joined(scope: Scope) -> bool:
    """Whether a scope is a loop over a list that is put together in the pipeline."""
    return isinstance(scope, Loop) and isinstance(scope.items, ListOf)


def _written_out(names: Lookup, loop: Loop, items: tuple[Value, ...]) -> PipelineIR:
    """The pipeline without the loop, its rounds beside one another."""
    ir = names.ir
    inside = {loop.id}
    for scope in ir.scopes:
        if any(one.id == loop.id for one in names.enclosing(scope.id)):
            inside.add(scope.id)
    steps = {one.id: None for one in ir.steps if one.scope in inside}
    rounds = [_Round(loop, number, item, inside, steps) for number, item in enumerate(items)]
    outside = _Outside(loop, rounds)
    return ir.model_copy(
        update={
            "scopes": tuple(
                copy
                for one in ir.scopes
                if one.id != loop.id
                for copy in (
                    [each.scope(one) for each in rounds]
                    if one.id in inside
                    else [outside.scope(one)]
                )
            ),
            "steps": tuple(
                copy
                for one in ir.steps
                for copy in (
                    [each.step(one) for each in rounds] if one.id in steps else [outside.step(one)]
                )
            ),
            "outputs": tuple(
                one.model_copy(update={"value": outside.value(one.value)}) for one in ir.outputs
            ),
        }
    )


class _Mapping:
    """Rebuilds nodes with other values in them."""

    def value(self, value: Value) -> Value:
        """The value in place of another."""
        match value:
            case Gathered():
                return value.model_copy(update={"value": self.value(value.value)})
            case OneOf() | ListOf():
                return value.model_copy(update={"values": tuple(map(self.value, value.values))})
            case _:
                return value

    def condition(self, condition: Condition) -> Condition:
        """A condition with its values replaced."""
        match condition:
            case Comparison():
                sides = {"left": self.value(condition.left), "right": self.value(condition.right)}
                return condition.model_copy(update=sides)
            case Truth():
                return condition.model_copy(update={"value": self.value(condition.value)})
            case Not():
                return condition.model_copy(
                    update={"condition": self.condition(condition.condition)}
                )
            case AllOf() | AnyOf():
                parts = tuple(map(self.condition, condition.conditions))
                return condition.model_copy(update={"conditions": parts})

    def bindings(self, bindings: tuple[Binding, ...]) -> tuple[Binding, ...]:
        """Inputs with their values replaced."""
        return tuple(one.model_copy(update={"value": self.value(one.value)}) for one in bindings)

    def scope(self, scope: Scope) -> Scope:
        """A scope with its values replaced."""
        match scope:
            case Loop():
                return scope.model_copy(update={"items": self.value(scope.items)})
            case Nested():
                return scope.model_copy(update={"inputs": self.bindings(scope.inputs)})
            case Branch():
                if scope.condition is None:
                    return scope
                return scope.model_copy(update={"condition": self.condition(scope.condition)})

    def after(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """What is waited for."""
        return names

    def step(self, step: Step) -> Step:
        """A step with its values replaced."""
        update: Mapping[str, Any] = {
            "inputs": self.bindings(step.inputs),
            "after": self.after(step.after),
        }
        return step.model_copy(update=update)


class _Round(_Mapping):
    """One round: what stands in the loop gets the number of the round behind its name."""

    def __init__(
        self, loop: Loop, number: int, item: Value, inside: set[str], steps: Mapping[str, None]
    ) -> None:
        self._loop, self._number, self._item = loop, number, item
        self._inside, self._steps = inside, steps
        self._all = inside | steps.keys()

    def name(self, name: str) -> str:
        """The name of a step or scope in this round."""
        return f"{name}.{self._number}" if name in self._all else name

    def steps(self) -> list[str]:
        """The steps of this round."""
        return [self.name(one) for one in self._steps]

    def _place(self, scope: str | None) -> str | None:
        if scope is None:
            return None
        return self._loop.parent if scope == self._loop.id else self.name(scope)

    def value(self, value: Value) -> Value:
        match value:
            case FromStep():
                return value.model_copy(update={"step": self.name(value.step)})
            case FromLoop():
                if value.loop == self._loop.id:
                    return part_of(self._item, value.path)
                return value.model_copy(update={"loop": self.name(value.loop)})
            case Gathered():
                found = super().value(value)
                return found.model_copy(update={"loop": self.name(value.loop)})
            case _:
                return super().value(value)

    def after(self, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(self.name, names))

    def scope(self, scope: Scope) -> Scope:
        update: dict[str, Any] = {
            "id": self.name(scope.id),
            "parent": self._place(scope.parent),
        }
        if isinstance(scope, Branch):
            update["chain"] = self.name(scope.chain)
        return super().scope(scope).model_copy(update=update)

    def step(self, step: Step) -> Step:
        update = {"id": self.name(step.id), "scope": self._place(step.scope)}
        return super().step(step).model_copy(update=update)


class _Outside(_Mapping):
    """What stands outside of the loop, and gathers from it or waits for it."""

    def __init__(self, loop: Loop, rounds: list[_Round]) -> None:
        self._loop, self._rounds = loop, rounds

    def value(self, value: Value) -> Value:
        if not isinstance(value, Gathered) or value.loop != self._loop.id:
            return super().value(value)
        items = tuple(one.value(value.value) for one in self._rounds)
        return part_of(ListOf(values=tuple(map(super().value, items))), value.path)

    def after(self, names: tuple[str, ...]) -> tuple[str, ...]:
        found: list[str] = []
        for name in names:
            if name == self._loop.id:
                found += [other for one in self._rounds for other in one.steps()]
            else:
                found += [one.name(name) for one in self._rounds] or [name]
        return tuple(dict.fromkeys(found))


def part_of(value: Value, path: Path) -> Value:
    """The part of a value that a path leads to."""
    if not path:
        return value
    match value:
        case Constant():
            found: Any = value.value
            for key in path:
                found = found[key]
            return Constant(text=json.dumps(found, ensure_ascii=False))
        case ListOf():
            key = path[0]
            inside = isinstance(key, int) and -len(value.values) <= key < len(value.values)
            return part_of(value.values[int(key)], path[1:]) if inside else value
        case FinalStatus():
            return value
        case FromParameter() | FromStep() | FromLoop() | Gathered() | OneOf():
            return value.model_copy(update={"path": (*value.path, *path)})
