"""Run by Airflow's Python: imports all DAG files and tells what Airflow made of them."""

from __future__ import annotations

import json
import os
from importlib import import_module
from pathlib import Path
from typing import Any, cast


def task_of(task: Any) -> dict[str, Any]:
    """What the tests look at; tasks of Airflow's own kinds have no image or limits."""
    # A mapped task is no operator yet: it has what it will be made of.
    own = cast("dict[str, Any]", getattr(task, "partial_kwargs", None) or vars(task))
    given = {**task.dag.default_args, **own}
    delay, limit = task.retry_delay, task.execution_timeout
    gpus: list[Any] = given.get("device_requests") or []
    return {
        "upstream": sorted(task.upstream_task_ids),
        "group": task.task_group.group_id if task.task_group else None,
        "doc": task.doc_md,
        "image": given.get("image"),
        "retries": task.retries,
        "retry_delay": delay.total_seconds(),
        "backoff": bool(task.retry_exponential_backoff),
        "timeout": limit.total_seconds() if limit else None,
        "owner": task.owner,
        "cpus": given.get("cpus"),
        "mem_limit": given.get("mem_limit"),
        "gpus": [request["Count"] for request in gpus],
        "auto_remove": given.get("auto_remove"),
        "mounts": [dict(mount) for mount in given.get("mounts", ())],
        "rule": str(getattr(task.trigger_rule, "value", task.trigger_rule)),
        "teardown": bool(getattr(task, "is_teardown", False)),
        "outlets": [one.uri for one in task.outlets],
        "at_once": task.max_active_tis_per_dagrun,
    }


def main() -> None:
    """Writes the answer as JSON where the caller wants it."""
    bag = import_module("airflow.dag_processing.dagbag").DagBag(
        os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
    )
    serializer = import_module("airflow.serialization.serialized_objects").DagSerialization
    stability = import_module("airflow.utils.dag_version_inflation_checker")
    dags: dict[str, Any] = {}
    for name, dag in bag.dags.items():
        plain = serializer.to_dict(dag)
        back = serializer.from_dict(plain)
        dags[name] = {
            "file": Path(dag.fileloc).name,
            "description": dag.description,
            "doc": dag.doc_md,
            "tags": sorted(dag.tags),
            "catchup": dag.catchup,
            "start": dag.start_date.isoformat() if dag.start_date else None,
            "timezone": str(dag.timezone),
            "schemas": {name: dag.params.get_param(name).schema for name in dag.params},
            "params": dict(back.params.dump()),
            "tasks": {task.task_id: task_of(task) for task in dag.tasks},
            "backoff": {task.task_id: task.retry_exponential_backoff for task in back.tasks},
            "unstable": [
                str(one) for one in stability.check_dag_file_stability(dag.fileloc).warnings
            ],
        }
    answer = {"errors": {Path(file).name: text for file, text in bag.import_errors.items()}}
    Path(os.environ["ANSWER"]).write_text(json.dumps({**answer, "dags": dags}), "utf-8")


if __name__ == "__main__":
    main()
