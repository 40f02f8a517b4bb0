"""What runs of Airflow leave in a store: starts, commits, repeats after a clear, ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_records.checking import Checker
from penstock_records.run import Run, fold
from penstock_records.summary import summary
from penstock_runtime.local import LocalStore
from penstock_runtime.records import RunRecords, ends_in
from penstock_runtime.run_id import new_run_id, run_folder, stable_run_id

FIXTURES = str(Path(__file__).parent / "runtime_fixtures")
PLAN = "sha256:" + "1" * 64
RUN = "manual__2026-01-02T03:04:05+00:00"


class Dag:
    """Tasks of a DAG as Airflow would start them, each a process."""

    def __init__(self, folder: Path, name: str = "churn", run: str = RUN) -> None:
        self.store = LocalStore(folder / "store")
        self.name, self.airflow_run = name, run
        self.run = stable_run_id(run, name)
        self._answer = folder / "return.json"

    def variables(self, **asked: Any) -> dict[str, str]:
        """The environment of a task."""
        common = {
            "format": 1,
            "pipeline": self.name,
            "run": self.airflow_run,
            "plan": PLAN,
            "store": self.store.url,
            "parameters": {"C": 0.5},
        }
        own = {"PENSTOCK_PATH": FIXTURES, "PENSTOCK_RETURN": str(self._answer)}
        return {**os.environ, **own, "PENSTOCK_REQUEST": json.dumps({**common, **asked})}

    def task(self, step: str, attempt: int = 1, code: str = "", **inputs: Any) -> int:
        """The exit code of a step's task."""
        given = {name: {"value": value} for name, value in inputs.items()}
        asked = {"step": step, "attempt": attempt, "code": f"runtime_steps:{code or step}"}
        return self._started(self.variables(**asked, inputs=given))

    def end(self, status: str, attempt: int = 1, **outputs: Any) -> int:
        """The exit code of the last task."""
        given = {name: {"value": value} for name, value in outputs.items()}
        asked = {"step": "record", "attempt": attempt, "status": status, "outputs": given}
        return self._started(self.variables(**asked), "end")

    def _started(self, env: dict[str, str], *more: str) -> int:
        command = [sys.executable, "-m", "penstock_runtime", "airflow", *more]
        return subprocess.run(command, env=env, capture_output=True, check=False).returncode

    def answer(self) -> Any:
        """What the last task has put out."""
        return json.loads(self._answer.read_text())

    def folded(self) -> Run:
        """The run as readers see it; the store is whole."""
        assert list(Checker(self.store, lambda done, total: None).problems()) == []
        return fold(self.store, self.run)


@pytest.fixture
def dag(tmp_path: Path) -> Dag:
    return Dag(tmp_path)


def test_the_first_step_writes_the_start_and_the_last_task_the_end(dag: Dag) -> None:
    assert dag.task("double", n=3) == 0
    found = dag.folded()
    assert (found.status, found.pipeline) == ("running", "churn")
    assert found.start is not None
    assert (found.start.backend, found.start.plan) == ("airflow", PLAN)
    assert found.start.parameters == {"C": 0.5}
    assert (found.start.model_extra or {})["orchestrator_run"] == RUN
    assert dag.task("other", code="double", n=4) == 0
    assert dag.end("succeeded", value=8) == 0
    found = dag.folded()
    assert found.status == "succeeded"
    assert [(one.step, one.status) for one in found.steps] == [
        ("double", "succeeded"),
        ("other", "succeeded"),
    ]
    assert found.end is not None
    assert found.end.outputs == {"value": {"value": 8}}
    short = summary(dag.store, dag.run)
    assert (short.status, short.backend, short.done, short.steps) == ("succeeded", "airflow", 2, 2)


def test_a_failed_run_tells_what_failed(dag: Dag) -> None:
    assert dag.task("double", n="x") == 2
    assert dag.task("double", 2, n="x") == 2
    assert dag.end("failed") == 0
    found = dag.folded()
    assert found.status == "failed"
    [step] = found.steps
    assert (step.status, step.attempts) == ("failed", 2)
    assert step.error is not None and "'n'" in step.error.message


def test_a_cleared_step_runs_again_and_its_new_outputs_count(dag: Dag) -> None:
    assert dag.task("double", n=3) == 0
    assert dag.end("succeeded", value=6) == 0
    first = dag.folded()
    assert dag.task("double", 2, n=5) == 0
    assert dag.answer() == {"value": 10}
    assert dag.end("succeeded", 2, value=10) == 0
    found = dag.folded()
    [step] = found.steps
    assert step.outputs == {"value": {"value": 10}}
    assert step.attempts == 2
    assert found.end is not None and found.end.outputs == {"value": {"value": 10}}
    assert first.end is not None and first.end.outputs == {"value": {"value": 6}}
    assert summary(dag.store, dag.run).status == "succeeded"


def test_the_same_attempt_twice_has_one_winner(dag: Dag) -> None:
    for n in (3, 5):
        assert dag.task("double", 1, n=n) == 0
        assert dag.answer() == {"value": 6}
    for n in (5, 7):
        assert dag.task("double", 2, n=n) == 0
        assert dag.answer() == {"value": 10}


def test_equal_runs_of_two_dags_and_two_runs_of_one_are_apart(tmp_path: Path) -> None:
    dags = [
        Dag(tmp_path, name, run)
        for name in ("churn", "other")
        for run in (
            RUN,
            "scheduled__2026-01-02T03:04:05+00:00",
            "backfill__2026-01-02T03:04:05+00:00",
            "asset_triggered__2026-01-02T03:04:05.1+00:00",
            "mine",
        )
    ]
    assert len({one.run for one in dags}) == len(dags)
    for number, one in enumerate(dags):
        assert one.task("double", n=number) == 0
        assert one.answer() == {"value": 2 * number}
    for number, one in enumerate(dags):
        [step] = one.folded().steps
        assert step.outputs == {"value": {"value": 2 * number}}


def test_a_retry_sees_nothing_of_an_attempt_that_was_killed(dag: Dag, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    given = {"mark": {"value": str(mark)}}
    asked = {"step": "waits", "attempt": 1, "code": "runtime_steps:waits", "inputs": given}
    command = [sys.executable, "-m", "penstock_runtime", "airflow"]
    with subprocess.Popen(command, env=dag.variables(**asked), stderr=subprocess.DEVNULL) as task:
        deadline = time.monotonic() + 30
        while not mark.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        task.send_signal(signal.SIGKILL)
    assert dag.folded().step("waits") is not None
    assert dag.task("waits", 2, code="double", n=2) == 0
    step = dag.folded().step("waits")
    assert step is not None
    assert (step.status, step.attempts, step.outputs) == ("succeeded", 2, {"value": {"value": 4}})


def test_a_run_that_waits_for_its_turn_is_not_lost(dag: Dag) -> None:
    assert dag.task("double", n=3) == 0
    _age(Path(dag.store.url), 3600)
    assert fold(dag.store, dag.run).status == "running"
    _age(Path(dag.store.url), 2 * 86_400)
    assert fold(dag.store, dag.run).status == "lost"
    assert summary(dag.store, dag.run).status == "lost"


def _age(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    for file in folder.rglob("*"):
        os.utime(file, (then, then))


@given(st.permutations([1, 2, 3]), st.permutations([1, 2]))
def test_the_last_attempt_counts_in_whatever_order_they_come(
    attempts: list[int], ends: list[int]
) -> None:
    with TemporaryDirectory() as folder:
        store, run = LocalStore(Path(folder)), new_run_id()
        records = RunRecords(store, run)
        for attempt in attempts:
            facts = _commit(attempt)
            if not records.commit("fit", facts):
                assert records.commit_again("fit", attempt, facts)
        latest = records.latest("fit")
        assert latest is not None and latest["attempt"] == 3
        [step] = fold(store, run).steps
        assert step.outputs == {"value": {"value": 3}}
        for end in ends:
            facts = {"pipeline": "x", "status": "succeeded", "backend": "airflow"}
            if not records.end(facts):
                records.end_again(end, facts)
        names = ends_in(store.names(run_folder(run)))
        assert names[0] == "99-end.json" and len(names) == 2


def _commit(attempt: int) -> dict[str, Any]:
    return {
        "step": "fit",
        "attempt": attempt,
        "code": "m:f",
        "status": "succeeded",
        "inputs": {},
        "outputs": {"value": {"value": attempt}},
        "orchestrator_run": RUN,
    }
