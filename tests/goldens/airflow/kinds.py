# -*- coding: utf-8 -*-
"""Passes every kind of parameter to a step, two of them in part.

Compiled by penstock from the pipeline kinds in tests/golden_pipelines/kinds.py.
Change the pipeline and compile it again; changes made here are lost.
Plan sha256:cbabd973075c5aa6895938a63eeff76ac3d7c9d439cb3ddbcbbf1b65a8bee675
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
    dag_id="kinds",
    description="Passes every kind of parameter to a step, two of them in part.",
    doc_md=__doc__,
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
        environment=step(
            "kinds:show",
            params={
                "n": param("n"),
                "share": param("share"),
                "word": param("word"),
                "flag": param("flag"),
                "sizes": param("sizes"),
                "table": param("table"),
                "color": param("color"),
                "mode": param("mode"),
                "maybe": param("maybe"),
                "either": param("either"),
                "weight": param("table", "b"),
                "first": param("sizes", 0),
            },
        ),
        doc_md="Shows what arrived.",
    )
