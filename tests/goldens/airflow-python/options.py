# -*- coding: utf-8 -*-
"""Loads the sales of a day.

Compiled by penstock from the pipeline options in tests/golden_pipelines/options.py.
Change the pipeline and compile it again; changes made here are lost.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pendulum
from airflow.sdk import DAG, BaseHook, BaseOperator, Param

PYTHON = "/opt/ml/bin/python"
STORE = "/srv/penstock"
PLAN = "sha256:ef90b84080ec5fa989ab00ba8b45d4db195312981be4a927d933aaf1432062d1"


class StepOperator(BaseOperator):
    """Runs one step in another Python; its XCom is the JSON that the step wrote."""

    process: subprocess.Popen[str] | None = None

    def __init__(
        self,
        *,
        code: str = "",
        artifacts: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None,
        fields: list[str] | None = None,
        projections: dict[str, list[str | int]] | None = None,
        env: dict[str, str] | None = None,
        credentials: dict[str, tuple[str, str]] | None = None,
        arguments: list[str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.code, self.env = code, env or {}
        self.artifacts, self.parameters = artifacts or {}, parameters or {}
        self.fields, self.projections = fields or [], projections or {}
        self.credentials = credentials or {}
        self.arguments = arguments or []

    def execute(self, context: Any) -> Any:
        # What Airflow itself is told in variables is no business of a step.
        around = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("AIRFLOW")
        }
        secrets = {name: secret(*where) for name, where in self.credentials.items()}
        variables = around | self.env | secrets | request(self, context)
        command = [PYTHON, "-m", "penstock_runtime", "airflow", *self.arguments]
        with TemporaryDirectory() as folder:
            answer = Path(folder) / "return.json"
            self.process = subprocess.Popen(
                command,
                env={**variables, "PENSTOCK_RETURN": str(answer)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="backslashreplace",
                start_new_session=True,
            )
            try:
                for line in self.process.stdout or ():
                    self.log.info("%s", line.rstrip())
                code = self.process.wait()
            finally:
                self.on_kill()
            if code:
                raise RuntimeError(f"the step ended with exit code {code}")
            return json.loads(answer.read_text("utf-8"))

    def on_kill(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


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
    found["secrets"] = list(step.credentials)
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


def secret(conn_id: str, key: str) -> str:
    """A field of an Airflow connection, such as its password, or a key of its extra."""
    connection = BaseHook.get_connection(conn_id)
    if key in ("host", "login", "password", "port", "schema"):
        value = getattr(connection, key)
    else:
        value = connection.extra_dejson.get(key)
    if value is None:
        raise KeyError(f"the connection {conn_id} has no {key}")
    return str(value)


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
    },
):
    # tests/golden_pipelines/options.py:40
    extract = StepOperator(
        task_id="extract",
        code="options:extract",
        parameters={"query": RunParam("query")},
        env={"MODE": "fast", "TEMPLATE": "{{ 7*7 }}", "SETTINGS": "prod.env"},
        credentials={"WAREHOUSE_KEY": ("warehouse", "password")},
        retries=3,
        retry_delay=timedelta(minutes=2),
        retry_exponential_backoff=True,
        execution_timeout=timedelta(hours=1),
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
        doc_md="Writes to the place.",
    )

    # tests/golden_pipelines/options.py:42
    publish_copy = StepOperator(
        task_id="publish-copy",
        code="options:publish",
        artifacts={"data": Output("extract")},
        parameters={"place": "{{ ds }}"},
        execution_timeout=timedelta(hours=2),
        doc_md="Writes to the place.",
    )

    # tests/golden_pipelines/options.py:43
    tell = StepOperator(
        task_id="tell",
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
