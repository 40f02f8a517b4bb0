"""Sizes that Kubernetes limits, estimated from what is emitted."""

from __future__ import annotations

from penstock.ir.lookup import Lookup
from penstock.ir.values import Constant
from penstock.passes.model import Log
from penstock_kubeflow.levels import ROOT, Levels

# One argument of a process: the kernel's limit. A driver gets the whole DAG in one, a step its
# ExecutorInput.
_ARGUMENT = 131_072
_TASK_IN_DAG = 250
_OUTPUT_IN_INPUT = 300
# A workflow is one object in etcd.
_WORKFLOW = 1_572_864
_FRAME, _STEP, _DAG = 7_200, 3_660, 1_500


def check_sizes(names: Lookup, log: Log) -> None:
    """Reports a step whose inputs are too large; warns where the whole probably is."""
    ir = names.ir
    levels = Levels(names)
    total = _FRAME + _DAG * len(levels.all)
    weight = dict.fromkeys(levels.all, 0)
    for step in ir.steps:
        constants = sum(
            len(one.value.text.encode()) for one in step.inputs if isinstance(one.value, Constant)
        )
        outputs = len(names.components[step.component].outputs)
        if constants + 100 * len(step.inputs) + _OUTPUT_IN_INPUT * outputs > _ARGUMENT:
            log.error(
                "PS404",
                at=step.span,
                message=f"the inputs of {step.id!r} take {constants:,} bytes, and kubeflow passes "
                f"at most {_ARGUMENT:,} to a step",
                hint="store large values, and pass them as artifacts",
            )
        total += _STEP + constants
        weight[levels.home[step.id]] += _TASK_IN_DAG + constants
    for name, size in weight.items():
        if size > _ARGUMENT:
            where = "the pipeline" if name == ROOT else f"the nested pipeline {name!r}"
            log.warning(
                "PS404",
                at=ir.span if name == ROOT else names.scopes[name].span,
                message=f"{where} may be too large for kubeflow: its "
                f"{len(levels.all[name].nodes):,} tasks take about {size:,} bytes, and backends "
                f"before 2.16 pass at most {_ARGUMENT:,}",
                hint="split it into nested pipelines",
            )
    if total > _WORKFLOW:
        log.warning(
            "PS404",
            at=ir.span,
            message=f"the pipeline is probably too large for kubeflow: {len(ir.steps):,} steps "
            f"make a workflow of about {total:,} bytes, and etcd holds {_WORKFLOW:,}",
            hint="split it into several pipelines",
        )
