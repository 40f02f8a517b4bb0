"""What the backend that is meant must have: by its version, or by its being Vertex."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup, all_options, inner_values
from penstock.ir.nodes import Options
from penstock.ir.value_types import parsed
from penstock.ir.values import OneOf, Value
from penstock.passes.model import Check, Log, check
from penstock_kubeflow.executors import gpu_resource
from penstock_kubeflow.levels import Levels
from penstock_kubeflow.parameter_types import allowed_values
from penstock_kubeflow.sources import Sources
from penstock_kubeflow.target import Target

_DEVICE = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERTEX_DEVICE = re.compile(r"[A-Z][A-Z0-9_]{1,60}")


def available_on(target: Target) -> Check:
    """The check that the target has all that the pipeline uses."""

    @check(reports={"PS401", "PS405", "PS406", "PS407"})
    def available(names: Lookup, log: Log) -> None:
        """What the pipeline uses must be there in the version that it is compiled for."""
        if not target.since("2.16"):
            _literals(names, target, log)
        if not target.since("2.17") and not target.vertex:
            _chosen_artifacts(names, target, log)
        if target.vertex and names.ir.schedule is not None:
            log.error(
                "PS406",
                at=names.ir.span,
                message="Vertex has no recurring runs of Kubeflow",
                hint="leave the schedule out, and make one in Vertex",
            )
        for options, at in all_options(names):
            _options(options, at, target, log)
        for pattern in target.kubernetes.steps if target.kubernetes is not None else ():
            if not any(fnmatchcase(step.id, pattern) for step in names.ir.steps):
                log.error(
                    "PS405",
                    at=names.ir.span,
                    message=f"the option kubernetes is about {pattern!r}, and no step is named so",
                    hint="name a step by its id, as `penstock graph` shows it",
                )

    return available


def _literals(names: Lookup, target: Target, log: Log) -> None:
    for parameter in names.ir.parameters:
        kind = parsed(parameter.type)
        if kind is not None and allowed_values(kind, names.classes):
            log.warning(
                "PS407",
                at=parameter.span,
                message=f"kubeflow {target.version} does not check the allowed values of "
                f"{parameter.name!r}; its form only says so, and 2.16 checks them",
                hint="check the value in the step that takes it, too",
            )


def _chosen_artifacts(names: Lookup, target: Target, log: Log) -> None:
    """https://github.com/kubeflow/pipelines/issues/13436"""
    sources = Sources(names, Levels(names))
    uses: list[tuple[Value, Span | None]] = [
        (one.value, step.span) for step in names.ir.steps for one in step.inputs
    ]
    uses += [(one.value, names.ir.span) for one in names.ir.outputs]
    for value, at in uses:
        for inner in inner_values(value):
            source = sources.source(inner) if isinstance(inner, OneOf) else None
            if source is not None and sources.port(source).kind == "artifact":
                log.error(
                    "PS401",
                    at=at,
                    message=f"kubeflow {target.version} cannot choose between artifacts; 2.17 can",
                    hint="compile for 2.17, or use the artifact inside each arm",
                )


def _options(options: Options, at: Span | None, target: Target, log: Log) -> None:
    if options.resources is not None and (device := gpu_resource(options.resources)) is not None:
        if target.vertex and not _VERTEX_DEVICE.fullmatch(device):
            log.error(
                "PS405",
                at=at,
                message=f"Vertex has no accelerator {device!r}",
                hint="write gpu_type='NVIDIA_TESLA_T4', or another name of Vertex",
            )
        elif not target.vertex and not _DEVICE.fullmatch(device):
            log.error(
                "PS405",
                at=at,
                message=f"kubeflow asks for devices by their resource, and {device!r} is none",
                hint="write gpu_type='nvidia.com/gpu', or what your nodes offer",
            )
    if not target.vertex:
        return
    for what, value in (("secrets", options.secrets), ("a timeout", options.timeout)):
        if value:
            log.error(
                "PS405",
                at=at,
                message=f"Vertex has no {what} for a step: both are settings of Kubernetes",
                hint="compile for 2.17, or leave it out",
            )
