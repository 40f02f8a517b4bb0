"""Writes `tests/fixtures/store-1`: a small store of this version, which every later one must read.

    .venv/bin/python tests/fixture_store.py

Ids, times and names of machines are made up, so that a new one differs only in what has changed.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from local_project import Project

import penstock_local.surroundings

STORE = Path(__file__).parent / "fixtures/store-1"

FLOW = '''
@step
def load(rows: int) -> list[int]:
    print("loading", rows, "rows")
    return list(range(rows))

@step
def text(numbers: list[int]) -> bytes:
    return ",".join(map(str, numbers)).encode()

class Parts(NamedTuple):
    words: list[str]
    files: Path

@step
def parts(data: bytes) -> Parts:
    folder = Path("parts")
    (folder / "inner").mkdir(parents=True, exist_ok=True)
    (folder / "a.txt").write_bytes(data)
    (folder / "inner" / "b.txt").write_text("b")
    return Parts(data.decode().split(","), folder)

@dataclass
class Model:
    weight: float

class Fit(TrainerStep):
    rate: float = 0.5

    def run(self, data: bytes) -> Model:
        for number in range(3):
            log_metric("loss", self.rate / (number + 1), step=number)
        log_metadata({"kind": "tiny"})
        return Model(len(data) * self.rate)

class Score(EvaluatorStep):
    def run(self, model: Model, fail: str) -> Metrics:
        if fail == "raise":
            raise ValueError("no score today")
        if fail == "interrupt":
            import signal
            signal.raise_signal(signal.SIGINT)
        return Metrics(auc=model.weight / 100)

@pipeline(tags=["fixture"], owner="ada")
def flow(rows: int = 10, fail: str = "") -> Metrics:
    """Every kind of record."""
    data = text(load(rows))
    parts(data)
    with each([0.1, 0.5]) as rate:
        model = Fit(rate=rate).run(data)
    return Score().run(best(gather(model)), fail)

@step
def best(models: list[Model]) -> Model:
    return models[-1]
'''


def main() -> None:
    """Writes the store anew."""
    # Not a name by chance: it stands in the traceback of the run that fails.
    folder = Path(tempfile.gettempdir(), "penstock-fixture")
    folder.mkdir()
    try:
        write(folder)
    finally:
        shutil.rmtree(folder)


def write(folder: Path) -> None:
    """Runs the pipeline in the folder, and copies the store."""
    project = Project(folder)
    flow = project.write(FLOW, "flow")
    with contextlib.chdir(folder), made_up():
        project.run(flow)
        project.run(flow, parameters={"fail": "raise"})  # up to there, the cache has it all
        project.run(flow, parameters={"fail": "interrupt"})
        killed = project.run(flow, parameters={"fail": "no"})
        for name in ("99-end.json", "run.yaml"):
            (killed.folder / name).unlink()
    shutil.rmtree(STORE, ignore_errors=True)
    shutil.copytree(project.store, STORE)
    # It would hide the whole store from git; and git does not keep empty folders.
    (STORE / ".gitignore").unlink()
    (STORE / "tmp").rmdir()


@contextmanager
def made_up() -> Generator[None, None, None]:
    """A world in which every run of this program is the same."""
    clock = itertools.count(1_767_323_045_000_000_000, 1_000_000)
    ticks = itertools.count(1)
    dice = random.Random(1)
    at = time.gmtime
    machine = SimpleNamespace(nodename="example", machine=os.uname().machine)
    with (
        mock.patch.object(time, "time_ns", lambda: next(clock)),
        mock.patch.object(time, "time", lambda: next(clock) / 1e9),
        mock.patch.object(time, "gmtime", lambda seconds=0: at(seconds or next(clock) / 1e9)),
        mock.patch.object(time, "monotonic", lambda: next(ticks) / 1000),
        mock.patch.object(os, "urandom", dice.randbytes),
        mock.patch.object(os, "uname", lambda: machine),
        mock.patch.object(os, "getpid", lambda: 4321),
        mock.patch.object(penstock_local.surroundings, "installed", lambda: ["numpy-2.0.0"]),
        mock.patch.object(penstock_local.surroundings, "user", lambda: "ada"),
        mock.patch.object(sys, "stdout", sys.stderr),
    ):
        yield


if __name__ == "__main__":
    main()
