"""Kill -9 anywhere, and go on: nothing committed is repeated, lost or torn.

A run is killed again and again, its runner, a worker or all of it at a random moment, and resumed
until it is through; sometimes two runners work on it at once. Each step notes when it
is called: never after it was committed.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from conftest import LONG
from local_project import Project, penstock

KILLS = 50 if LONG else 8
"""In each of ten tests."""
SEEDS = range(5)
WIDTH = 12

FLOW = f"""
def note(what: str) -> None:
    here = current_run()
    with open(f"{{what}}.txt", "a") as file:
        file.write(f"{{time.time_ns()}} {{here.run}} {{here.step}}\\n")

@step
def load() -> list[int]:
    note("called")
    return list(range({WIDTH}))

@step
def work(n: int) -> bytes:
    note("called")
    time.sleep(0.02)
    log_metric("n", n, step=1)
    return bytes(range(n)) * 2000

@step
def folder_of(n: int, data: bytes) -> Path:
    note("called")
    made = Path(f"made-{{os.getpid()}}-{{n}}")
    made.mkdir(exist_ok=True)
    (made / "data").write_bytes(data)
    return made

@step
def total(parts: list[bytes], folders: list[Path]) -> int:
    note("called")
    return sum(map(len, parts)) + sum((one / "data").stat().st_size for one in folders)

@pipeline
def flow() -> int:
    with each(load()) as n:
        data = work(n)
        made = folder_of(n, data)
    return total(gather(data), gather(made))
"""


class Arena:
    """A run that is killed and resumed.

    When only a worker dies its step fails, and with it the run; then a new run takes over.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.kills = 0
        self.orphans: set[int] = set()
        folder.mkdir(exist_ok=True)
        Project(folder).write(FLOW, "flow")

    @property
    def run(self) -> Path | None:
        """The folder of the newest run, once one has begun."""
        found = [one.parent for one in self.folder.glob(".penstock/runs/*/*/*/*/00-start.json")]
        return max(found, default=None, key=lambda one: one.name)

    @property
    def committed(self) -> set[str]:
        """The steps that are done."""
        return {one.parent.name for one in self.folder.glob(".penstock/runs/**/commit.json")}

    def start(self) -> subprocess.Popen[bytes]:
        """A runner: of a new run, or one that goes on with the run that there is."""
        resume = ["--resume", self.run.name] if self.run else []
        executor = self.chance.choice(["process", "process", "inline"])
        return subprocess.Popen(
            penstock("run", "flow.py", "--executor", executor, "--jobs", "2", *resume),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def kill(self, runner: subprocess.Popen[bytes]) -> None:
        """Ends a runner, one of its workers, or both, without any warning."""
        # Still, so that no worker is begun between the look and the kill.
        stop(runner.pid, signal.SIGSTOP)
        workers = list(children(runner.pid))
        self.orphans.update(workers)
        what = self.chance.choice(["runner", "worker", "all"]) if workers else "runner"
        if what != "runner":
            for worker in workers if what == "all" else workers[:1]:
                stop(worker)
        stop(runner.pid, signal.SIGCONT if what == "worker" else signal.SIGKILL)
        self.kills += 1

    def round(self, runners: int) -> bool:
        """Starts runners and kills them at some moment; whether the run is through."""
        started = [self.start() for _ in range(runners)]
        # Both while Python starts and while steps run; the clue is progress, not luck.
        seen, moment = len(self.committed), self.chance.randrange(3 * WIDTH)
        until = time.monotonic() + 20
        while time.monotonic() < until and any(one.poll() is None for one in started):
            if len(self.committed) >= seen + moment or self.chance.random() < 0.01:
                break
            time.sleep(0.005)
        for one in started:
            self.kill(one)
        for one in started:
            end(one)
        if runners == 1:
            # The workers of a runner that was killed may end their steps, and so are a second one.
            self.outlive()
        return self.ended

    def outlive(self) -> None:
        """Waits until the workers have ended that a killed runner has left."""
        until = time.monotonic() + 20
        while any(map(lives, self.orphans)):
            assert time.monotonic() < until, "a worker goes on without its runner"
            time.sleep(0.005)
        self.orphans.clear()

    @property
    def ended(self) -> bool:
        """Whether the newest run is through."""
        record = self.run / "99-end.json" if self.run else self.folder / "none"
        return record.exists() and json.loads(record.read_bytes())["status"] == "succeeded"

    def finish(self, runners: int = 1) -> None:
        """Goes on to the end."""
        for _ in range(4):
            if self.ended:
                return
            started = [self.start() for _ in range(runners)]
            for one in started:
                end(one)
        assert self.ended


def children(process: int) -> Iterator[int]:
    """The processes that a process has started, from any of its threads."""
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            text = thread.read_text()
        except OSError:
            continue
        yield from map(int, text.split())


def lives(process: int) -> bool:
    """Whether a process still runs; one that nobody has reaped does not."""
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def stop(process: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Sends a signal; a process that is gone is what we wanted."""
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return


def end(runner: subprocess.Popen[bytes]) -> None:
    """Waits for a runner; it may fail, but not with an error of penstock's own."""
    _, errors = runner.communicate(timeout=60)
    assert b"PS9" not in errors, errors.decode()
    assert b"Traceback" not in errors, errors.decode()


def repeated(arena: Arena, patience: float) -> list[str]:
    """The calls of steps that were committed before, in the run itself or one that it resumes."""
    runs = {one.name: one for one in arena.folder.glob(".penstock/runs/*/*/*/*")}
    found: list[str] = []
    for line in (arena.folder / "called.txt").read_text().splitlines():
        called, run, step = line.split()
        while run in runs:
            commit = runs[run] / "steps" / step / "commit.json"
            if commit.exists() and commit.stat().st_mtime_ns + patience * 1e9 < int(called):
                found.append(line)
            start = json.loads((runs[run] / "00-start.json").read_bytes())
            run = start.get("resume_of", "")
    return found


def outcome(arena: Arena) -> object:
    """What the run gave, without times."""
    assert arena.run is not None
    found = json.loads((arena.run / "99-end.json").read_bytes())
    assert found["status"] == "succeeded"
    digests = {
        (one["step"], one["output"]): (one["digest"], one["size"]) for one in found["artifacts"]
    }
    assert {one.parent.name for one in arena.run.glob("steps/*/commit.json")} == {*found["steps"]}
    return found["outputs"], digests, {step: one["status"] for step, one in found["steps"].items()}


def whole(store: Path) -> None:
    """Every blob is what its name says, and every record is JSON."""
    for blob in store.glob("cas/sha256/*/*"):
        name = blob.parent.name + blob.name
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == name
    for record in store.glob("runs/**/*.json"):
        json.loads(record.read_bytes())


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> object:
    """What a run gives that nobody kills."""
    arena = Arena(tmp_path_factory.mktemp("calm"), 0)
    arena.finish()
    return outcome(arena)


@pytest.mark.parametrize("runners", [1, 2])
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_repeated_lost_or_torn(
    tmp_path: Path, undisturbed: object, seed: int, runners: int
) -> None:
    kills = 0
    for number in count():
        if kills >= KILLS:
            return
        arena = Arena(tmp_path / str(number), seed * 100 + runners * 10 + number)
        before: set[str] = set()
        while kills + arena.kills < KILLS and not arena.round(runners):
            assert before <= arena.committed, "a commit was lost"
            before = arena.committed
        kills += arena.kills
        arena.finish(runners)
        # Two runners may begin a step at the same moment, and only one of them commits it.
        assert repeated(arena, patience=0.0 if runners == 1 else 0.25) == []
        assert outcome(arena) == undisturbed
        whole(arena.folder / ".penstock")
