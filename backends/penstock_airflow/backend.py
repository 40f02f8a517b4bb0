"""The Airflow backend: what it supports, and one DAG file for a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from penstock.backend import Bundle, Options
from penstock.features import NATIVE, Feature, Support
from penstock.ir.nodes import PipelineIR
from penstock.passes.model import Pass
from penstock_airflow.checks import CHECKS, checks_of


class AirflowBackend:
    """Emits one DAG file, `<pipeline>.py`, that imports Airflow and its Docker provider only."""

    name: ClassVar[str] = "airflow"
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
        Feature.LOOP_NESTED: Support("native", "each step is mapped over the rounds of all loops"),
        Feature.PARALLEL: Support("native", "limits each step of the loop, not its rounds"),
        Feature.GATHER: NATIVE,
        Feature.EXIT: NATIVE,
        Feature.RUN_STATUS: NATIVE,
        Feature.ORDER: NATIVE,
        Feature.RETRY: NATIVE,
        Feature.RETRY_BACKOFF: Support(
            "native", "Airflow adds up to the same delay at random; only 2x before 3.2"
        ),
        Feature.TIMEOUT: NATIVE,
        Feature.CACHE: Support("native", "each run runs each step; cache=True is a warning"),
        Feature.RESOURCES: Support(
            "native",
            "with Docker cpu is a share and there is no disk; limits with Kubernetes",
        ),
        Feature.GPU: Support("native", "by type with Kubernetes only"),
        Feature.ENV: NATIVE,
        Feature.SECRET: Support(
            "native", "a key of a connection or Variable, or a secret of Kubernetes"
        ),
        Feature.IMAGE: NATIVE,
        Feature.SCHEDULE: NATIVE,
        Feature.CATALOG: NATIVE,
    }
    rewrites: ClassVar[tuple[Pass, ...]] = CHECKS

    def checks(self, options: Options) -> tuple[Pass, ...]:
        """What depends on the version of Airflow and on how steps run; raises `BackendError`."""
        from penstock_airflow.target import target_of

        return checks_of(target_of(options))

    def emit(self, pipeline: PipelineIR, options: Options) -> Bundle:
        """The DAG file.

        Args:
            options: `store` is where steps keep artifacts: by default a volume, else a folder of
                the workers or a bucket; own options are `airflow-version` (3 for all of 3.x, 3.0
                to 3.3, 2.11), `runner` (docker, kubernetes, python), `records` (yes, no), `secrets`
                (connections, variables; kubernetes with its runner),
                `volume` (of Docker, or the claim of Kubernetes), `namespace` and `gpu-label` (of
                Kubernetes), and `python` (the path of the Python that steps run in).

        Raises:
            BackendError: an option has a value that it cannot have.
        """
        # Imported here: jinja2 is only needed where something is emitted.
        from penstock_airflow.dag_file import dag_file
        from penstock_airflow.target import target_of

        return {f"{pipeline.name}.py": dag_file(pipeline, target_of(options))}
