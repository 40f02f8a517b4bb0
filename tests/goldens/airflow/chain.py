# -*- coding: utf-8 -*-
"""Makes rows and counts them.

Compiled by penstock from the pipeline chain in tests/golden_pipelines/chain.py.
Change the pipeline and compile it again; changes made here are lost.
Plan sha256:eaacd683a2dd1fed519b1d898aa3d2226bbb1279650d831c6c96fa9c42d1247c
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
    dag_id="chain",
    description="Makes rows and counts them.",
    doc_md=__doc__,
    schedule=None,
    params={
        "rows": Param(3, type="integer"),
    },
    default_args={
        "retries": 0,
        "image": "penstock-chain:a683096011db",
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # tests/golden_pipelines/chain.py:26
    make = StepOperator(
        task_id="make",
        environment=step("chain:make", params={"rows": param("rows")}),
        doc_md="Makes some rows.",
    )

    # tests/golden_pipelines/chain.py:26
    count = StepOperator(
        task_id="count",
        environment=step("chain:count", artifacts={"data": output("make")}),
        doc_md="Counts them again.",
    )

    # tests/golden_pipelines/chain.py:26
    report = StepOperator(
        task_id="report",
        environment=step(
            "chain:report",
            params={"total": output("count"), "title": "rows"},
        ),
    )

    make >> count >> report
