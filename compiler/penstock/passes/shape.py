"""Checks that every name in a pipeline leads somewhere."""

from __future__ import annotations

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup, inner_values, scope_values
from penstock.ir.nodes import Branch, Loop, Nested
from penstock.ir.values import FromLoop, FromParameter, FromStep, Gathered, Value
from penstock.passes.model import Log, check


@check(reports={"PS115"})
def names_unique(names: Lookup, log: Log) -> None:
    """Every step and scope has a name of its own."""
    seen: dict[str, Span | None] = {}
    for one in (*names.ir.scopes, *names.ir.steps):
        if one.id in seen:
            first = seen[one.id]
            log.error(
                "PS115",
                at=one.span,
                message=f"the name {one.id!r} stands twice",
                label="the second",
                hint="give one of them another name",
                notes=((first, "the first"),) if first else (),
            )
        seen.setdefault(one.id, one.span)


@check(reports={"PS110", "PS113", "PS119", "PS128"})
def references_exist(names: Lookup, log: Log) -> None:
    """Every step, output, scope, parameter and loop that is named is there."""
    endless = _inside_themselves(names)
    for step in names.ir.steps:
        if step.component not in names.components:
            log.error(
                "PS113",
                at=step.span,
                message=f"step {step.id!r} calls {step.component!r}, which is no component",
                hint="add it under `components:`",
            )
        _scope_exists(names, log, endless, step.scope, f"step {step.id!r}", step.span)
        for binding in step.inputs:
            _value_exists(names, log, binding.value, f"step {step.id!r}", step.span)
        for other in step.after:
            if other not in names.steps and other not in names.scopes:
                log.error(
                    "PS128",
                    at=step.span,
                    message=f"step {step.id!r} is after {other!r}, which is no step",
                    hint="name a step or scope of this pipeline",
                )
    for scope in names.ir.scopes:
        where = f"scope {scope.id!r}"
        _scope_exists(names, log, endless, scope.parent, where, scope.span)
        for value in scope_values(scope):
            _value_exists(names, log, value, where, scope.span)
        if isinstance(scope, Branch) and names.chains[scope.chain][0].id != scope.chain:
            log.error(
                "PS119",
                at=scope.span,
                message=f"branch {scope.id!r} belongs to {scope.chain!r}, which is no `when`",
                hint="name the `when` that begins the branch",
            )
    for output in names.ir.outputs:
        _value_exists(names, log, output.value, f"output {output.name!r}", names.ir.span)


def _inside_themselves(names: Lookup) -> set[str]:
    """The scopes from which no way leads to the top."""
    return {
        scope for scope in names.scopes if list(names.enclosing(scope))[-1].parent in names.scopes
    }


def _scope_exists(
    names: Lookup, log: Log, endless: set[str], scope: str | None, where: str, span: Span | None
) -> None:
    if scope is not None and scope not in names.scopes:
        log.error(
            "PS113",
            at=span,
            message=f"{where} is in {scope!r}, which is no scope",
            hint="add it under `scopes:`",
        )
    elif scope in endless:
        log.error(
            "PS110",
            at=span,
            message=f"{where} is in {scope!r}, which is inside itself",
            hint="a scope's `in` must lead to the top",
        )


def _value_exists(names: Lookup, log: Log, value: Value, where: str, span: Span | None) -> None:
    for inner in inner_values(value):
        message = _missing(names, inner)
        if message is not None:
            text, hint = message
            log.error("PS113", at=span, message=f"{where} uses {text}", hint=hint)


def _missing(names: Lookup, value: Value) -> tuple[str, str] | None:
    match value:
        case FromStep():
            step = names.steps.get(value.step)
            if step is None:
                return f"step {value.step!r}, which does not exist", "name a step of this pipeline"
            component = names.components.get(step.component)
            outputs = [one.name for one in component.outputs] if component else []
            if component and value.output not in outputs:
                has = f"its outputs are {', '.join(outputs)}" if outputs else "it has no outputs"
                return f"output {value.output!r} of {value.step!r}, which does not exist", has
        case FromParameter() if value.parameter not in names.parameters:
            return (
                f"parameter {value.parameter!r}, which the pipeline does not have",
                f"its parameters are {', '.join(names.parameters) or 'none'}",
            )
        case FromLoop() | Gathered() if not isinstance(names.scopes.get(value.loop), Loop):
            return f"loop {value.loop!r}, which does not exist", "name a loop of this pipeline"
        case _:
            pass
    return None


@check(reports={"PS111", "PS112"})
def inputs_match(names: Lookup, log: Log) -> None:
    """Each step is given what it needs, and nothing that it does not know."""
    for step in names.ir.steps:
        component = names.components.get(step.component)
        if component is None:
            continue
        known = names.inputs(step.component)
        given = {binding.name for binding in step.inputs}
        for name, one in known.items():
            if name not in given and one.default is None and not one.optional:
                log.error(
                    "PS111",
                    at=step.span,
                    message=f"{step.id} needs {name!r}, which nobody provides",
                    label=f"{name!r} is missing",
                    hint=f"pass {name}=..., or give it a default in {_short(component.code)}",
                    notes=((component.span, "defined here"),) if component.span else (),
                )
        for name in (binding.name for binding in step.inputs if binding.name not in known):
            log.error(
                "PS112",
                at=step.span,
                message=f"{_short(component.code)} has no input {name!r}",
                label="unknown input",
                hint=f"its inputs are {', '.join(known) or 'none'}",
                notes=((component.span, "defined here"),) if component.span else (),
            )


@check(reports={"PS111"})
def nested_inputs_match(names: Lookup, log: Log) -> None:
    """A nested pipeline is given all parameters that have no default."""
    for scope in names.ir.scopes:
        if not isinstance(scope, Nested):
            continue
        given = {binding.name for binding in scope.inputs}
        for parameter in scope.parameters:
            if parameter.name not in given and parameter.default is None:
                log.error(
                    "PS111",
                    at=scope.span,
                    message=f"pipeline {scope.pipeline!r} needs {parameter.name!r}, "
                    "which nobody provides",
                    label=f"{parameter.name!r} is missing",
                    hint=f"pass {parameter.name}=..., or give it a default",
                )


@check(reports={"PS129"})
def has_steps(names: Lookup, log: Log) -> None:
    """A pipeline does something."""
    if not names.ir.steps:
        log.error(
            "PS129",
            at=names.ir.span,
            message=f"pipeline {names.ir.name!r} has no steps",
            hint="call a step in its body",
        )


def _short(code: str) -> str:
    return code.rpartition(":")[2]
