# -*- coding: utf-8 -*-
"""Loads the sales of a day.

Compiled by penstock from the pipeline options in tests/golden_pipelines/options.py.
Change the pipeline and compile it again; changes made here are lost.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, NamedTuple

import pendulum
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import DAG, Param
from kubernetes.client import models as k8s

STORE = "/data/penstock"
PLAN = "sha256:ef90b84080ec5fa989ab00ba8b45d4db195312981be4a927d933aaf1432062d1"


class StepOperator(KubernetesPodOperator):
    """Runs one step in a pod; its XCom is the JSON that the step wrote."""

    def __init__(
        self,
        *,
        code: str = "",
        artifacts: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None,
        fields: list[str] | None = None,
        projections: dict[str, list[str | int]] | None = None,
        env: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.code, self.env = code, env or {}
        self.artifacts, self.parameters = artifacts or {}, parameters or {}
        self.fields, self.projections = fields or [], projections or {}

    def execute(self, context: Any) -> Any:
        variables = self.env | request(self, context)
        self.env_vars = [
            k8s.V1EnvVar(name=name, value=value) for name, value in variables.items()
        ]
        return super().execute(context)


def request(step: StepOperator, context: Any) -> dict[str, str]:
    """What a step must know, as JSON in variables: no template and no shell sees it."""
    ti = context["ti"]
    found = {
        "format": 1,
        "pipeline": ti.dag_id,
        "run": ti.run_id,
        "plan": PLAN,
        "step": ti.task_id,
        "attempt": ti.try_number,
        "store": STORE,
        "parameters": dict(context["params"]),
    }
    if not step.code:
        state = RunState().get(context)
        outputs = inputs(step, context) if state == "succeeded" else {}
        return variables({**found, "status": state, "outputs": outputs})
    found |= {"code": step.code, "inputs": inputs(step, context)}
    found["secrets"] = [one.deploy_target for one in step.secrets]
    return variables({**found, "fields": step.fields, "projections": step.projections})


def variables(found: dict[str, Any]) -> dict[str, str]:
    """The JSON in parts: Linux takes at most 131,071 bytes in one variable."""
    text, size = json.dumps(found), 100_000
    parts = [text[start : start + size] for start in range(0, len(text), size)]
    more = (f"PENSTOCK_REQUEST_{number}" for number in range(1, len(parts)))
    return dict(zip(["PENSTOCK_REQUEST", *more], parts))


def inputs(step: StepOperator, context: Any) -> dict[str, Any]:
    """The inputs of a step: values, and references of what is in the store."""
    given: dict[str, Any] = {}
    for name, value in step.parameters.items():
        given[name] = {"value": resolved(value, context)}
    for name, value in step.artifacts.items():
        found = resolved(value, context)
        if isinstance(found, list):
            given[name] = {"list": [{"artifact": one} for one in found]}
        else:
            given[name] = {"artifact": found}
    return given


def resolved(value: Any, context: Any) -> Any:
    """What a reference stands for; what is no reference is a value itself."""
    return value.get(context) if isinstance(value, tuple) else value


class Output(NamedTuple):
    """What another task has put out under a name."""

    task_id: str
    name: str = "value"

    def get(self, context: Any) -> Any:
        return context["ti"].xcom_pull(task_ids=self.task_id)[self.name]


class RunParam(NamedTuple):
    """A parameter of the run, or the part of it that the keys lead to."""

    name: str
    keys: tuple[str | int, ...] = ()

    def get(self, context: Any) -> Any:
        return part(context["params"][self.name], self.keys)


def part(value: Any, keys: tuple[str | int, ...]) -> Any:
    """The part of a value that the keys lead to."""
    for key in keys:
        value = value[key]
    return value


class RunState(NamedTuple):
    """How the run has gone, as far as its other tasks tell."""

    def get(self, context: Any) -> str:
        ti = context["ti"]
        found = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])
        states = found[ti.run_id].values()
        bad = {"failed", "upstream_failed"}.intersection(map(str, states))
        return "failed" if bad else "succeeded"


with DAG(
    dag_id="options",
    description="Loads the sales of a day.",
    doc_md=f"{__doc__}\nPlan {PLAN}\n",
    schedule="0 6 * * 1-5",
    start_date=pendulum.datetime(2026, 2, 28, tz="Europe/Berlin"),
    catchup=True,
    tags=["sales", "daily"],
    params={
        "query": Param("select 1", type="string"),
    },
    default_args={
        "owner": "data platform",
        "retries": 1,
        "retry_delay": timedelta(seconds=30),
        "image": "registry.example.org/team/loader:1.4",
        "volumes": [
            k8s.V1Volume(
                name="store",
                persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(
                    claim_name="penstock-store",
                ),
            ),
        ],
        "volume_mounts": [k8s.V1VolumeMount(name="store", mount_path="/data")],
        "security_context": k8s.V1PodSecurityContext(fs_group=10001),
        "cmds": ["python", "-m", "penstock_runtime", "airflow"],
        "do_xcom_push": True,
        "on_finish_action": "delete_pod",
    },
):
    # tests/golden_pipelines/options.py:40
    extract = StepOperator(
        task_id="extract",
        image="penstock-options:bf7157d09523",
        code="options:extract",
        parameters={"query": RunParam("query")},
        env={"MODE": "fast", "TEMPLATE": "{{ 7*7 }}", "SETTINGS": "prod.env"},
        secrets=[Secret("env", "WAREHOUSE_KEY", "warehouse", "password")],
        retries=3,
        retry_delay=timedelta(minutes=2),
        retry_exponential_backoff=True,
        execution_timeout=timedelta(hours=1),
        container_resources=k8s.V1ResourceRequirements(
            requests={"cpu": "2", "memory": "4Gi"},
            limits={"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "1"},
        ),
        doc_md=(
            "Reads from the warehouse.\n\n"
            "The query is one that the owner of the table knows about, since it may "
            "well take a long time."
        ),
    )

    # tests/golden_pipelines/options.py:41
    publish = StepOperator(
        task_id="publish",
        code="options:publish",
        artifacts={"data": Output("extract")},
        parameters={"place": "/sales"},
        execution_timeout=timedelta(seconds=90),
        container_resources=k8s.V1ResourceRequirements(
            requests={"cpu": "500m"},
            limits={"cpu": "500m"},
        ),
        doc_md="Writes to the place.",
    )

    # tests/golden_pipelines/options.py:42
    publish_copy = StepOperator(
        task_id="publish-copy",
        code="options:publish",
        artifacts={"data": Output("extract")},
        parameters={"place": "{{ ds }}"},
        execution_timeout=timedelta(hours=2),
        container_resources=k8s.V1ResourceRequirements(
            requests={"cpu": "500m"},
            limits={"cpu": "500m"},
        ),
        doc_md="Writes to the place.",
    )

    # tests/golden_pipelines/options.py:43
    tell = StepOperator(
        task_id="tell",
        image="penstock-options:a683096011db",
        code="options:tell",
        parameters={"message": "done"},
        env={"CHANNEL": "#sales"},
        retries=0,
    )

    # The run's entry in the store: its state, and what the pipeline returns.
    record = StepOperator(
        task_id="record",
        arguments=["end"],
    ).as_teardown()

    extract >> [publish, publish_copy]
    publish >> tell
    [publish_copy, tell] >> record
