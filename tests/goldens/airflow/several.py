# -*- coding: utf-8 -*-
"""Splits, weighs twice, compares.

Compiled by penstock from the pipeline several in tests/golden_pipelines/several.py.
Change the pipeline and compile it again; changes made here are lost.
Plan sha256:fb16427e382decfeec8a74264bc878a5231108b861cc838605c35c716271b3bc
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


def listing(*items: Any) -> Template:
    """A list of what other tasks have put out, parameters, and values."""
    templates = (
        one if isinstance(one, Template) else "{{ " + repr(json.dumps(one)) + " }}"
        for one in items
    )
    return Template(f"[{', '.join(templates)}]")


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
    dag_id="several",
    description="Splits, weighs twice, compares.",
    doc_md=__doc__,
    schedule=None,
    params={
        "text": Param("some text", type="string"),
    },
    default_args={
        "retries": 0,
        "image": "penstock-several:a683096011db",
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # tests/golden_pipelines/several.py:49
    halve = StepOperator(
        task_id="halve",
        environment=step("several:halve", params={"text": param("text")}),
    )

    # tests/golden_pipelines/several.py:50
    weigh = StepOperator(
        task_id="Weigh",
        environment=step(
            "several:Weigh",
            artifacts={"data": output("halve", "left")},
            params={"names": ["a", "b"], "weight": 0.5},
            fields=["names", "weight"],
            projections={"value.a": ["value", "a"], "value.b": ["value", "b"]},
        ),
        doc_md="Weighs data under some names.",
    )

    # tests/golden_pipelines/several.py:51
    weigh_2 = StepOperator(
        task_id="Weigh_2",
        environment=step(
            "several:Weigh",
            artifacts={"data": output("halve", "right")},
            params={"names": ["a"], "weight": 1.0},
            fields=["names", "weight"],
            projections={"value.a": ["value", "a"]},
        ),
        doc_md="Weighs data under some names.",
    )

    # tests/golden_pipelines/several.py:52
    compare = StepOperator(
        task_id="compare",
        environment=step(
            "several:compare",
            artifacts={
                "data": listing(output("halve", "left"), output("halve", "right")),
            },
            params={
                "sizes": listing(
                    output("Weigh", "value.a"),
                    output("Weigh_2", "value.a"),
                    1.5,
                    output("halve", "size"),
                ),
            },
            projections={"value.bytes": ["value", "bytes"]},
        ),
    )

    # tests/golden_pipelines/several.py:53
    publish = StepOperator(
        task_id="publish",
        environment=step(
            "several:publish",
            params={
                "total": output("compare", "value.bytes"),
                "largest": output("Weigh", "value.b"),
            },
        ),
    )

    # tests/golden_pipelines/several.py:54
    clean_up = StepOperator(
        task_id="clean_up",
        environment=step("several:clean_up"),
    )

    halve >> [weigh, weigh_2]
    [halve, weigh, weigh_2] >> compare
    [weigh, compare] >> publish
    [weigh_2, publish] >> clean_up
