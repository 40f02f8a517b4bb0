"""`penstock run` as users meet it: real processes, exit codes, signals, files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from local_project import Project, penstock

HELLO = """
@step
def hello(name: str, times: int = 1) -> str:
    print("saying hello")
    return f"hello {name} " * times

@dataclass
class Model:
    text: str
    depth: int

class Score(EvaluatorStep):
    def run(self, model: Model, test: bytes) -> Metrics:
        return Metrics(auc=0.75)

class Train(TrainerStep):
    depth: int = 3
    def run(self, text: str) -> Model:
        return Model(text, self.depth)

@step
def data() -> bytes:
    return b"12345"

@pipeline(schedule="0 6 * * 1", tags=["demo"])
def greet(name: str, fail: bool = False):
    model = Train(depth=2).run(hello(name))
    return Score().run(model, data())
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write(HELLO, "greet")
    return made


def test_a_run_shows_its_progress_and_what_it_made(project: Project) -> None:
    done = project.command("run", "greet.py", "-p", "name=World")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("greet: run ")
    assert "note: the schedule '0 6 * * 1' is not kept: you start a local run" in lines
    assert "hello | saying hello" in lines
    assert any(line.startswith("done    Score") for line in lines)
    assert any(line.split() == ["Score", "auc", "0.75"] for line in lines)
    assert any(line.split()[:4] == ["data", "bytes", "5", "B"] for line in lines)
    assert "\x1b" not in done.stdout

    assert lines[-1].endswith(" (the code is not in git)")
    folder = Path(lines[-1].removeprefix("recorded in ").partition(" (")[0])
    assert folder == project.last_run(project.folder / ".penstock")
    assert (project.folder / ".penstock" / ".gitignore").read_text() == "*\n"
    start = json.loads((folder / "00-start.json").read_text())
    assert start["parameters"] == {"name": "World", "fail": False}
    assert start["backend"] == "local"
    digest = project.command("ir", "greet.py", "--digest").stdout.strip()
    assert start["plan"] == digest
    plan = project.folder / ".penstock" / "plans" / f"{digest.removeprefix('sha256:')}.json"
    assert json.loads(plan.read_text())["name"] == "greet"
    end = json.loads((folder / "99-end.json").read_text())
    assert end["status"] == "succeeded"
    assert end["metrics"] == {"Score": {"auc": 0.75}}
    assert {one["step"] for one in end["artifacts"]} == {"Train", "Score", "data"}
    twin = yaml.safe_load((folder / "run.yaml").read_text())
    assert twin["parameters"]["name"] == "World"
    assert twin["status"] == "succeeded"
    assert twin["steps"]["Train"]["status"] == "succeeded"


def test_dry_run_prints_the_plan_and_runs_nothing(project: Project) -> None:
    done = project.command("run", "greet.py", "-p", "name=World", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "greet:Train(depth=2, text=hello)" in done.stdout
    assert "penstock-greet:" in done.stdout
    assert "the schedule" in done.stdout
    assert not (project.folder / ".penstock").exists()
    plan = json.loads(
        project.command("run", "greet.py", "-pname=x", "--dry-run", "--format=json").stdout
    )
    assert [one["step"] for one in plan["steps"]] == ["hello", "Train", "data", "Score"]
    assert plan["parameters"] == {"name": "x", "fail": False}


@pytest.mark.parametrize("executor", ["inline", "process"])
def test_json_lines_hold_every_event_and_nothing_else(project: Project, executor: str) -> None:
    done = project.command("run", "greet.py", "-pname=x", "--format=json", "--executor", executor)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [one["event"] for one in events]
    assert kinds[0] == "run_started"
    assert kinds[-1] == "run_finished"
    assert kinds.count("step_succeeded") == 4
    if executor == "process":
        assert {"event": "step_line", "step": "hello", "line": "saying hello"} in events
    else:
        assert "saying hello" in done.stderr
    assert events[-1]["state"] == "succeeded"
    steps = {one["step"]: one for one in events[-1]["steps"]}
    assert steps["hello"]["outputs"] == {"value": {"value": "hello x "}}
    assert steps["data"]["outputs"]["value"]["artifact"]["size"] == 5
    assert steps["Score"]["metrics"] == {"auc": 0.75}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["greet.py"], "needs a value for parameter 'name'"),
        (["greet.py", "-p", "nam=x"], "did you mean 'name'?"),
        (["missing.py"], "does not exist"),
        (["greet.py", "-pname=x", "--jobs", "0"], "jobs"),
        (["greet.py", "-pname=x", "--executor", "cloud"], "cloud"),
    ],
)
def test_wrong_usage_is_exit_code_2(project: Project, arguments: list[str], message: str) -> None:
    done = project.command("run", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failing_step_is_exit_code_1_with_the_users_traceback(project: Project) -> None:
    project.write(
        """
        @step
        def bad() -> int:
            print("one clue")
            raise KeyError("lost")

        @step
        def after_it(n: int) -> None: ...

        @pipeline
        def failing():
            after_it(bad())
        """,
        "failing",
    )
    done = project.command("run", "failing.py", "--quiet")
    assert done.returncode == 1
    assert "    one clue" in done.stdout
    assert '    raise KeyError("lost")' in done.stdout
    assert "KeyError: 'lost'" in done.stdout
    assert "penstock_runtime" not in done.stdout
    assert "not run: after_it" in done.stdout


SLEEPER = """
@step
def quick() -> int:
    return 1

@step
def sleeps(n: int) -> None:
    Path("started").write_text(str(os.getpid()))
    try:
        time.sleep(300)
    finally:
        Path("finally").touch()

@step
def never(n: int) -> None: ...

@step
def bye(status: RunStatus) -> None:
    Path("status").write_text(status.value)

@pipeline
def long():
    n = quick()
    never.options(after=[sleeps(n)])(n)
    on_exit(bye())
"""


@pytest.mark.parametrize("executor", ["inline", "process"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_is_recorded_and_leaves_no_process(
    project: Project, executor: str, number: signal.Signals
) -> None:
    project.write(SLEEPER, "sleeper")
    running = subprocess.Popen(
        penstock("run", "sleeper.py", "--executor", executor),
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    step = int(_appeared(project.folder / "started"))
    running.send_signal(number)
    out, _ = running.communicate(timeout=30)

    assert running.returncode == 130, out
    assert "stopped sleeps" in out
    assert "Traceback" not in out
    assert (project.folder / "finally").exists()
    assert (project.folder / "status").read_text() == "cancelled"
    with pytest.raises(ProcessLookupError):
        os.kill(step, 0)
    folder = project.last_run(project.folder / ".penstock")
    end = json.loads((folder / "99-end.json").read_text())
    assert end["status"] == "cancelled"
    assert {name: one["status"] for name, one in end["steps"].items()} == {
        "quick": "succeeded",
        "sleeps": "cancelled",
        "bye": "succeeded",
        "never": "not run",
    }


def test_workers_end_when_the_runner_is_killed(project: Project) -> None:
    project.write(SLEEPER, "sleeper")
    running = subprocess.Popen(
        penstock("run", "sleeper.py"), cwd=project.folder, stdout=subprocess.DEVNULL
    )
    step = int(_appeared(project.folder / "started"))
    running.kill()
    running.wait()
    assert _appeared(project.folder / "finally") == ""
    for _ in range(500):
        stat = Path(f"/proc/{step}/stat")
        if not stat.exists() or stat.read_text().split()[2] == "Z":
            return
        time.sleep(0.02)
    pytest.fail("the worker still runs")


def _appeared(file: Path) -> str:
    for _ in range(1500):
        if file.exists() and (file.name == "finally" or file.read_text()):
            return file.read_text()
        time.sleep(0.02)
    raise AssertionError(f"{file.name} never came")


def test_a_compiled_pipeline_runs_from_its_yaml(project: Project) -> None:
    compiled = project.command("compile", "greet.py", "--to", "local", "-o", ".")
    assert compiled.returncode == 0, compiled.stderr
    done = project.command("run", "greet.yaml", "-pname=x", "--format=json")
    assert done.returncode == 0, done.stderr
    final = json.loads(done.stdout.splitlines()[-1])
    assert final["state"] == "succeeded"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("os:system", "os:system is not code of the project"),
        ("greet:os.system", "defines no 'os.system'"),
        ("pandas:read_pickle", "there is no module 'pandas'"),
        ("greet:missing", "defines no 'missing'"),
        ("outside:run", "there is no module 'outside'"),
    ],
)
def test_foreign_yaml_imports_only_code_of_the_project(
    project: Project, tmp_path_factory: pytest.TempPathFactory, code: str, message: str
) -> None:
    outside = tmp_path_factory.mktemp("elsewhere") / "outside.py"
    outside.write_text("def run(command): raise SystemExit('ran')\n")
    (project.folder / "outside.py").symlink_to(outside)
    (project.folder / "bad.yaml").write_text(
        f"""penstock: 1
name: bad
components:
  "{code}":
    inputs:
      command: str
steps:
  evil:
    call: "{code}"
    inputs:
      command: {{value: "touch pwned"}}
"""
    )
    done = project.command("run", "bad.yaml")
    assert done.returncode == 1
    assert message in done.stderr
    assert not (project.folder / "pwned").exists()


def test_two_runs_share_a_store(project: Project) -> None:
    arguments = ("run", "greet.py", "-pname=x", "--store", project.store)
    runs = [
        subprocess.Popen(penstock(*arguments), cwd=project.folder, stdout=subprocess.DEVNULL)
        for _ in range(3)
    ]
    assert [one.wait(60) for one in runs] == [0, 0, 0]
    assert len(list(project.store.glob("runs/*/*/*/*/99-end.json"))) == 3


def test_a_store_that_cannot_be_written_is_told_before_any_step(project: Project) -> None:
    (project.folder / "file").write_text("")
    done = project.command("run", "greet.py", "-pname=x", "--store", "file/store")
    assert done.returncode == 1
    assert done.stderr.startswith("error: the store failed at ")
    assert "start" not in done.stdout


def test_a_terminal_gets_the_live_view(project: Project) -> None:
    parent, child = os.openpty()
    running = subprocess.Popen(
        penstock("run", "greet.py", "-pname=x"),
        cwd=project.folder,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"},
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    seen = b""
    try:
        while chunk := os.read(parent, 1 << 16):
            seen += chunk
    except OSError:  # what Linux says when the other side is gone
        pass
    os.close(parent)
    assert running.wait(30) == 0
    text = seen.decode()
    assert "✓" in text
    assert "greet succeeded" in text
    assert "0.75" in text


def test_piped_output_loads_neither_rich_nor_networkx(project: Project) -> None:
    probe = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('LOADED', sorted({'rich', 'networkx', 'pandas'}"
        " & set(sys.modules))))\n"
        "from penstock.cli import main\n"
        "sys.argv = ['penstock', 'run', 'greet.py', '-pname=x']\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "LOADED []" in done.stdout, done.stderr


@pytest.mark.parametrize(
    "executor",
    [
        "inline",
        pytest.param(
            "process",
            marks=pytest.mark.xfail(
                strict=True, reason="workers are not told of the current folder"
            ),
        ),
    ],
)
def test_a_pipeline_may_import_from_the_current_folder(project: Project, executor: str) -> None:
    (project.folder / "lib").mkdir()
    (project.folder / "lib" / "tools.py").write_text("def more(n):\n    return n + 1\n")
    (project.folder / "pipelines").mkdir()
    project.write(
        """
        from lib.tools import more

        @step
        def one() -> int:
            return more(1)

        @pipeline
        def flow() -> int:
            return one()
        """,
        "pipelines/flow",
    )
    done = project.command("run", "pipelines/flow.py", "--executor", executor)
    assert done.returncode == 0, done.stdout
