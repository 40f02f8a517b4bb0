"""The backend: a checked pipeline as one YAML file, which `penstock run` accepts; and the runner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from penstock.backend import Bundle, Options
from penstock.features import NATIVE, Feature, Support, lowered
from penstock.ir.nodes import PipelineIR
from penstock.ir.text import dump_pipeline
from penstock.passes.model import Pass
from penstock.runner import Listener, RunOptions, RunPlan, RunResult

_TOLD = lowered("not enforced on this machine, and the run says so")


class LocalBackend:
    """Emits `<pipeline>.yaml`, and runs pipelines in this process or in several."""

    name: ClassVar[str] = "local"
    supports: ClassVar[Mapping[Feature, Support]] = {
        **dict.fromkeys(Feature, NATIVE),
        Feature.RESOURCES: _TOLD,
        Feature.GPU: _TOLD,
        Feature.IMAGE: lowered("steps run in this environment, and the run says so"),
        Feature.SCHEDULE: lowered("a run is started by hand, and says so"),
        Feature.CACHE: lowered("every step runs"),
    }
    rewrites: ClassVar[tuple[Pass, ...]] = ()
    executors: tuple[str, ...] = ("process", "inline")

    def emit(self, pipeline: PipelineIR, options: Options) -> Bundle:
        """The lowered pipeline; raises `BackendError` for an option."""
        options.known()
        return {f"{pipeline.name}.yaml": dump_pipeline(pipeline)}

    def plan(
        self, pipeline: PipelineIR, parameters: Mapping[str, object], options: RunOptions
    ) -> RunPlan:
        """What `run` would do; raises `CannotRun`."""
        from penstock_local.plan import plan

        return plan(pipeline, parameters, options)

    def run(
        self,
        pipeline: PipelineIR,
        parameters: Mapping[str, object],
        options: RunOptions,
        listen: Listener,
    ) -> RunResult:
        """Runs the pipeline; raises `CannotRun` before anything has run, and `StoreError`."""
        from penstock_local.running import run

        return run(pipeline, parameters, options, listen)
