# -*- coding: utf-8 -*-
"""Compiled by penstock from the pipeline hello in examples/hello.py.
Change the pipeline and compile it again; changes made here are lost.
Plan sha256:be2aa8d58a47f9571e4c39fffc0c855b33631f5bdfed7cd90f13b619f018622b
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
    dag_id="hello",
    doc_md=__doc__,
    schedule=None,
    params={
        "name": Param("world", type="string"),
    },
    default_args={
        "retries": 0,
        "image": "penstock-hello:a683096011db",
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # examples/hello.py:18
    greet = StepOperator(
        task_id="greet",
        environment=step("hello:greet", params={"name": param("name")}),
    )

    # examples/hello.py:18
    shout = StepOperator(
        task_id="shout",
        environment=step("hello:shout", params={"text": output("greet")}),
    )

    greet >> shout
