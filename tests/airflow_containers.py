"""Run by Airflow's Python: runs DAGs with `dag.test()` and real containers on the real engine."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from airflow_run import dag_bag, named


def main() -> None:
    """Runs each DAG of the argument, `{dag id: [conf, ...]}`, and writes down what came out."""
    asked = json.loads(sys.argv[1])
    bag = dag_bag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    found: dict[str, Any] = {"errors": bag.import_errors, "runs": {}}
    for dag_id, confs in asked.items():
        found["runs"][dag_id] = [ran(bag.dags[dag_id], conf) for conf in confs]
    Path(os.environ["ANSWER"]).write_text(json.dumps(found, default=str), "utf-8")


def ran(dag: Any, conf: Any) -> dict[str, Any]:
    """One run: its state, and those of its tasks, with what they put out."""
    run = dag.test(run_conf=conf)
    tasks = {
        named(ti): {
            "state": str(getattr(ti.state, "value", ti.state)),
            "tries": ti.try_number,
            "xcom": ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index),
        }
        for ti in run.get_task_instances()
    }
    state = getattr(run.state, "value", run.state)
    return {"state": str(state), "run_id": run.run_id, "tasks": tasks}


if __name__ == "__main__":
    main()
