"""Every value must reach its step as it is: in type, in number, letter for letter."""

from __future__ import annotations

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Binding, Component, Step
from penstock.ir.types import Type, brief, parse
from penstock.ir.values import Constant, FromParameter, FromStep
from penstock.passes.model import Log
from penstock_kubeflow.hostile import reinterpreted
from penstock_kubeflow.parameter_types import (
    holds_whole_float,
    may_hold_float,
    nullable,
    parameter_type,
    tells_numbers,
    too_large,
)
from penstock_kubeflow.sources import Given, Sources


def check_inputs(written: Lookup, names: Lookup, log: Log) -> None:
    """Reports inputs and outputs of steps that Kubeflow would change or lose."""
    sources = Sources(names)
    for component in names.ir.components:
        _check_outputs(component, names, log)
    said = {step.id: {one.name for one in step.inputs} for step in written.ir.steps}
    for step in names.ir.steps:
        given = {one.name: one for one in sources.given(step)}
        for binding in step.inputs:
            one = given.get(binding.name)
            if one is None:
                continue
            in_call = binding.name in said[step.id]
            at = step.span if in_call else names.components[step.component].span
            if isinstance(binding.value, Constant):
                _check_constant(step, one, binding.value.value, sources, at, log)
            elif one.type is None:
                # Of a list the table of features speaks, of a whole value its own declaration.
                if isinstance(binding.value, FromStep | FromParameter) and binding.value.path:
                    _unknown(one.name, sources.declared(step.component, one.name)[0], at, log)
            elif one.kind == "parameter":
                _check_flow(step, binding, one, sources, at, log)


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


def _check_constant(
    step: Step, one: Given, value: object, sources: Sources, at: Span | None, log: Log
) -> None:
    name = one.name
    if value is None:
        log.error(
            "PS404",
            at=at,
            message=f"kubeflow cannot give None to {name!r}: a task with a null input fails",
            hint=f"make None the default of {name!r}, and leave it out here",
        )
        return
    marker, number = reinterpreted(value), too_large(value)
    if marker is not None:
        log.error(
            "PS404",
            at=at,
            message=f"kubeflow would change the value of {name!r}: "
            f"Argo or Kubernetes replaces '{marker}' in it",
            hint="build such text inside the step",
        )
    if number is not None:
        log.error(
            "PS404",
            at=at,
            message=f"kubeflow cannot pass {str(number)[:40]} to {name!r} exactly: "
            "its numbers are doubles",
            hint="pass it as text",
        )
    declared = sources.declared(step.component, name)[0]
    if holds_whole_float(value) and not tells_numbers(declared, sources.names.classes):
        _lost_float(name, at, log)


def _check_flow(
    step: Step, binding: Binding, one: Given, sources: Sources, at: Span | None, log: Log
) -> None:
    classes = sources.names.classes
    declared = sources.declared(step.component, one.name)[0]
    told = tells_numbers(declared, classes)
    if not told and may_hold_float(sources.type_of(binding.value), classes):
        _lost_float(one.name, at, log)
    path = binding.value.path if isinstance(binding.value, FromParameter) else ()
    if any(isinstance(key, int) and key < 0 for key in path):
        log.error(
            "PS401",
            at=at,
            message=f"kubeflow cannot express {one.name!r}: "
            "its expressions count positions from the front",
            hint="pick the last one inside the step",
        )


def _lost_float(name: str, at: Span | None, log: Log) -> None:
    log.error(
        "PS404",
        at=at,
        message=f"kubeflow would turn 1.0 into 1 on its way to {name!r}, whose type allows both",
        label="1 or 1.0?",
        hint=f"annotate {name!r} so that each number is an int or a float",
    )
