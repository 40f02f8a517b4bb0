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
    task = f"{context['dag'].dag_id}/{operator.task_id}"
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
            raise RuntimeError(f"{task} exits with {done.returncode}: {done.stderr}")
        return operator.pickling_library.loads(answer.read_text("utf-8"))


def rendered(ti: Any) -> Any:
    """What Airflow keeps of the rendered fields and shows to people."""
    fields = import_module("airflow.models.renderedtifields").RenderedTaskInstanceFields
    return fields.get_templated_fields(ti)


def main() -> None:
    """Runs each DAG of the argument, `{dag id: conf}`, and writes down what came out."""
    asked = json.loads(sys.argv[1])
    os.environ["STEP_PATH"] = asked["path"]
    import_module("airflow.providers.docker.operators.docker").DockerOperator.execute = execute
    bag = import_module("airflow.dag_processing.dagbag").DagBag(
        os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
    )
    found: dict[str, Any] = {"errors": bag.import_errors, "runs": {}}
    for dag_id, conf in asked["runs"].items():
        run = bag.dags[dag_id].test(run_conf=conf)
        tasks = {
            ti.task_id: {
                "state": str(ti.state),
                "tries": ti.try_number,
                "xcom": ti.xcom_pull(task_ids=ti.task_id),
                "rendered": rendered(ti),
                **SEEN.get(f"{dag_id}/{ti.task_id}", {}),
            }
            for ti in run.get_task_instances()
        }
        state = getattr(run.state, "value", run.state)
        found["runs"][dag_id] = {"state": str(state), "run_id": run.run_id, "tasks": tasks}
    Path(os.environ["ANSWER"]).write_text(json.dumps(found, default=str), "utf-8")


if __name__ == "__main__":
    main()
