"""The pipeline as a whole: its steps, parameters, outputs and schedule."""

from __future__ import annotations

import json

from penstock.ir.lookup import Lookup, inner_values
from penstock.ir.nodes import Parameter
from penstock.ir.types import ANY, brief
from penstock.ir.value_types import parsed
from penstock.ir.values import FromParameter, FromStep
from penstock.passes.model import Log
from penstock_kubeflow.hostile import ARGO, reinterpreted
from penstock_kubeflow.parameter_types import parameter_type, too_large
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
    taken = {
        inner.parameter
        for step in ir.steps
        for binding in step.inputs
        for inner in inner_values(binding.value)
        if isinstance(inner, FromParameter)
    }
    for parameter in ir.parameters:
        _check_parameter(parameter, parameter.name in taken, names, log)
    for output in ir.outputs:
        if not isinstance(output.value, FromStep):
            log.error(
                "PS401",
                at=ir.span,
                message=f"kubeflow cannot express the output {output.name!r}: "
                "a pipeline returns what its steps give",
                hint="return an output of a step",
            )
    _check_schedule(names, log)


def _check_parameter(parameter: Parameter, taken: bool, names: Lookup, log: Log) -> None:
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
    if parameter.default is None:
        return
    default = json.loads(parameter.default)
    if default is None and taken:
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
