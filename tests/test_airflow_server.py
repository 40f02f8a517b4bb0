"""`penstock submit` and emitted DAGs in a whole Airflow: scheduler, processor, API server.

Airflow 3.3 keeps its data in PostgreSQL, 2.11 in SQLite. Steps run in containers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from airflow_server import Server, airflow_server, postgres
from cli_support import EXECUTABLE, Done, process
from engine_support import BASE, engine_or_skip

from penstock_records.run import Run, fold
from penstock_runtime.local import LocalStore
from penstock_runtime.run_id import stable_run_id

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
import time

from penstock import RunStatus, current_run, each, gather, on_exit, pipeline, step


@step
def numbers(n: int) -> list[int]:
    return list(range(n))


@step(retries=1)
def square(x: int) -> int:
    run = current_run()
    if x == 1 and run is not None and run.attempt == 1:
        raise ValueError("not at once")
    return x * x


@step
def total(squares: list[int]) -> int:
    return sum(squares)


@step
def tell(status: RunStatus = RunStatus.SUCCEEDED) -> str:
    return status.value


@step(timeout=2)
def slow(seconds: float) -> float:
    time.sleep(seconds)
    return time.time()


@pipeline
def served(n: int = 3, text: str = "x", seconds: float = 0.0) -> int:
    slow(seconds)
    with each(numbers(n), parallel=2) as x:
        y = square(x)
    on_exit(tell())
    return total(gather(y))
"""


@dataclass
class Place:
    """A project, a server, and the store that both know."""

    server: Server
    folder: Path
    store: Path
    options: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict[str, str])

    def submit(self, *words: str, target: str = "served.py") -> Done:
        """`penstock submit` with credentials in the environment."""
        common = ("--to", "airflow", "--host", self.server.host, "--store", str(self.store))
        done = subprocess.run(
            [EXECUTABLE, "submit", target, *common, *self.options, *words],
            cwd=self.folder,
            env={**os.environ, **self.server.variables, **self.variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert self.server.password not in done.stdout + done.stderr
        return Done(done.returncode, done.stdout, done.stderr)

    def run(self, name: str, pipeline: str = "served") -> Run:
        """What the store tells of a run."""
        return fold(LocalStore(self.store, create=False), stable_run_id(name, pipeline))

    def api(self, path: str, body: Any = None) -> Any:
        """The server's own answer (Airflow 3)."""
        token = self._token()
        request = urllib.request.Request(
            f"{self.server.host}/api/v2{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def _token(self) -> str:
        body = {"username": self.server.user, "password": self.server.password}
        request = urllib.request.Request(
            f"{self.server.host}/auth/token",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(json.loads(answer.read())["access_token"])


def place(server: Server, base: Path) -> Place:
    """A project whose images are built."""
    folder, store = base / "project", base / "store"
    folder.mkdir()
    store.mkdir()
    store.chmod(0o777)
    (folder / "pyproject.toml").write_text(f'[tool.penstock.images]\nbase = "{BASE}"\n')
    (folder / "served.py").write_text(PROGRAM)
    shutil.copy(ROOT / "examples/hello.py", folder)
    for name in ("served", "hello"):
        built = process("build", f"{name}.py", cwd=folder)
        assert built.code == 0, built.out + built.err
    return Place(server, folder, store)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Airflow 3.3 with PostgreSQL."""
    engine_or_skip()
    with ExitStack() as stack:
        base = tmp_path_factory.mktemp("server")
        database = stack.enter_context(postgres())
        yield place(stack.enter_context(airflow_server("3.3", base / "home", database)), base)


def test_a_whole_path_through_a_real_airflow(three: Place) -> None:
    _submitted_and_followed(three)
    _refused_before_anything_is_sent(three)
    _not_started_twice(three)
    _an_import_error_is_told(three)
    _a_timeout_fails_the_run(three)
    _a_cleared_task_runs_again(three)


def _submitted_and_followed(three: Place) -> None:
    text = "{{ 7*7 }} é☃ 'x' \"y\" $HOME `id`\n.sh"
    words = ("--dags", str(three.server.dags), "-p", f"text={text}", "--follow")
    done = three.submit(*words, "--run-id", "first")
    assert done.code == 0, done.out + done.err
    lines = done.out.splitlines()
    assert f"wrote {three.server.dags}/served.py" in lines
    assert f"{three.server.host}/dags/served/runs/first" in lines
    assert any(line.startswith("failed  square.1") for line in lines)
    assert "start   square.1, attempt 2" in lines
    assert any("ValueError: not at once" in line for line in lines), done.out
    assert lines[-1].startswith("served succeeded: ")
    run = three.run("first")
    assert run.status == "succeeded" and run.start is not None and run.end is not None
    assert run.start.parameters["text"] == text
    assert run.end.outputs == {"value": {"value": 5}}
    square = run.step("square.1")
    assert square is not None and square.attempts == 2
    tell = run.step("tell")
    assert tell is not None and tell.outputs == {"value": {"value": "succeeded"}}


def _refused_before_anything_is_sent(three: Place) -> None:
    for words, told in (
        (("-p", "n=many"), "n"),
        (("-p", "m=1"), "m"),
        (("--run-id", "a b"), "cannot name a run"),
        (("--dags", "nowhere"), "is no folder"),
    ):
        done = three.submit(*words)
        assert done.code == 2, done.out + done.err
        assert told in done.err and "Traceback" not in done.err


def _not_started_twice(three: Place) -> None:
    done = three.submit("--run-id", "first")
    assert (done.code, done.out) == (1, "")
    assert "there is a run first already" in done.err
    three.variables["PENSTOCK_AIRFLOW_PASSWORD"] = "wrong"
    try:
        done = three.submit("--run-id", "second")
    finally:
        del three.variables["PENSTOCK_AIRFLOW_PASSWORD"]
    assert done.code == 1 and "does not know us" in done.err
    assert [one["dag_run_id"] for one in three.api("/dags/served/dagRuns")["dag_runs"]] == ["first"]


def _an_import_error_is_told(three: Place) -> None:
    options = ("--option", "airflow-version=2.11", "--dags", str(three.server.dags))
    done = three.submit(*options, target="hello.py")
    assert done.code == 1
    assert "Airflow cannot read hello.py: " in done.err and "airflow-version" in done.err
    assert "datasets" in done.err
    done = three.submit("--dags", str(three.server.dags), "--follow", target="hello.py")
    assert done.code == 0, done.out + done.err


def _a_timeout_fails_the_run(three: Place) -> None:
    done = three.submit("-p", "seconds=60", "-p", "n=0", "--run-id", "slow", "--follow")
    assert done.code == 1, done.out + done.err
    assert done.out.splitlines()[-1].startswith("served failed: ")
    run = three.run("slow")
    assert run.status == "failed"
    tell = run.step("tell")
    assert tell is not None and tell.outputs == {"value": {"value": "failed"}}


def _a_cleared_task_runs_again(three: Place) -> None:
    before = three.run("first").step("slow")
    assert before is not None
    body = {
        "dry_run": False,
        "task_ids": ["slow"],
        "dag_run_id": "first",
        "only_failed": False,
        "reset_dag_runs": True,
        "include_downstream": True,
    }
    three.api("/dags/served/clearTaskInstances", body)
    until = time.monotonic() + 120
    while time.monotonic() < until:
        end = three.run("first").end
        if end is not None and (end.model_extra or {}).get("attempt") == 2:
            break
        time.sleep(0.5)
    after = three.run("first").step("slow")
    assert after is not None
    assert after.outputs != before.outputs
    assert after.attempts == 2
    assert three.run("first").status == "succeeded"


def test_airflow_2_takes_what_is_emitted_for_it(tmp_path: Path) -> None:
    engine_or_skip()
    with airflow_server("2.11", tmp_path / "home") as server:
        two = place(server, tmp_path)
        two.options = ("--option", "airflow-version=2.11", "--dags", str(server.dags))
        done = two.submit("--run-id", "mine", "-p", "name={{ 7*7 }}", "--follow", target="hello.py")
        assert done.code == 0, done.out + done.err
        assert f"{server.host}/dags/hello/grid?dag_run_id=mine" in done.out.splitlines()
        run = two.run("mine", "hello")
        assert run.end is not None
        assert run.end.outputs == {"value": {"value": "HELLO, {{ 7*7 }}!"}}
