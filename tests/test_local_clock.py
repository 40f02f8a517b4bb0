"""A machine whose clock is a day off, or jumps by a day: runs, records and lists stay right."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import pytest
from local_project import Project, penstock

BOTH = pytest.mark.parametrize("executor", ["inline", "process"])
OFFSETS = ("+24h", "-24h")

FLOW = """
def jump(offset: str) -> None:
    if offset:
        Path(os.environ["FAKETIME_TIMESTAMP_FILE"]).write_text(offset)

@step(timeout=20)
def first(offset: str) -> float:
    before = time.time()
    jump(offset)
    return time.time() - before

@step(retries=Retry(1, delay=0.2), timeout=20)
def second(there: float, offset: str) -> float:
    log_metric("loss", 1.0, step=1)
    if not Path("tried").exists():
        Path("tried").touch()
        jump(offset)
        raise RuntimeError("not yet")
    log_metric("loss", 0.5, step=2)
    return there

@step
def third(there: float) -> int:
    if Path("fail").exists():
        raise RuntimeError("no")
    return 3

@pipeline
def flow(there: str = "", back: str = "") -> int:
    return third(second(first(there), back))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write(FLOW, "flow")
    return made


def clock(project: Project, offset: str) -> dict[str, str]:
    """What sets the wall clock of a process and its children off; steps can change it again."""
    file = project.folder / "clock"
    file.write_text(offset)
    found = find_spec("libfaketime")
    assert found is not None and found.origin is not None
    library = Path(found.origin).parent / "vendor" / "libfaketime" / "src"
    return {
        "LD_PRELOAD": str(library / "libfaketime.so.1"),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def run(project: Project, *words: str | Path, offset: str = "") -> Any:
    """The folder of a new run in the project's store."""
    before = set(project.store.glob("runs/*/*/*/*"))
    env = clock(project, offset) if offset else {}
    arguments = ("run", "flow.py", "--store", project.store, "--no-cache", *words)
    done = project.command(*arguments, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    found = set(project.store.glob("runs/*/*/*/*")) - before
    return found.pop() if found else None


def records(folder: Path) -> list[dict[str, Any]]:
    """All records of a run but what is in its metrics."""
    return [json.loads(one.read_bytes()) for one in sorted(folder.rglob("*.json"))]


def durations(record: Any) -> list[float]:
    """Every duration inside a record."""
    if not isinstance(record, dict):
        return []
    found: list[float] = []
    for name, value in cast("dict[str, Any]", record).items():
        if name == "durations":
            found += value.values()
        elif name == "seconds":
            found.append(value)
        else:
            found += durations(value)
    return found


def sane(folder: Path) -> None:
    """A whole run whose durations are those of a short run, whatever the clock said."""
    assert json.loads((folder / "99-end.json").read_text())["status"] == "succeeded"
    found = [one for record in records(folder) for one in durations(record)]
    assert len(found) > 8
    assert all(0 <= one < 60 for one in found)


@BOTH
@pytest.mark.parametrize("offset", OFFSETS)
def test_a_clock_that_jumps_while_a_run_goes_on(
    project: Project, executor: str, offset: str
) -> None:
    back = "-24h" if offset == "+24h" else "+24h"
    folder = run(
        project, "-p", f"there={offset}", "-p", f"back={back}", "--executor", executor, offset="+0"
    )
    sane(folder)
    end = json.loads((folder / "99-end.json").read_text())
    commit = json.loads((folder / "steps" / "first" / "commit.json").read_text())
    assert abs(commit["outputs"]["value"]["value"]) > 80_000  # it has really jumped
    assert list(end["steps"]) == ["first", "second", "third"]
    assert {name: one["attempts"] for name, one in end["steps"].items()} == {
        "first": 1,
        "second": 2,
        "third": 1,
    }
    shown = project.command("show", folder.name, "--store", project.store)
    assert shown.returncode == 0, shown.stderr
    assert not re.search(r"-\d+(\.\d+)? (ms|s|min|h)\b", shown.stdout), shown.stdout
    assert "lost" not in shown.stdout


def test_runs_of_machines_that_disagree_share_a_store(project: Project) -> None:
    folders = [run(project, "--executor", "inline", offset=one) for one in ("", *OFFSETS, "")]
    for folder in folders:
        sane(folder)
    listed = project.command("runs", "--store", project.store, "--format", "json")
    assert listed.returncode == 0, listed.stderr
    found = [one["run"] for one in json.loads(listed.stdout)]
    # By the time that each writer believed in; those of one clock in their true order.
    now, ahead, behind, later = (one.name for one in folders)
    assert found == [ahead, later, now, behind]
    assert project.command("fsck", "--store", project.store).returncode == 0


@pytest.mark.parametrize(("first", "second"), [OFFSETS, OFFSETS[::-1]])
def test_a_run_is_resumed_by_a_machine_of_another_time(
    project: Project, first: str, second: str
) -> None:
    (project.folder / "fail").touch()
    arguments = ("run", "flow.py", "--store", project.store)
    assert project.command(*arguments, env=clock(project, first)).returncode == 1
    (project.folder / "fail").unlink()
    (run_id,) = (one.name for one in project.store.glob("runs/*/*/*/*"))
    resumed = project.command(*arguments, "--resume", run_id, env=clock(project, second))
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    steps = list(project.store.glob("runs/*/*/*/*/steps/first/*/start-*.json"))
    assert len(steps) == 1
    assert project.command("show", run_id, "--store", project.store).returncode == 0


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_run_of_a_machine_of_another_time_is_not_lost(project: Project, offset: str) -> None:
    project.write(
        "@step\ndef s() -> None:\n    time.sleep(60)\n\n@pipeline\ndef p():\n    s()\n", "p"
    )
    running = subprocess.Popen(
        penstock("run", "p.py", "--store", project.store),
        cwd=project.folder,
        env=os.environ | clock(project, offset),
        stdout=subprocess.DEVNULL,
    )
    try:
        while not any(project.store.glob("runs/*/*/*/*/steps/s/1/start-*.json")):
            assert running.poll() is None
            time.sleep(0.02)
        listed = project.command("runs", "--store", project.store, "--format", "json")
        (one,) = json.loads(listed.stdout)
        assert one["status"] == "running"
    finally:
        running.terminate()
        assert running.wait(20) == 130
