"""Runs DAG files in the real Airflow, in an environment of its own; steps run in ours.

Starting Airflow takes seconds, so one process looks at or runs as many files as there are.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.3", "2.11")


def environment(version: str = "3.3") -> Path:
    """The environment of an Airflow; fails where `make airflow` has not made it."""
    found = ROOT / f".envs/airflow-{version}"
    if not (found / "bin/python").exists() or not (found / "home-template/airflow.db").exists():
        pytest.fail(f"no Airflow in {found.relative_to(ROOT)}: run `make airflow` first")
    return found


def in_airflow(
    program: str,
    files: Mapping[str, str],
    home: Path,
    argument: Any = None,
    *,
    version: str = "3.3",
    variables: Mapping[str, str] | None = None,
    seconds: float = 300,
) -> Any:
    """What a program puts out as `result(...)`, with these DAG files in the DAGs folder.

    `program` is a file beside this one; it reads `argument` as JSON from its command line.
    """
    airflow = environment(version)
    folder = home / "dags"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    shutil.copy(airflow / "home-template/airflow.db", home / "airflow.db")
    answer = home / "answer.json"
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PATH": f"{airflow / 'bin'}:{os.environ['PATH']}",
        "PYTHONWARNINGS": "ignore",
        "STEP_PYTHON": sys.executable,
        "ANSWER": str(answer),
        **(variables or {}),
    }
    done = subprocess.run(
        [airflow / "bin/python", ROOT / "tests" / program, json.dumps(argument)],
        env=env,
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    if done.returncode or not answer.exists():
        pytest.fail(f"Airflow says:\n{done.stdout[-6000:]}{done.stderr[-6000:]}", pytrace=False)
    return json.loads(answer.read_text("utf-8"))


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[], Any]) -> Any:
    """What `make` gives, as JSON; of several pytest workers one makes it and the others read it."""
    base = factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept = folder / f"{name}.json"
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            kept.write_text(json.dumps(make()), "utf-8")
    return json.loads(kept.read_text("utf-8"))
