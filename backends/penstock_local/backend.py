"""The backend: emits a pipeline as one YAML file, which `penstock run` accepts, and runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from penstock.backend import Bundle, Options
from penstock.features import NATIVE, Feature, Support, lowered
from penstock.ir.nodes import PipelineIR
from penstock.passes.model import Pass
from penstock.runner import Listener, RunOptions, RunPlan, RunResult

if TYPE_CHECKING:
    from penstock_local.pool import Worker

_TOLD = lowered("enforced by the docker executor only, and the others say so")


class LocalBackend:
    """Emits `<pipeline>.yaml`, and runs pipelines in this process or in several."""

    name: ClassVar[str] = "local"
    supports: ClassVar[Mapping[Feature, Support]] = {
        Feature.SEQUENCE: NATIVE,
        Feature.PARAMETER: NATIVE,
        Feature.CONSTRAINT: NATIVE,
        Feature.SEVERAL_OUTPUTS: NATIVE,
        Feature.PROJECTION: NATIVE,
        Feature.LIST_INPUT: NATIVE,
        Feature.NESTED: NATIVE,
        Feature.BRANCH: NATIVE,
        Feature.ONE_OF: NATIVE,
        Feature.LOOP_STATIC: NATIVE,
        Feature.LOOP_PARAMETER: NATIVE,
        Feature.LOOP_OUTPUT: NATIVE,
        Feature.LOOP_NESTED: NATIVE,
        Feature.PARALLEL: NATIVE,
        Feature.GATHER: NATIVE,
        Feature.EXIT: NATIVE,
        Feature.RUN_STATUS: NATIVE,
        Feature.ORDER: NATIVE,
        Feature.RETRY: NATIVE,
        Feature.RETRY_BACKOFF: NATIVE,
        Feature.TIMEOUT: NATIVE,
        Feature.CACHE: NATIVE,
        Feature.RESOURCES: _TOLD,
        Feature.GPU: _TOLD,
        Feature.ENV: NATIVE,
        Feature.SECRET: NATIVE,
        Feature.IMAGE: lowered(
            "used in containers, else steps run in this environment, and the run says so"
        ),
        Feature.SCHEDULE: lowered("a run is started by hand, and says so"),
        Feature.CATALOG: NATIVE,
    }
    rewrites: ClassVar[tuple[Pass, ...]] = ()
    executors: tuple[str, ...] = ("process", "inline", "docker")

    def emit(self, pipeline: PipelineIR, options: Options) -> Bundle:
        """The lowered pipeline; raises `BackendError` for an option."""
        from penstock.ir.text import dump_pipeline  # a run does not need it

        options.known()
        return {f"{pipeline.name}.yaml": dump_pipeline(pipeline)}

    def __init__(self) -> None:
        self._warm: list[Worker] = []

    def prepare(self, executor: str) -> None:
        """Starts a worker; `release` ends it if no run follows."""
        if executor == "process" and not self._warm:
            from penstock_local.pool import Worker

            self._warm.append(Worker())

    def release(self) -> None:
        """Ends the workers that no run has taken."""
        warm, self._warm = self._warm, []
        for worker in warm:
            worker.end()

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

        warm, self._warm = self._warm, []
        try:
            return run(pipeline, parameters, options, listen, warm)
        finally:
            for worker in warm:  # those that the run did not take
                worker.end()
