# -*- coding: utf-8 -*-
"""Passes every kind of parameter to a step, two of them in part.

Compiled by penstock from the pipeline kinds in tests/golden_pipelines/kinds.py.
Change the pipeline and compile it again; changes made here are lost.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import DAG, Asset, Param
from docker.types import Mount

STORE = "/data/penstock"
PLAN = "sha256:cbabd973075c5aa6895938a63eeff76ac3d7c9d439cb3ddbcbbf1b65a8bee675"


class StepOperator(DockerOperator):
    """Runs one step in a container; its XCom is the JSON that the step wrote."""

    # DockerOperator reads retrieve_output_path with this; its own choice is pickle.
    pickling_library = json

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
        self.environment = self.env | request(self, context)
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
    dag_id="kinds",
    description="Passes every kind of parameter to a step, two of them in part.",
    doc_md=f"{__doc__}\nPlan {PLAN}\n",
    schedule=None,
    params={
        "n": Param(
            4,
            type="integer",
            minimum=1,
            maximum=100,
            multipleOf=2,
            description="how many",
        ),
        "share": Param(0.5, type="number", exclusiveMinimum=0, exclusiveMaximum=1),
        "word": Param(
            "plain",
            type="string",
            minLength=1,
            maxLength=20,
            pattern="^[a-z]+$",
        ),
        "flag": Param(True, type="boolean"),
        "sizes": Param([1, 2], type="array", items={"type": "integer"}, minItems=1),
        "table": Param(
            {"a": 0.5, "b": 2.0},
            type="object",
            additionalProperties={"type": "number"},
        ),
        "color": Param("blue", type="string", enum=["red", "blue"]),
        "mode": Param("fast", type="string", enum=["fast", "slow"]),
        "maybe": Param(None, type=["integer", "null"]),
        "either": Param("five", type=["integer", "string"]),
    },
    default_args={
        "retries": 0,
        "image": "penstock-kinds:a683096011db",
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # tests/golden_pipelines/kinds.py:62
    show = StepOperator(
        task_id="show",
        code="kinds:show",
        parameters={
            "n": RunParam("n"),
            "share": RunParam("share"),
            "word": RunParam("word"),
            "flag": RunParam("flag"),
            "sizes": RunParam("sizes"),
            "table": RunParam("table"),
            "color": RunParam("color"),
            "mode": RunParam("mode"),
            "maybe": RunParam("maybe"),
            "either": RunParam("either"),
            "weight": RunParam("table", keys=("b",)),
            "first": RunParam("sizes", keys=(0,)),
        },
        outlets=[Asset("penstock://kinds/value")],
        doc_md="Shows what arrived.",
    )

    # The run's entry in the store: its state, and what the pipeline returns.
    record = StepOperator(
        task_id="record",
        command=["python", "-m", "penstock_runtime", "airflow", "end"],
        parameters={"value": Output("show")},
    ).as_teardown()

    show >> record
