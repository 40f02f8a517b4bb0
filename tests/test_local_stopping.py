"""A step that takes too long, and a run that is stopped: nothing of them is left running."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import LONG
from local_project import Project, penstock

from penstock.runner import StepFailed
from penstock_local import inline, pool
from penstock_local.executors import Job
from penstock_local.pool import ProcessExecutor

BOTH = pytest.mark.parametrize("executor", ["inline", "process"])
MARK = "STOPPED_WITH_IT"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """What everything that this test starts has in its environment; it is ended at last."""
    monkeypatch.setenv(MARK, str(tmp_path))
    mark = f"{MARK}={tmp_path}\0"
    yield mark
    end(mark)


def end(mark: str) -> None:
    """Ends what still runs."""
    for process in left(mark):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def left(mark: str) -> dict[int, str]:
    """The processes that still run, with their command lines; a zombie does not."""
    found: dict[int, str] = {}
    for one in Path("/proc").glob("[0-9]*"):
        try:
            state = (one / "stat").read_text().rpartition(")")[2].split()[0]
            if state not in "ZX" and mark.encode() in (one / "environ").read_bytes():
                found[int(one.name)] = (one / "cmdline").read_text().replace("\0", " ")
        except OSError:  # it is over, or another user's
            continue
    return found


def none_left(mark: str) -> bool:
    """Whether nothing runs any more; ends take a moment to be seen."""
    until = time.monotonic() + 5
    while left(mark) and time.monotonic() < until:
        time.sleep(0.02)
    return not left(mark)


STUBBORN = """
import itertools, signal

def start(*words: str) -> None:
    os.spawnvp(os.P_NOWAIT, words[0], words)

def children() -> None:
    start("sleep", "1000")
    start("setsid", "sleep", "1000")
    start("sh", "-c", "trap '' TERM; sleep 1000; sleep 1000")
    start("sh", "-c", "sleep 1000 & sleep 1000")

@step(timeout=1)
def slow(how: str) -> None:
    children()
    if how == "ignores":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if how == "catches":
        try:
            time.sleep(1000)
        except BaseException:
            print("not me")
    if how == "stuck":
        sum(itertools.repeat(0))  # in C, where no signal handler runs
    time.sleep(1000)

@pipeline
def stubborn(how: str):
    slow(how)
"""


@pytest.mark.parametrize(
    ("executor", "how"),
    [
        *(("process", how) for how in ("sleeps", "ignores", "catches", "stuck")),
        *(("inline", how) for how in ("sleeps", "ignores", "catches")),
    ],
)
def test_a_timeout_ends_the_step_and_its_children(
    project: Project, mark: str, monkeypatch: pytest.MonkeyPatch, executor: str, how: str
) -> None:
    for module in (pool, inline):
        monkeypatch.setattr(module, "GRACE_SECONDS", 0.3)
    before = signal.getsignal(signal.SIGTERM)
    ran = project.run(STUBBORN, executor, {"how": how})
    signal.signal(signal.SIGTERM, before)
    assert ran.result.state == "failed"
    (failed,) = ran.told(StepFailed)
    assert failed.message == "step 'slow' took longer than 1 s"
    assert 1 <= failed.seconds < 4
    assert none_left(mark), left(mark)
    assert ran.record("99-end.json")["status"] == "failed"
    records = [json.loads(one.read_text()) for one in ran.folder.glob("steps/slow/1/fail-*.json")]
    assert failed.message in [one["error"]["message"] for one in records]


def test_a_worker_that_was_told_to_stop_gets_no_other_step(project: Project) -> None:
    ran = project.run(
        """
        @step(timeout=0.5)
        def late() -> int:
            try:
                time.sleep(1000)
            except SystemExit:
                return os.getpid()
            return 0

        @step
        def later(other: int) -> bool:
            return os.getpid() == other

        @pipeline
        def caught():
            later(late())
        """,
        "process",
        jobs=1,
    )
    assert ran.result.state == "succeeded"
    assert ran.value("later") is False


def test_a_worker_that_died_idle_costs_no_attempt(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, killed = ProcessExecutor.start, list[int]()

    def kill_and_start(self: ProcessExecutor, job: Job) -> None:
        for worker in self._workers:  # pyright: ignore[reportPrivateUsage] - to be killed
            if worker.used:
                worker.process.kill()
                killed.append(worker.process.wait())
        start(self, job)

    monkeypatch.setattr(ProcessExecutor, "start", kill_and_start)
    ran = project.run(
        """
        @step
        def add(n: int) -> int:
            return n + 1

        @pipeline
        def chain():
            add(add(add(0)))
        """,
        "process",
        jobs=1,
    )
    assert killed == [-signal.SIGKILL] * 2
    assert [(one.state, one.attempts) for one in ran.result.steps] == [("succeeded", 1)] * 3


LONG_RUN = """
import subprocess

@step
def items(n: int) -> list[int]:
    return list(range(n))

@step
def work(i: int) -> bytes:
    subprocess.Popen(["sleep", "1000"])
    time.sleep(0.05)
    return bytes([i]) * 100_000

@step
def total(parts: list[bytes]) -> int:
    return sum(map(len, parts))

@pipeline
def long():
    with each(items(8)) as i:
        part = work(i)
    return total(gather(part))
"""


@BOTH
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_can_be_stopped_at_any_moment(
    project: Project, mark: str, executor: str, number: signal.Signals
) -> None:
    project.write(LONG_RUN, "long_run")
    moments = random.Random(f"{executor} {number}")
    outcomes: list[str] = []
    for _ in range(40 if LONG else 4):
        store = project.folder / f"store{len(outcomes)}"
        outcomes.append(stopped(project, store, executor, number, moments.uniform(0.0, 0.6)))
        if executor == "process" or outcomes[-1] == "cancelled":
            assert none_left(mark), left(mark)
        end(mark)  # inline, what steps leave running outlives a run that succeeded
        whole(store)
        if outcomes[-1] == "cancelled":
            (run,) = (one.name for one in store.glob("runs/*/*/*/*"))
            again = project.command("run", "long_run.py", "--store", store, "--resume", run)
            assert again.returncode == 0, again.stdout + again.stderr
            assert "800000" in again.stdout
    assert "cancelled" in outcomes


def stopped(
    project: Project, store: Path, executor: str, number: signal.Signals, wait: float
) -> str:
    """How a run ended that was stopped so many seconds after its first record."""
    with open(project.folder / "out", "w+") as out:
        running = subprocess.Popen(
            penstock("run", "long_run.py", "--executor", executor, "--jobs", "2", "--store", store),
            cwd=project.folder,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    while not any(store.glob("runs/*/*/*/*/00-start.json")):
        assert running.poll() is None
        time.sleep(0.005)
    time.sleep(wait)
    running.send_signal(number)
    running.wait(30)
    said = (project.folder / "out").read_text()
    assert "Traceback" not in said
    (end,) = store.glob("runs/*/*/*/*/99-end.json")
    state = str(json.loads(end.read_text())["status"])
    assert running.returncode in ((130,) if state == "cancelled" else (0, -number)), said
    return state


def whole(store: Path) -> None:
    """Every blob is what its name says, and every record is JSON."""
    for one in store.glob("cas/sha256/*/*"):
        assert hashlib.sha256(one.read_bytes()).hexdigest() == one.parent.name + one.name
    for one in store.glob("runs/**/*.json"):
        assert isinstance(json.loads(one.read_text()), dict)
    assert not os.listdir(store / "tmp")
