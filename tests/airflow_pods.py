"""Run by Airflow's Python: runs DAGs whose steps are pods, each pod a process of our Python.

Only `KubernetesPodOperator.execute` is replaced: it builds the pod that the cluster would get,
has its form checked by the schemas of Kubernetes, and starts the container's own command.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from airflow_run import dag_bag, named

PODS: dict[str, Any] = {}
SAID: list[str] = []
_RANDOM = re.compile(r"-[a-z0-9]{8}$")


def execute(operator: Any, context: Any) -> Any:
    """In place of a pod."""
    try:
        return started(operator, context)
    except Exception as error:
        SAID.append(f"{operator.task_id}: {error!r}")  # Airflow would only log it
        raise


def started(operator: Any, context: Any) -> Any:
    """What the step puts out for XCom."""
    pod = operator.build_pod_request_obj(context)
    plain = import_module("kubernetes.client").ApiClient().sanitize_for_serialization(pod)
    import_module("kubernetes_validate").validate(plain, "1.30", strict=True)
    PODS[f"{context['dag'].dag_id}/{named(context['ti'])}"] = without_chance(
        json.loads(json.dumps(plain))
    )
    container = next(one for one in plain["spec"]["containers"] if one["name"] == "base")
    # Kubernetes would put its own secrets in.
    env = {one["name"]: one.get("value", "a secret value") for one in container["env"]}
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "return.json"
        own = {"PENSTOCK_PATH": os.environ["STEP_PATH"], "PENSTOCK_RETURN": str(answer)}
        command = [*container["command"], *container.get("args", ())]
        done = subprocess.run(
            [os.environ["STEP_PYTHON"], *command[1:]],
            env={**env, **own},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            SAID.append(done.stderr)
            raise RuntimeError(f"{operator.task_id} exits with {done.returncode}")
        return json.loads(answer.read_text("utf-8"))


def without_chance(pod: Any) -> Any:
    """The pod without what differs from run to run, its request told as JSON."""
    metadata = pod["metadata"]
    metadata["name"] = _RANDOM.sub("-*", metadata["name"])
    metadata["labels"] = {
        key: value
        for key, value in metadata["labels"].items()
        if key in ("dag_id", "task_id", "map_index")
    }
    metadata.pop("annotations", None)
    for one in pod["spec"]["containers"][0]["env"]:
        if one["name"] == "PENSTOCK_REQUEST":
            asked = json.loads(one["value"])
            del asked["run"]
            one["value"] = asked
    return pod


def main() -> None:
    """Runs each DAG of the argument, and writes down its pods and what came out."""
    asked = json.loads(sys.argv[1])
    os.environ["STEP_PATH"] = asked["path"]
    module = import_module("airflow.providers.cncf.kubernetes.operators.pod")
    module.KubernetesPodOperator.execute = execute
    bag = dag_bag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    found: dict[str, Any] = {"errors": bag.import_errors, "runs": {}}
    for dag_id, conf in asked["runs"].items():
        run = bag.dags[dag_id].test(run_conf=conf)
        states = {named(ti): str(ti.state) for ti in run.get_task_instances()}
        found["runs"][dag_id] = {"run_id": run.run_id, "state": str(run.state), "tasks": states}
    found |= {"pods": PODS, "said": SAID}
    Path(os.environ["ANSWER"]).write_text(json.dumps(found, default=str), "utf-8")


if __name__ == "__main__":
    main()
