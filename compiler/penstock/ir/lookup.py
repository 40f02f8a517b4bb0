"""Finds nodes by name and follows scopes, in constant time; made from a pipeline when needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from penstock.diagnostics import Span
from penstock.ir.nodes import (
    Branch,
    Class,
    Component,
    Input,
    Loop,
    Nested,
    Options,
    Parameter,
    PipelineIR,
    Scope,
    Step,
)
from penstock.ir.values import (
    Comparison,
    Condition,
    FromStep,
    Gathered,
    ListOf,
    Not,
    OneOf,
    Truth,
    Value,
)


@dataclass(frozen=True)
class Lookup:
    """The nodes of one pipeline by name."""

    ir: PipelineIR
    steps: dict[str, Step]
    scopes: dict[str, Scope]
    components: dict[str, Component]
    parameters: dict[str, Parameter]
    classes: dict[str, Class]
    chains: dict[str, tuple[Branch, ...]]
    _inputs: dict[str, dict[str, Input]] = field(default_factory=dict[str, dict[str, Input]])

    def inputs(self, code: str) -> dict[str, Input]:
        """The inputs of a component by name."""
        found = self._inputs.get(code)
        if found is None:
            component = self.components.get(code)
            found = {one.name: one for one in component.inputs} if component else {}
            self._inputs[code] = found
        return found

    def enclosing(self, scope: str | None) -> Iterator[Scope]:
        """The scope, the one around it, and so on outwards; unknown names end it."""
        seen: set[str] = set()
        while scope is not None and scope in self.scopes and scope not in seen:
            seen.add(scope)
            node = self.scopes[scope]
            yield node
            scope = node.parent


def lookup(ir: PipelineIR) -> Lookup:
    """The pipeline's nodes by name; where a name stands twice, the first counts."""
    chains: dict[str, list[Branch]] = {}
    for scope in ir.scopes:
        if isinstance(scope, Branch):
            chains.setdefault(scope.chain, []).append(scope)
    return Lookup(
        ir=ir,
        steps={one.id: one for one in reversed(ir.steps)},
        scopes={one.id: one for one in reversed(ir.scopes)},
        components={one.code: one for one in reversed(ir.components)},
        parameters={one.name: one for one in reversed(ir.parameters)},
        classes={one.name: one for one in ir.classes},
        chains={name: tuple(arms) for name, arms in chains.items()},
    )


def inner_values(value: Value) -> Iterator[Value]:
    """The value and every value inside it."""
    yield value
    if isinstance(value, Gathered):
        yield from inner_values(value.value)
    elif isinstance(value, OneOf | ListOf):
        for item in value.values:
            yield from inner_values(item)


def condition_values(condition: Condition) -> Iterator[Value]:
    """The values that a condition looks at."""
    if isinstance(condition, Comparison):
        yield condition.left
        yield condition.right
    elif isinstance(condition, Truth):
        yield condition.value
    elif isinstance(condition, Not):
        yield from condition_values(condition.condition)
    else:
        for part in condition.conditions:
            yield from condition_values(part)


def scope_values(scope: Scope) -> Iterator[Value]:
    """The values that a scope itself looks at before its steps run."""
    if isinstance(scope, Loop):
        yield scope.items
    elif isinstance(scope, Nested):
        for binding in scope.inputs:
            yield binding.value
    elif scope.condition is not None:
        yield from condition_values(scope.condition)


def producers(value: Value) -> Iterator[str]:
    """The ids of the steps that a value comes from."""
    for inner in inner_values(value):
        if isinstance(inner, FromStep):
            yield inner.step


def all_options(names: Lookup) -> Iterator[tuple[Options, Span | None]]:
    """What is said of how steps run: by pipeline, components, nested pipelines and steps."""
    yield names.ir.options, names.ir.span
    for component in names.ir.components:
        yield component.options, component.span
    for scope in names.ir.scopes:
        if isinstance(scope, Nested):
            yield scope.options, scope.span
    for step in names.ir.steps:
        yield step.options, step.span
