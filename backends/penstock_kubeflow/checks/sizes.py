"""Sizes that Kubernetes limits, estimated from what is emitted."""

from __future__ import annotations

from penstock.ir.values import Constant
from penstock.passes.model import Log
from penstock_kubeflow.checks.order import scope_of
from penstock_kubeflow.levels import Levels
from penstock_kubeflow.limits import (
    ARGUMENT,
    FRAME,
    OF_DAG,
    OF_STEP,
    OUTPUT_IN_INPUT,
    TASK_IN_DAG,
    WORKFLOW,
)


def check_sizes(levels: Levels, log: Log) -> None:
    """Reports a step whose inputs are too large; warns where the whole probably is."""
    names, ir = levels.names, levels.names.ir
    total = FRAME + OF_DAG * len(levels.all)
    weight = dict.fromkeys(levels.all, 0)
    for step in ir.steps:
        constants = sum(
            len(one.value.text.encode()) for one in step.inputs if isinstance(one.value, Constant)
        )
        outputs = len(names.components[step.component].outputs)
        if constants + 100 * len(step.inputs) + OUTPUT_IN_INPUT * outputs > ARGUMENT:
            log.error(
                "PS404",
                at=step.span,
                message=f"the inputs of {step.id!r} take {constants:,} bytes, and kubeflow passes "
                f"at most {ARGUMENT:,} to a step",
                hint="store large values, and pass them as artifacts",
            )
        total += OF_STEP + constants
        weight[levels.home[step.id]] += TASK_IN_DAG + constants
    for name, size in weight.items():
        if size > ARGUMENT:
            scope = scope_of(name, names)
            where = "the pipeline" if scope is None else f"{scope.kind} {scope.id!r}"
            log.warning(
                "PS408",
                at=ir.span if scope is None else scope.span,
                message=f"{where} may be too large for kubeflow: its "
                f"{len(levels.all[name].nodes):,} tasks take about {size:,} bytes, and backends "
                f"before 2.16 pass at most {ARGUMENT:,}",
                hint="split it into nested pipelines",
            )
    if total > WORKFLOW:
        log.warning(
            "PS408",
            at=ir.span,
            message=f"the pipeline is probably too large for kubeflow: {len(ir.steps):,} steps "
            f"make a workflow of about {total:,} bytes, and etcd holds {WORKFLOW:,}",
            hint="split it into several pipelines",
        )
