"""Runs passes in order: all checks of a stage, then its rewrites, each verified."""

from __future__ import annotations

from collections.abc import Sequence

from penstock.diagnostics import Diagnostic, PipelineError, in_source_order
from penstock.ir.lookup import lookup
from penstock.ir.nodes import PipelineIR
from penstock.passes.model import Log, Pass, Rewrite
from penstock.passes.verify import verify


def run_passes(
    ir: PipelineIR, *stages: Sequence[Pass]
) -> tuple[PipelineIR, tuple[Diagnostic, ...]]:
    """The pipeline after the passes, and the warnings.

    All checks of a stage run, and their errors are raised together as `PipelineError`, in source
    order, before its rewrites and before the next stage. After each rewrite the verifier looks;
    what it finds is a bug of penstock and raised as PS901.
    """
    names = lookup(ir)
    log = Log()
    for stage in stages:
        for one in stage:
            if isinstance(one, Rewrite):
                _stop_on_errors(log)
                ir = one(names, log)
                names = lookup(ir)
                verify(names, after=one.name)
            else:
                one(names, log)
        _stop_on_errors(log)
    return ir, in_source_order(log.found)


def _stop_on_errors(log: Log) -> None:
    if any(found.severity == "error" for found in log.found):
        raise PipelineError(in_source_order(log.found))
