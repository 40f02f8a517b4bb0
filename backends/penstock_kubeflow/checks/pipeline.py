"""The pipeline as a whole: its steps, parameters, outputs and schedule."""

from __future__ import annotations

import json
from typing import TypeGuard

from penstock.ir.lookup import Lookup, inner_values, scope_values
from penstock.ir.nodes import Nested, Parameter
from penstock.ir.types import ANY, brief
from penstock.ir.value_types import parsed
from penstock.ir.values import FromParameter, Value
from penstock.passes.model import Log
from penstock_kubeflow.hostile import ARGO, reinterpreted
from penstock_kubeflow.parameter_types import allowed_values, parameter_type, too_large
from penstock_kubeflow.parameters import described, limits_of
from penstock_kubeflow.schedule import cron_with_seconds, in_utc


def check_pipeline(names: Lookup, log: Log) -> None:
    """Reports what the root of a PipelineSpec cannot hold."""
    ir = names.ir
    if not ir.steps:
        log.error(
            "PS404",
            at=ir.span,
            message="kubeflow runs no pipeline without steps",
            hint="call a step in the pipeline",
        )
    elif all(step.on_exit for step in ir.steps):
        log.error(
            "PS404",
            at=ir.span,
            message="kubeflow runs no pipeline of exit steps alone",
            hint="call another step in the pipeline",
        )
    looked_at = _looked_at(names)
    for parameter in ir.parameters:
        _check_parameter(parameter, parameter.name in looked_at, names, log)
    _check_schedule(names, log)


def _looked_at(names: Lookup) -> set[str]:
    """The parameters that a scope looks at, or that a step takes a part of."""
    found: set[str] = set()
    for scope in names.ir.scopes:
        if not isinstance(scope, Nested):
            for value in scope_values(scope):
                found |= {one.parameter for one in inner_values(value) if _parameter(one)}
    for step in names.ir.steps:
        for binding in step.inputs:
            inner = inner_values(binding.value)
            found |= {one.parameter for one in inner if _parameter(one) and one.path}
    return found


def _parameter(value: Value) -> TypeGuard[FromParameter]:
    return isinstance(value, FromParameter)


def _check_parameter(parameter: Parameter, looked_at: bool, names: Lookup, log: Log) -> None:
    name, kind = parameter.name, parsed(parameter.type) or ANY
    if parameter_type(kind, names.classes) is None:
        log.error(
            "PS404",
            at=parameter.span,
            message=f"kubeflow has no parameter type for {name!r}, which is {brief(kind)}",
            hint="use one of int, float, str, bool, list or dict",
        )
    limits = limits_of(parameter.constraints)
    if limits:
        log.warning(
            "PS407",
            at=parameter.span,
            message=f"kubeflow does not check that {name!r} is {limits}; its form only says so",
            hint="check the value in the step that takes it, too",
        )
    if ARGO in described(parameter):
        log.error(
            "PS404",
            at=parameter.span,
            message=f"the description of {name!r} cannot hold '{ARGO}': Argo would replace it",
            hint="say it without double braces",
        )
    literals = list(allowed_values(kind, names.classes))
    if (marker := reinterpreted(literals)) is not None:
        log.error(
            "PS404",
            at=parameter.span,
            message=f"kubeflow would change an allowed value of {name!r}: "
            f"Argo or Kubernetes replaces '{marker}' in it",
            hint="use plain words as values, and map them inside a step",
        )
    if parameter.default is None:
        return
    default = json.loads(parameter.default)
    if default is None and looked_at:
        log.error(
            "PS404",
            at=parameter.span,
            message=f"kubeflow cannot pass None on: {name!r} is None unless it is given",
            hint="use a default that says the same, such as '' or 0",
        )
    marker, number = reinterpreted(default), too_large(default)
    if marker is not None:
        log.error(
            "PS404",
            at=parameter.span,
            message=f"kubeflow would change the default of {name!r}: "
            f"Argo or Kubernetes replaces '{marker}' in it",
            hint="build such text inside a step",
        )
    if number is not None:
        log.error(
            "PS404",
            at=parameter.span,
            message=f"kubeflow cannot hold the default of {name!r} exactly: "
            f"its numbers are doubles, and {str(number)[:40]} is none",
            hint="pass it as text",
        )


def _check_schedule(names: Lookup, log: Log) -> None:
    ir, schedule = names.ir, names.ir.schedule
    if schedule is None:
        return
    if not in_utc(schedule):
        log.error(
            "PS406",
            at=ir.span,
            message=f"kubeflow cannot run by the clock of {schedule.timezone}: "
            "its recurring runs know UTC alone",
            hint="write the schedule in UTC",
        )
    if cron_with_seconds(schedule.cron) is None:
        log.error(
            "PS406",
            at=ir.span,
            message=f"kubeflow does not read the schedule {schedule.cron!r}",
            hint="use five cron fields of numbers, names, '*', ',', '-' and '/', with Sunday as 0",
        )
