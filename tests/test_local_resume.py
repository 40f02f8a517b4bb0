"""Going on with a run that failed, was stopped or was killed."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from local_project import Project, penstock

from penstock_runtime.opening import open_store
from penstock_runtime.records import RunRecords

FLOW = """
def once(name: str) -> None:
    with open("ran.txt", "a") as file:
        file.write(name + "\\n")

@step(cache=False)
def first(n: int) -> int:
    once("first")
    return n + 1

@step(cache=False)
def second(n: int) -> int:
    once("second")
    if Path("broken").exists():
        raise ValueError("broken")
    if Path("kill").exists():
        import signal
        os.kill(os.getppid() if Path("parent").exists() else os.getpid(), signal.SIGKILL)
        time.sleep(60)
    return n * 10

@step
def effect(n: int) -> None:
    once("effect")

@step
def bye(status: RunStatus) -> None:
    once("bye " + status.value)

@pipeline
def flow(n: int, m: int = 1) -> int:
    x = first(n)
    effect(x)
    y = second(x)
    on_exit(bye())
    return y
"""


class Flow:
    """One file that can be made to fail in its second step."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder)
        self.folder = folder
        self.project.write(FLOW, "flow")
        self.store = open_store(str(folder / ".penstock"))

    def set(self, *names: str) -> None:
        """What the second step finds."""
        for name in ("broken", "kill", "parent"):
            (self.folder / name).unlink(missing_ok=True)
        for name in names:
            (self.folder / name).touch()

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """`penstock run flow.py …`."""
        done = self.project.command("run", "flow.py", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    @property
    def ran(self) -> list[str]:
        """What has run so far, in its order."""
        return (self.folder / "ran.txt").read_text().split("\n")[:-1]

    @property
    def runs(self) -> list[Path]:
        """The folders of all runs, the oldest first."""
        found = (self.folder / ".penstock").glob("runs/*/*/*/*")
        return sorted(found, key=lambda one: one.name)

    def record(self, run: Path, name: str) -> Any:
        """A record of a run."""
        return json.loads((run / name).read_bytes())


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    return Flow(tmp_path)


def test_a_failed_run_is_taken_over_by_a_new_one(flow: Flow) -> None:
    flow.set("broken")
    failed = flow.run("-p", "n=4", "--executor", "inline", code=1)
    (old,) = flow.runs
    assert f"go on with: penstock run flow.py --resume {old.name}" in failed.stdout

    flow.set()
    done = flow.run("--executor", "inline", "--resume", old.name[-8:])
    assert f"resumes {old.name}" in done.stdout
    assert "reused  first  it was done before (run " in done.stdout
    # Not even what has no result to reuse is repeated; the end of each run is its own.
    assert flow.ran == [
        *("first", "effect", "second", "bye failed"),
        *("second", "bye succeeded"),
    ]
    new = flow.runs[-1]
    assert new != old
    assert flow.record(new, "00-start.json")["resume_of"] == old.name
    assert flow.record(new, "00-start.json")["parameters"] == {"n": 4, "m": 1}
    commit = flow.record(new, "steps/effect/commit.json")
    assert commit["reused"] == {"run": old.name, "step": "effect"}
    assert commit["cache"]["state"] == "resumed"
    assert flow.record(new, "99-end.json")["outputs"] == {"value": {"value": 50}}


@pytest.mark.parametrize("executor", ["inline", "process"])
def test_a_killed_run_goes_on_under_its_own_name(flow: Flow, executor: str) -> None:
    flow.set("kill", *(["parent"] if executor == "process" else []))
    flow.run("-p", "n=4", "--executor", executor, code=-signal.SIGKILL)
    (run,) = flow.runs
    assert not (run / "99-end.json").exists()

    flow.set()
    done = flow.run("--executor", executor, "--resume", "latest")
    assert f"run {run.name}, 4 steps, goes on" in done.stdout
    assert flow.runs == [run]
    assert (
        sorted(flow.ran) == sorted(["first", "effect", "second", "second", "bye succeeded"])
        or flow.ran.count("effect") == 2
    )  # it may have been under way when all was killed
    assert flow.ran.count("first") == 1
    assert flow.record(run, "99-end.json")["status"] == "succeeded"
    assert flow.record(run, "99-end.json")["outputs"] == {"value": {"value": 50}}
    (note,) = (run / "notes").iterdir()
    assert "resumed" in json.loads(note.read_bytes())
    assert "environment:" in (run / "run.yaml").read_text()


def test_a_stopped_run_says_how_to_go_on(flow: Flow) -> None:
    flow.project.write(
        FLOW.replace('once("second")', 'once("second"); print("go", flush=True); time.sleep(60)'),
        "flow",
    )
    command = penstock("run", "flow.py", "-p", "n=1", "--jobs", "1")
    with subprocess.Popen(command, cwd=flow.folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "second | go" in line:
                process.send_signal(signal.SIGINT)
                break
        rest = process.stdout.read()
    assert process.returncode == 130
    (run,) = flow.runs
    assert f"go on with: penstock run flow.py --resume {run.name}" in rest
    assert flow.record(run, "99-end.json")["status"] == "cancelled"

    flow.project.write(FLOW, "flow")
    done = flow.run("--resume", run.name)
    assert "reused  first  it was done before (run " in done.stdout
    assert flow.ran.count("first") == flow.ran.count("effect") == 1


def test_an_edit_of_what_is_done_is_told_but_not_repeated(flow: Flow) -> None:
    flow.set("broken")
    flow.run("-p", "n=4", "--executor", "inline", code=1)
    flow.project.write(FLOW.replace("return n + 1", "return n + 2"), "flow")
    flow.set()
    done = flow.run("--executor", "inline", "--resume", "latest")
    assert "reused  first  it was done before; its code has changed since (run " in done.stdout
    assert flow.ran.count("first") == 1


def test_a_killed_run_of_a_changed_pipeline_is_taken_over(flow: Flow) -> None:
    flow.set("kill")
    flow.run("-p", "n=4", "--executor", "inline", code=-signal.SIGKILL)
    flow.project.write(FLOW.replace("    effect(x)\n", ""), "flow")
    flow.set()
    done = flow.run("--executor", "inline", "--resume", "latest")
    assert "note: the pipeline has changed since run" in done.stdout
    assert len(flow.runs) == 2
    assert flow.ran.count("first") == 1


def test_an_input_that_is_only_equal_is_another(flow: Flow) -> None:
    text = FLOW.replace("def first(n: int)", "def first(n: float)").replace(
        "return n + 1", "return 1"
    )
    flow.project.write(text.replace("first(n)", "first(0.0)"), "flow")
    flow.set("broken")
    flow.run("-p", "n=4", "--executor", "inline", code=1)
    flow.project.write(text.replace("first(n)", "first(-0.0)"), "flow")
    flow.set()
    flow.run("--executor", "inline", "--resume", "latest")
    assert flow.ran.count("first") == 2


def test_a_killed_run_that_lost_an_artifact_is_taken_over(tmp_path: Path) -> None:
    flow = Flow(tmp_path)
    text = FLOW.replace("def first(n: int) -> int", "def first(n: int) -> bytes")
    text = text.replace("return n + 1", "return b'x' * n").replace(
        "(n: int) -> None", "(n: bytes) -> None"
    )
    text = text.replace("def second(n: int) -> int", "def second(n: bytes) -> int")
    flow.project.write(text.replace("return n * 10", "return len(n) * 10"), "flow")
    flow.set("kill")
    flow.run("-p", "n=5", "--executor", "inline", code=-signal.SIGKILL)
    flow.set()
    committed = RunRecords(flow.store, flow.runs[0].name).committed("first")
    assert committed is not None
    flow.store.remove_blob(committed["outputs"]["value"]["artifact"]["digest"])
    done = flow.run("--executor", "inline", "--resume", "latest")
    assert "note: a new run goes on from run" in done.stdout
    assert flow.ran.count("first") == 2
    assert flow.record(flow.runs[-1], "99-end.json")["outputs"] == {"value": {"value": 50}}


def test_a_failed_run_can_be_resumed_twice(flow: Flow) -> None:
    flow.set("broken")
    flow.run("-p", "n=4", "--executor", "inline", code=1)
    flow.run("--executor", "inline", "--resume", "latest", code=1)
    flow.set()
    flow.run("--executor", "inline", "--resume", "latest")
    assert flow.ran.count("first") == 1
    assert flow.ran.count("second") == 3
    assert len(flow.runs) == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--resume", "0000-no-run"], "there is no run '0000-no-run' in the store"),
        (["--resume", "abc"], "'abc' is too short to name a run"),
        (["--resume", "latest"], "has succeeded: there is nothing to resume"),
        (
            ["--resume", "LAST", "-p", "m=2"],
            "has another m, and a resumed run keeps its parameters",
        ),
        (["--resume", "LAST", "-p", "k=2"], "has no parameter 'k'"),
    ],
)
def test_a_wrong_resumption_is_told_in_one_sentence(
    flow: Flow, arguments: list[str], sentence: str
) -> None:
    if "LAST" in arguments:
        flow.set("broken")
    flow.run("-p", "n=4", "--executor", "inline", code=1 if "LAST" in arguments else 0)
    run = flow.runs[-1].name
    words = [run if one == "LAST" else one for one in arguments]
    done = flow.run("--executor", "inline", *words, code=2)
    assert sentence in done.stderr
    assert len(flow.runs) == 1


def test_another_pipeline_cannot_go_on_with_it(flow: Flow) -> None:
    flow.set("broken")
    flow.run("-p", "n=4", "--executor", "inline", code=1)
    flow.project.write(FLOW.replace("def flow(", "def other("), "flow")
    done = flow.run("--executor", "inline", "--resume", "latest", code=2)
    assert "is one of 'flow', not of 'other'" in done.stderr


def test_resuming_without_a_store_is_told(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(FLOW, "flow")
    done = project.command("run", "flow.py", "--resume", "latest")
    assert done.returncode == 1
    assert "is not a penstock store" in done.stderr
    assert not (tmp_path / ".penstock").exists()


def test_an_attempt_after_a_kill_has_a_number_of_its_own(flow: Flow) -> None:
    said = 'once("second")'
    text = FLOW.replace(said, f"{said}; log_metric('loss', 1.0, step=1)")
    old = "@step(cache=False)\ndef second"
    flow.project.write(text.replace(old, "@step(cache=False, retries=1)\ndef second"), "flow")
    flow.set("kill")
    flow.run("-p", "n=4", "--executor", "inline", code=-signal.SIGKILL)
    flow.set("broken")
    done = flow.run("--executor", "inline", "--resume", "latest", code=1)
    # The killed attempt is no retry: one is left.
    assert "start   second, attempt 2" in done.stdout
    assert "start   second, attempt 3" in done.stdout
    (run,) = flow.runs
    curves = sorted(one.name for one in (run / "metrics").iterdir())
    assert curves == ["second-2-0.jsonl", "second-3-0.jsonl"]
