# -*- coding: utf-8 -*-
"""Tells benign from malignant tumours.

Compiled by penstock from the pipeline breast_cancer in examples/breast_cancer.py.
Change the pipeline and compile it again; changes made here are lost.
Plan sha256:629ea21182fad7a4135aadf4b5aec81db0f5306035b6699e81a82057b57b48de
"""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import DAG, Param, literal
from docker.types import Mount

STORE = "/data/penstock"


class StepOperator(DockerOperator):
    """Runs one step in a container; its XCom is the JSON that the step wrote."""

    # DockerOperator reads retrieve_output_path with this; its own choice is pickle.
    pickling_library = json


class Template(str):
    """Text that Airflow renders before a step starts."""


def param(name: str, *keys: str | int) -> Template:
    """A parameter of the run, or the part of it that the keys lead to."""
    path = "".join(f"[{key!r}]" for key in (name, *keys))
    return Template("{{ params" + path + " | tojson }}")


def output(task_id: str, name: str = "value") -> Template:
    """What another task has put out under a name."""
    xcom = f"ti.xcom_pull(task_ids={task_id!r})[{name!r}]"
    return Template("{{ " + xcom + " | tojson }}")


def step(
    code: str,
    *,
    artifacts: dict[str, Template] | None = None,
    params: dict[str, Any] | None = None,
    fields: list[str] | None = None,
    projections: dict[str, list[str | int]] | None = None,
    env: dict[str, str] | None = None,
) -> dict[str, Any]:
    """The environment of a step: what it runs, and its inputs as JSON.

    Airflow renders the templates; every other value arrives as it is written here.
    """
    environment: dict[str, Any] = {
        "PENSTOCK_CODE": literal(code),
        "PENSTOCK_STORE": literal(STORE),
        "PENSTOCK_PIPELINE": "{{ dag.dag_id }}",
        "PENSTOCK_RUN": "{{ run_id }}",
        "PENSTOCK_STEP": "{{ ti.task_id }}",
        "PENSTOCK_ATTEMPT": "{{ ti.try_number }}",
    }
    for name, template in (artifacts or {}).items():
        environment[f"PENSTOCK_ARTIFACT_{name}"] = template
    for name, value in (params or {}).items():
        if not isinstance(value, Template):
            value = literal(json.dumps(value))
        environment[f"PENSTOCK_PARAM_{name}"] = value
    if fields:
        environment["PENSTOCK_FIELDS"] = ",".join(fields)
    if projections:
        environment["PENSTOCK_PROJECTIONS"] = literal(json.dumps(projections))
    for name, text in (env or {}).items():
        environment[name] = literal(text)
    return environment


with DAG(
    dag_id="breast_cancer",
    description="Tells benign from malignant tumours.",
    doc_md=__doc__,
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
        environment=step("breast_cancer:Load"),
        doc_md="Reads the measurements, one row for each patient.",
    )

    # examples/breast_cancer.py:105
    divide = StepOperator(
        task_id="Divide",
        environment=step(
            "breast_cancer:Divide",
            artifacts={"data": output("Load")},
            params={"test_share": 0.25, "seed": 7},
            fields=["test_share", "seed"],
        ),
        doc_md=(
            "Keeps a share of the patients apart, with the same proportion of benign "
            "cases."
        ),
    )

    # examples/breast_cancer.py:106
    scale = StepOperator(
        task_id="Scale",
        environment=step(
            "breast_cancer:Scale",
            artifacts={
                "train": output("Divide", "train"),
                "test": output("Divide", "test"),
            },
        ),
        doc_md="Scales every measurement by what the training patients show.",
    )

    # examples/breast_cancer.py:107
    train = StepOperator(
        task_id="Train",
        environment=step(
            "breast_cancer:Train",
            artifacts={"train": output("Scale", "train")},
            params={"C": param("C")},
            fields=["C"],
        ),
        cpus=1,
        mem_limit="1g",
        doc_md="Fits a logistic regression.",
    )

    # examples/breast_cancer.py:108
    evaluate = StepOperator(
        task_id="Evaluate",
        environment=step(
            "breast_cancer:Evaluate",
            artifacts={"model": output("Train"), "test": output("Scale", "test")},
            projections={"value.auc": ["value", "auc"]},
        ),
        doc_md="Judges the model by patients that it has not seen.",
    )

    # examples/breast_cancer.py:109
    decide = StepOperator(
        task_id="decide",
        environment=step(
            "breast_cancer:decide",
            params={"auc": output("Evaluate", "value.auc"), "floor": param("floor")},
        ),
        doc_md="Says whether the model is good enough to be used.",
    )

    load >> divide >> scale >> train
    [scale, train] >> evaluate >> decide
