"""Every value must reach its step as it is: in type, in number, letter for letter."""

from __future__ import annotations

from dataclasses import dataclass

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Component, Step
from penstock.ir.types import ANY, Type, brief, parse
from penstock.ir.value_types import item_type
from penstock.ir.values import (
    Constant,
    FinalStatus,
    FromLoop,
    FromStep,
    Gathered,
    ListOf,
    OneOf,
    Path,
    Value,
)
from penstock.passes.model import Log
from penstock_kubeflow.inputs import of_items
from penstock_kubeflow.levels import ROOT
from penstock_kubeflow.parameter_types import (
    may_hold_float,
    nullable,
    parameter_type,
    tells_numbers,
)
from penstock_kubeflow.ports import Part
from penstock_kubeflow.sources import Sources


def check_inputs(written: Lookup, sources: Sources, log: Log) -> None:
    """Reports inputs and outputs of steps that Kubeflow would change or lose."""
    names, levels = sources.names, sources.levels
    for component in names.ir.components:
        _check_outputs(component, names, log)
    said = {step.id: {one.name for one in step.inputs} for step in written.ir.steps}
    for step in names.ir.steps:
        for binding in step.inputs:
            if isinstance(binding.value, Constant):
                continue  # what a parameter cannot hold travels in the arguments
            in_call = binding.name in said.get(step.id, {binding.name})
            at = step.span if in_call else names.components[step.component].span
            declared = sources.declared(step.component, binding.name)[0]
            level = levels.home[step.id]
            _Flow(binding.name, step, level, at, sources, log).check(binding.value, declared)


def _check_outputs(component: Component, names: Lookup, log: Log) -> None:
    for output in component.outputs:
        kind = parse(output.type)
        if output.kind != "parameter":
            continue
        if nullable(kind):
            log.error(
                "PS404",
                at=component.span,
                message=f"kubeflow cannot pass None on: output {output.name!r} is {brief(kind)}",
                hint="return a value that says the same, such as '' or 0",
            )
        elif parameter_type(kind, names.classes) is None:
            _unknown(output.name, kind, component.span, log)


def _unknown(name: str, kind: Type, at: Span | None, log: Log) -> None:
    log.error(
        "PS404",
        at=at,
        message=f"kubeflow has no parameter type for {name!r}, which is {brief(kind)}",
        hint="annotate it with one of int, float, str, bool, list or dict",
    )


def _path(value: Value) -> Path:
    return value.path if isinstance(value, FromStep | OneOf | Gathered) else ()


@dataclass(frozen=True)
class _Flow:
    """What goes into one input of a step."""

    name: str
    step: Step
    level: str
    at: Span | None
    sources: Sources
    log: Log

    def check(self, value: Value, declared: Type) -> None:
        """Reports what would be changed or lost on the way."""
        if isinstance(value, Constant | FinalStatus):
            return
        if isinstance(value, ListOf):
            for one in value.values:
                self.check(one, item_type(declared) or ANY)
            return
        if isinstance(value, Gathered) and of_items(value):
            items = getattr(self.sources.names.scopes[value.loop], "items", None)
            if items is not None:
                self.check(items, ANY)
            return
        source = self.sources.source(value)
        if source is None:
            return  # the checks of scopes say why
        port = self.sources.port(source)
        if port.kind == "artifact":
            return
        asked = self.sources.declared(self.step.component, self.name)[1]
        if port.type is None and not (isinstance(source, Part) and asked is not None):
            # Of a whole value its own declaration speaks.
            if isinstance(source, Part) or _path(value):
                _unknown(self.name, declared, self.at, self.log)
            elif isinstance(value, FromLoop):
                _unknown(self.name, self.sources.type_of(value), self.at, self.log)
            return
        if port.optional and self.level != ROOT:
            self.log.error(
                "PS404",
                at=self.at,
                message=f"kubeflow cannot pass None into a DAG inside the pipeline: {self.name!r} "
                "may be None",
                hint="use a default that says the same, such as '' or 0",
            )
        classes = self.sources.names.classes
        if not tells_numbers(declared, classes) and may_hold_float(
            self.sources.type_of(value), classes
        ):
            self.log.error(
                "PS404",
                at=self.at,
                message=f"kubeflow would turn 1.0 into 1 on its way to {self.name!r}, "
                "whose type allows both",
                label="1 or 1.0?",
                hint=f"annotate {self.name!r} so that each number is an int or a float",
            )
