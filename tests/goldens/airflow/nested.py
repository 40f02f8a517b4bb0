# -*- coding: utf-8 -*-
"""Nests two deep.

Compiled by penstock from the pipeline nested in tests/golden_pipelines/nested.py.
Change the pipeline and compile it again; changes made here are lost.
Plan sha256:06beba15faea675f918152ba754cacfbb92b428b9d0459df3562b9f40cb162b4
"""

from __future__ import annotations

import json
from typing import Any

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import DAG, Param, TaskGroup, literal
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
    dag_id="nested",
    description="Nests two deep.",
    doc_md=__doc__,
    schedule=None,
    params={
        "text": Param(" a text ", type="string"),
    },
    default_args={
        "retries": 0,
        "image": "penstock-nested:a683096011db",
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # tests/golden_pipelines/nested.py:39
    clean = StepOperator(
        task_id="clean",
        environment=step("nested:clean", params={"text": param("text")}),
    )

    # tests/golden_pipelines/nested.py:40
    with TaskGroup("both", tooltip="Measures two texts."):
        # tests/golden_pipelines/nested.py:33
        with TaskGroup("measure", tooltip="Cleans and measures a text."):
            # tests/golden_pipelines/nested.py:24
            both_measure_clean = StepOperator(
                task_id="clean",
                environment=step("nested:clean", params={"text": param("text")}),
            )

            # tests/golden_pipelines/nested.py:24
            both_measure_count = StepOperator(
                task_id="count",
                environment=step(
                    "nested:count",
                    params={"text": output("both.measure.clean")},
                ),
            )

        # tests/golden_pipelines/nested.py:33
        with TaskGroup("measure_2", tooltip="Cleans and measures a text."):
            # tests/golden_pipelines/nested.py:24
            both_measure_2_clean = StepOperator(
                task_id="clean",
                environment=step("nested:clean", params={"text": "other"}),
            )

            # tests/golden_pipelines/nested.py:24
            both_measure_2_count = StepOperator(
                task_id="count",
                environment=step(
                    "nested:count",
                    params={"text": output("both.measure_2.clean")},
                ),
            )

        # tests/golden_pipelines/nested.py:33
        both_total = StepOperator(
            task_id="total",
            environment=step(
                "nested:total",
                params={
                    "first": output("both.measure.count"),
                    "second": output("both.measure_2.count"),
                },
            ),
        )

    # tests/golden_pipelines/nested.py:40
    with TaskGroup("measure", tooltip="Cleans and measures a text."):
        # tests/golden_pipelines/nested.py:24
        measure_clean = StepOperator(
            task_id="clean",
            environment=step("nested:clean", params={"text": output("clean")}),
        )

        # tests/golden_pipelines/nested.py:24
        measure_count = StepOperator(
            task_id="count",
            environment=step("nested:count", params={"text": output("measure.clean")}),
        )

    # tests/golden_pipelines/nested.py:40
    total = StepOperator(
        task_id="total",
        environment=step(
            "nested:total",
            params={"first": output("both.total"), "second": output("measure.count")},
        ),
    )

    both_measure_clean >> both_measure_count
    both_measure_2_clean >> both_measure_2_count
    [both_measure_count, both_measure_2_count] >> both_total
    clean >> measure_clean >> measure_count
    [both_total, measure_count] >> total
