"""Run by Airflow's Python: runs DAGs with `dag.test()`, each container a process of our Python.

Only `DockerOperator.execute` is replaced: it starts the operator's own command with its own
environment, as Airflow rendered it, and returns what the step wrote for XCom.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

SEEN: dict[str, dict[str, Any]] = {}


def execute(operator: Any, context: Any) -> Any:
    """In place of a container."""
    assert operator.command[0] == "python", operator.command
    assert operator.retrieve_output and operator.pickling_library is json
    wrong = {key: value for key, value in operator.environment.items() if type(value) is not str}
    assert not wrong, wrong
    task = f"{context['dag'].dag_id}/{named(context['ti'])}"
    SEEN[task] = {
        "image": operator.image,
        "environment": dict(operator.environment),
        "mounts": [dict(mount) for mount in operator.mounts],
    }
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "return.json"
        done = subprocess.run(
            [os.environ["STEP_PYTHON"], *operator.command[1:]],
            env={
                **operator.environment,
                "PENSTOCK_PATH": os.environ["STEP_PATH"],
                "PENSTOCK_RETURN": str(answer),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        SEEN[task]["log"] = done.stdout + done.stderr
        if done.returncode:
            message = f"{task} exits with {done.returncode}: {done.stderr}"
            print(message)
            raise RuntimeError(message)
        return operator.pickling_library.loads(answer.read_text("utf-8"))


def named(ti: Any) -> str:
    """The name of a task instance, with its place among those of a mapped task."""
    return ti.task_id if ti.map_index < 0 else f"{ti.task_id}[{ti.map_index}]"


def rendered(ti: Any) -> Any:
    """What Airflow keeps of the rendered fields and shows to people."""
    fields = import_module("airflow.models.renderedtifields").RenderedTaskInstanceFields
    return fields.get_templated_fields(ti)


def dag_bag(folder: str) -> Any:
    """Every DAG of a folder."""
    try:
        module = import_module("airflow.dag_processing.dagbag")
    except ImportError:  # Airflow 2
        module = import_module("airflow.models.dagbag")
    return module.DagBag(folder)


def main() -> None:
    """Runs each DAG of the argument, `{dag id: conf}`, and writes down what came out."""
    asked = json.loads(sys.argv[1])
    os.environ["STEP_PATH"] = asked["path"]
    import_module("airflow.providers.docker.operators.docker").DockerOperator.execute = execute
    bag = dag_bag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    found: dict[str, Any] = {"errors": bag.import_errors, "runs": {}}
    for dag_id, conf in asked["runs"].items():
        run = bag.dags[dag_id].test(run_conf=conf)
        tasks = {
            named(ti): {
                "state": str(ti.state),
                "tries": ti.try_number,
                "xcom": ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index),
                "rendered": rendered(ti),
                **SEEN.get(f"{dag_id}/{named(ti)}", {}),
            }
            for ti in run.get_task_instances()
        }
        state = getattr(run.state, "value", run.state)
        found["runs"][dag_id] = {"state": str(state), "run_id": run.run_id, "tasks": tasks}
    Path(os.environ["ANSWER"]).write_text(json.dumps(found, default=str), "utf-8")


if __name__ == "__main__":
    main()
