"""Checks the values that parameters have before anything runs."""

from __future__ import annotations

import json

from penstock.diagnostics import Span
from penstock.ir.constants import constant_fits, senseless, violated
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Nested, Parameter
from penstock.ir.types import brief
from penstock.ir.value_types import parsed
from penstock.ir.values import Constant
from penstock.passes.model import Log, check


@check(reports={"PS203", "PS204"})
def defaults_fit(names: Lookup, log: Log) -> None:
    """A default is of its parameter's type and within its bounds."""
    for parameter in _all_parameters(names):
        reason = senseless(parameter.constraints)
        if reason is not None:
            log.error(
                "PS204",
                at=parameter.span,
                message=f"the bounds of {parameter.name!r} mean nothing: {reason}",
                hint="mend the bounds in Field(...)",
            )
        if parameter.default is not None:
            _fits(names, log, parameter, parameter.default, parameter.span, "the default of ")
    for component in names.ir.components:
        for one in component.inputs:
            kind = parsed(one.type)
            if one.default is None or kind is None or one.default == "null":
                continue
            if not constant_fits(json.loads(one.default), kind, names.classes):
                log.error(
                    "PS203",
                    at=component.span,
                    message=f"the default of {one.name!r} is {_shown(one.default)}, "
                    f"which is no {brief(kind)}",
                    hint="change the default or the annotation",
                )


def _all_parameters(names: Lookup) -> list[Parameter]:
    found = list(names.ir.parameters)
    for scope in names.ir.scopes:
        if isinstance(scope, Nested):
            found += scope.parameters
    return found


@check(reports={"PS204"})
def nested_constants_fit(names: Lookup, log: Log) -> None:
    """A constant given to a nested pipeline is within its parameter's bounds."""
    for scope in names.ir.scopes:
        if not isinstance(scope, Nested):
            continue
        parameters = {one.name: one for one in scope.parameters}
        for binding in scope.inputs:
            parameter = parameters.get(binding.name)
            if parameter is not None and isinstance(binding.value, Constant):
                _bounded(log, parameter, binding.value.text, scope.span, "")


def _fits(
    names: Lookup, log: Log, parameter: Parameter, text: str, span: Span | None, what: str
) -> None:
    kind = parsed(parameter.type)
    value: object = json.loads(text)
    if kind is not None and not constant_fits(value, kind, names.classes):
        log.error(
            "PS203",
            at=span,
            message=f"{what}{parameter.name!r} is {_shown(text)}, which is no {brief(kind)}",
            hint="change the default or the annotation",
        )
        return
    _bounded(log, parameter, text, span, what)


def _bounded(log: Log, parameter: Parameter, text: str, span: Span | None, what: str) -> None:
    if senseless(parameter.constraints) is not None:
        return
    broken = violated(json.loads(text), parameter.constraints)
    if broken is not None:
        log.error(
            "PS204",
            at=span,
            message=f"{what}{parameter.name!r} is {_shown(text)}, but must be {broken}",
            label="outside of its bounds" if not what else "",
            hint="change the value, or the bounds in Field(...)",
        )


def _shown(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
