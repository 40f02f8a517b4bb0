# -*- coding: utf-8 -*-
"""Tells benign from malignant tumours.

Compiled by penstock from the pipeline breast_cancer in examples/breast_cancer.py.
Change the pipeline and compile it again; changes made here are lost.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import DAG, Asset, Param
from docker.types import Mount

STORE = "/data/penstock"
PLAN = "sha256:629ea21182fad7a4135aadf4b5aec81db0f5306035b6699e81a82057b57b48de"


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
    dag_id="breast_cancer",
    description="Tells benign from malignant tumours.",
    doc_md=f"{__doc__}\nPlan {PLAN}\n",
    schedule=None,
    tags=["example", "health"],
    params={
        "C": Param(
            1.0,
            type="number",
            exclusiveMinimum=0,
            description="inverse strength of regularisation",
        ),
        "floor": Param(
            0.95,
            type="number",
            minimum=0,
            maximum=1,
            description="the AUC that a model needs",
        ),
    },
    default_args={
        "owner": "ml-team",
        "retries": 0,
        "image": "penstock-breast-cancer:149307e798b6",
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # examples/breast_cancer.py:105
    load = StepOperator(
        task_id="Load",
        code="breast_cancer:Load",
        doc_md="Reads the measurements, one row for each patient.",
    )

    # examples/breast_cancer.py:105
    divide = StepOperator(
        task_id="Divide",
        code="breast_cancer:Divide",
        artifacts={"data": Output("Load")},
        parameters={"test_share": 0.25, "seed": 7},
        fields=["test_share", "seed"],
        doc_md=(
            "Keeps a share of the patients apart, with the same proportion of benign "
            "cases."
        ),
    )

    # examples/breast_cancer.py:106
    scale = StepOperator(
        task_id="Scale",
        code="breast_cancer:Scale",
        artifacts={
            "train": Output("Divide", "train"),
            "test": Output("Divide", "test"),
        },
        doc_md="Scales every measurement by what the training patients show.",
    )

    # examples/breast_cancer.py:107
    train = StepOperator(
        task_id="Train",
        code="breast_cancer:Train",
        artifacts={"train": Output("Scale", "train")},
        parameters={"C": RunParam("C")},
        fields=["C"],
        cpus=1,
        mem_limit="1g",
        doc_md="Fits a logistic regression.",
    )

    # examples/breast_cancer.py:108
    evaluate = StepOperator(
        task_id="Evaluate",
        code="breast_cancer:Evaluate",
        artifacts={"model": Output("Train"), "test": Output("Scale", "test")},
        projections={"value.auc": ["value", "auc"]},
        doc_md="Judges the model by patients that it has not seen.",
    )

    # examples/breast_cancer.py:109
    decide = StepOperator(
        task_id="decide",
        code="breast_cancer:decide",
        parameters={"auc": Output("Evaluate", "value.auc"), "floor": RunParam("floor")},
        outlets=[Asset("penstock://breast_cancer/value")],
        doc_md="Says whether the model is good enough to be used.",
    )

    # The run's entry in the store: its state, and what the pipeline returns.
    record = StepOperator(
        task_id="record",
        command=["python", "-m", "penstock_runtime", "airflow", "end"],
        parameters={"value": Output("decide")},
    ).as_teardown()

    load >> divide >> scale >> train >> evaluate >> decide
    decide >> record
