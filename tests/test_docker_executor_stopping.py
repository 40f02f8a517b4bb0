"""Ctrl-C, and runners that are killed: no container is left, and the run can go on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from containers_support import client, containers, engine, image_with, run_in_containers
from local_project import Project, penstock

from penstock.runner import StepStarted
from penstock_local.leftovers import runner_labels

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


SLEEPING = """
import signal

IMAGE = os.environ.get("TEST_IMAGE", "none:1")

@step(image=IMAGE)
def quick() -> int:
    return 1

@step(image=IMAGE)
def slow(n: int, stubborn: bool) -> int:
    if stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("sleeps", flush=True)
    try:
        time.sleep(0.2 if "AWAKE" in os.environ else 60)
    finally:
        print("cleaned up")
    return n

@step(image=IMAGE)
def bye(status: RunStatus) -> str:
    return status.value

@pipeline
def main(stubborn: bool = False) -> int:
    on_exit(bye())
    return slow(quick(), stubborn)
"""


SMALL = """
@step
def one() -> int:
    return 1

@pipeline
def main() -> int:
    return one()
"""


class Run:
    """`penstock run` of the pipeline in a process of its own, until its step sleeps."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.file = project.write(SLEEPING)
        self.image = image_with({self.file.stem: self.file.read_text()})
        self.lines: list[str] = []
        command = penstock("run", self.file, "--executor", "docker", "--store", project.store)
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=project.folder,
            env={**os.environ, "TEST_IMAGE": self.image},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if "sleeps" in line:
                return
        raise AssertionError("".join(self.lines))

    @property
    def awake(self) -> str:
        """The image in which the step does not sleep for long."""
        modules = {self.file.stem: self.file.read_text()}
        return image_with(modules, dockerfile="ENV AWAKE=1\n")

    def ended(self) -> tuple[int, str]:
        """The exit code, and all that was printed."""
        out, _ = self.process.communicate(timeout=60)
        return self.process.returncode, "".join(self.lines) + out


def within(seconds: float, holds: Callable[[], Any]) -> bool:
    """Whether it holds before the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_ctrl_c_lets_steps_clean_up_and_leaves_nothing(project: Project) -> None:
    run = Run(project)
    os.killpg(run.process.pid, signal.SIGINT)
    code, out = run.ended()
    assert code == 130, out
    assert "cleaned up" in out
    assert containers(store=str(project.store)) == []
    end = json.loads((project.last_run() / "99-end.json").read_bytes())
    states = {name: step["status"] for name, step in end["steps"].items()}
    assert states == {"quick": "succeeded", "slow": "cancelled", "bye": "succeeded"}
    # What was told to stop has recorded it itself.
    (record,) = project.last_run().glob("steps/slow/1/fail-*.json")
    assert json.loads(record.read_bytes())["status"] == "cancelled"

    resumed = run_in_containers(project, run.file, image=run.awake, resume=end["run"])
    assert resumed.result.state == "succeeded"
    assert "quick" not in {one.step for one in resumed.told(StepStarted)}


def test_a_second_ctrl_c_does_not_wait(project: Project) -> None:
    run = Run(project, "-p", "stubborn=true")
    began = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # the step has heard the first one, and does not care
    run.process.send_signal(signal.SIGINT)
    code, out = run.ended()
    assert code == 130, out
    assert time.monotonic() - began < 4.5
    assert "cleaned up" not in out
    assert containers(store=str(project.store)) == []


def test_what_a_killed_runner_leaves_ends_by_itself_and_is_removed(project: Project) -> None:
    run = Run(project)
    (left,) = containers(store=str(project.store))
    run.process.kill()
    run.ended()
    assert within(10, lambda: left.reload() or left.status == "exited")
    assert left.attrs["State"]["ExitCode"] == 128 + signal.SIGTERM

    # A container of a runner that lives, and one of another store.
    others = [
        client().containers.create(run.image, labels=labels)
        for labels in (
            runner_labels(str(project.store)),
            {**left.labels, "io.penstock.store": f"{project.store}-2"},
        )
    ]
    try:
        run_in_containers(
            project, "@step\ndef one() -> int: return 1\n@pipeline\ndef main(): one()"
        )
        assert [one.id for one in containers(store=str(project.store))] == [others[0].id]
        others[1].reload()
    finally:
        for one in others:
            one.remove(force=True)


def test_a_killed_run_goes_on_in_containers(project: Project) -> None:
    run = Run(project)
    run.process.kill()
    run.ended()
    folder = project.last_run()
    resume: list[str | Path] = [
        "--executor",
        "docker",
        "--store",
        project.store,
        "--resume",
        folder.name,
    ]
    awake = project.command(
        "run", run.file, *resume, "--format", "json", env={"TEST_IMAGE": run.awake}
    )
    assert awake.returncode == 0, awake.stderr
    events = [json.loads(line) for line in awake.stdout.splitlines()]
    assert events[0]["resumes"] == folder.name
    assert {one["step"] for one in events if one["event"] == "step_reused"} == {"quick"}
    assert containers(store=str(project.store)) == []


def test_nothing_is_left_when_penstock_itself_fails(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd(Exception):
        pass

    def fail(*_: object, **__: object) -> None:
        raise Odd

    monkeypatch.setattr("penstock_local.running._Run._hear", fail)
    file = project.write(SLEEPING)
    image = image_with({file.stem: file.read_text()})
    with pytest.raises(Odd):
        run_in_containers(project, file, image=image)
    assert containers(store=str(project.store)) == []
