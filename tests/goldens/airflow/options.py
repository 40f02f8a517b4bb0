# -*- coding: utf-8 -*-
"""Loads the sales of a day.

Compiled by penstock from the pipeline options in tests/golden_pipelines/options.py.
Change the pipeline and compile it again; changes made here are lost.
Plan sha256:ef90b84080ec5fa989ab00ba8b45d4db195312981be4a927d933aaf1432062d1
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pendulum
from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import DAG, Connection, Param, literal
from docker.types import DeviceRequest, Mount

STORE = "/data/penstock"


class StepOperator(DockerOperator):
    """Runs one step in a container; its XCom is the JSON that the step wrote."""

    # DockerOperator reads retrieve_output_path with this; its own choice is pickle.
    pickling_library = json

    def __init__(
        self, *, secrets: dict[str, tuple[str, str]] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.secrets = secrets or {}

    def execute(self, context: Any) -> Any:
        # Only now: Airflow keeps and shows what the templates of a task gave.
        values = {name: secret(*where) for name, where in self.secrets.items()}
        self.environment = {**self.environment, **values}
        return super().execute(context)


def secret(conn_id: str, key: str) -> str:
    """A field of an Airflow connection, such as its password, or a key of its extra."""
    connection = Connection.get(conn_id)
    if key in ("host", "login", "password", "port", "schema"):
        value = getattr(connection, key)
    else:
        value = connection.extra_dejson.get(key)
    if value is None:
        raise KeyError(f"the connection {conn_id} has no {key}")
    return str(value)


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
    dag_id="options",
    description="Loads the sales of a day.",
    doc_md=__doc__,
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
        "mounts": [Mount(target="/data", source="penstock-store", type="volume")],
        "command": ["python", "-m", "penstock_runtime", "airflow"],
        "auto_remove": "force",  # also where a step is stopped by its timeout
        "mount_tmp_dir": False,
        "retrieve_output": True,
        "retrieve_output_path": "/airflow/xcom/return.json",
    },
):
    # tests/golden_pipelines/options.py:40
    extract = StepOperator(
        task_id="extract",
        image="penstock-options:bf7157d09523",
        environment=step(
            "options:extract",
            params={"query": param("query")},
            env={"MODE": "fast", "TEMPLATE": "{{ 7*7 }}", "SETTINGS": "prod.env"},
        ),
        secrets={"WAREHOUSE_KEY": ("warehouse", "password")},
        retries=3,
        retry_delay=timedelta(minutes=2),
        retry_exponential_backoff=True,
        execution_timeout=timedelta(hours=1),
        cpus=2,
        mem_limit="4g",
        device_requests=[DeviceRequest(count=1, capabilities=[["gpu"]])],
        doc_md=(
            "Reads from the warehouse.\n\n"
            "The query is one that the owner of the table knows about, since it may "
            "well take a long time."
        ),
    )

    # tests/golden_pipelines/options.py:41
    publish = StepOperator(
        task_id="publish",
        environment=step(
            "options:publish",
            artifacts={"data": output("extract")},
            params={"place": "/sales"},
        ),
        execution_timeout=timedelta(seconds=90),
        cpus=0.5,
        doc_md="Writes to the place.",
    )

    # tests/golden_pipelines/options.py:42
    publish_copy = StepOperator(
        task_id="publish-copy",
        environment=step(
            "options:publish",
            artifacts={"data": output("extract")},
            params={"place": "{{ ds }}"},
        ),
        execution_timeout=timedelta(hours=2),
        cpus=0.5,
        doc_md="Writes to the place.",
    )

    # tests/golden_pipelines/options.py:43
    tell = StepOperator(
        task_id="tell",
        image="penstock-options:a683096011db",
        environment=step(
            "options:tell",
            params={"message": "done"},
            env={"CHANNEL": "#sales"},
        ),
        retries=0,
    )

    extract >> [publish, publish_copy]
    publish >> tell
