"""What a step logs is kept: from its threads, while it goes on, and when the store fails."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from local_project import Project

from penstock_runtime import context, current_run, log_metadata, log_metric
from penstock_runtime.context import ActiveRun, active
from penstock_runtime.errors import StoreError

Points = list[dict[str, Any]]


class Sink:
    """Keeps what it is given, unless it is told to fail."""

    def __init__(self) -> None:
        self.batches: list[Points] = []
        self.fails = False

    def __call__(self, points: Points) -> None:
        if self.fails:
            raise StoreError("the store is away")
        self.batches.append(points)

    def steps(self) -> list[list[int]]:
        """The step numbers of each batch."""
        return [[one["step"] for one in batch] for batch in self.batches]


def test_points_are_handed_on_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_FLUSH_POINTS", 3)
    sink = Sink()
    with active(ActiveRun("r", "s", sink=sink)) as run:
        for number in range(7):
            log_metric("loss", 0.5, number)
        assert sink.steps() == [[0, 1, 2], [3, 4, 5]]
        monkeypatch.setattr(context, "_FLUSH_SECONDS", 0.0)
        log_metric("loss", 0.5, 7)
        assert sink.steps()[2:] == [[6, 7]]
        run.flush()
    assert len(sink.batches) == 3


def test_a_store_that_fails_meanwhile_ends_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_FLUSH_POINTS", 2)
    sink = Sink()
    with active(ActiveRun("r", "s", sink=sink)) as run:
        sink.fails = True
        for number in range(3):
            log_metric("loss", 0.5, number)
        with pytest.raises(StoreError):
            run.flush()
        sink.fails = False
        log_metric("loss", 0.5, 3)
        assert sink.steps() == [[0, 1, 2, 3]]


def test_threads_of_a_step_log_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_FLUSH_POINTS", 10)
    sink = Sink()
    with active(ActiveRun("r", "s", sink=sink)) as run:

        def log(first: int) -> None:
            assert current_run() is run
            for number in range(first, first + 500):
                log_metric("loss", 0.5, number)
            log_metadata({str(first): True})

        threads = [threading.Thread(target=log, args=(500 * n,)) for n in range(8)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        run.flush()
    assert sorted(number for batch in sink.steps() for number in batch) == [*range(4000)]
    assert len(run.metadata) == 8


CRASH = """
import multiprocessing

def elsewhere(n: int) -> None:
    log_metric("lost", n, step=n)

@step
def forks() -> None:
    child = multiprocessing.get_context("fork").Process(target=elsewhere, args=(1,))
    child.start()
    child.join()

@step
def dies() -> None:
    from penstock_runtime import context
    context._FLUSH_SECONDS = 0.0
    log_metric("loss", 0.5, step=1)
    context._FLUSH_SECONDS = 10.0
    log_metric("loss", 0.25, step=2)
    os.kill(os.getpid(), 9)

@step
def raises() -> None:
    log_metric("loss", 0.5, step=1)
    raise ValueError

@pipeline
def crash():
    forks()
    dies()

@pipeline
def error():
    raises()
"""


def test_what_was_handed_on_outlives_a_crash(tmp_path: Path) -> None:
    project = Project(tmp_path)
    file = project.write(CRASH)
    done = project.command("run", f"{file}:crash", "--store", project.store, "-j1")
    assert done.returncode == 1
    assert "step 'forks': what a child process logs is not recorded" in done.stdout
    curves = list(project.last_run().glob("metrics/*.jsonl"))
    assert [one.name.partition("-")[0] for one in curves] == ["dies"]
    text = curves[0].read_text()
    assert '"step":1' in text.replace(" ", "")
    assert '"step":2' not in text.replace(" ", "")


@pytest.mark.parametrize("executor", ["inline", "process"])
def test_a_step_that_fails_keeps_all_it_logged(tmp_path: Path, executor: str) -> None:
    project = Project(tmp_path)
    file = project.write(CRASH)
    done = project.command("run", f"{file}:error", "--store", project.store, "--executor", executor)
    assert done.returncode == 1
    (curve,) = project.last_run().glob("metrics/raises-1-*.jsonl")
    assert json.loads(curve.read_text().splitlines()[0])["value"] == 0.5
