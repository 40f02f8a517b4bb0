"""`penstock submit` against a server that checks each request, and answers as none should."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cli_support import EXECUTABLE, Done

PROGRAM = """
from penstock import pipeline, step


@step
def greet(name: str) -> str:
    return name


@pipeline
def hello(name: str, times: int = 1) -> str:
    return greet(name)
"""
TOKEN = "t0ken-s3cret"

Answer = tuple[int, Any]
Change = Callable[["Airflow", str, str, Any], Answer | None]


@dataclass
class Airflow:
    """What the server knows; `change` may answer in its place."""

    version: str = "3.3.2"
    root: str = "/af/api/v2"
    plan: str = ""
    paused: bool = True
    runs: dict[str, Any] = field(default_factory=dict[str, Any])
    seen: list[str] = field(default_factory=list[str])
    polls: int = 0
    change: Change | None = None
    host: str = ""

    def answer(self, method: str, path: str, body: Any, headers: Any) -> Answer:
        """The contract of the REST API, as far as it is used."""
        self.seen.append(f"{method} {path.partition('?')[0]}")
        if self.change is not None and (changed := self.change(self, method, path, body)):
            return changed
        route = path.partition("?")[0]
        if route == f"{self.root}/version":
            return 200, {"version": self.version, "git_version": None}
        if not route.startswith(self.root + "/"):
            return 404, "<html><body>Not <b>Found</b></body></html>"
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"detail": "Not authenticated"}
        route = route.removeprefix(self.root)
        if route == "/dags/hello/details" and method == "GET":
            return 200, {"dag_id": "hello", "is_paused": self.paused, "doc_md": f"Plan {self.plan}"}
        if route == "/importErrors":
            return 200, {"import_errors": [], "total_entries": 0}
        if route == "/dags/hello" and method == "PATCH":
            assert body == {"is_paused": False}
            self.paused = False
            return 200, {}
        if route == "/dags/hello/dagRuns" and method == "POST":
            two = self.root.endswith("v1")
            assert set(body) == {"dag_run_id", "conf"} | (set() if two else {"logical_date"})
            if body["dag_run_id"] in self.runs:
                return 409, {"detail": "exists"}
            self.runs[body["dag_run_id"]] = body
            return 200, {"dag_run_id": body["dag_run_id"], "state": "queued"}
        return self._of_a_run(route)

    def _of_a_run(self, route: str) -> Answer:
        parts = route.split("/")
        if parts[:4] != ["", "dags", "hello", "dagRuns"] or parts[4] not in self.runs:
            return 404, {"detail": "no such run"}
        if len(parts) == 5:
            self.polls += 1
            state = "running" if self.polls < 3 else "success"
            return 200, {"dag_run_id": parts[4], "state": state}
        state = "running" if self.polls < 3 else "success"
        one = {"task_id": "greet", "map_index": -1, "state": state, "try_number": 1}
        return 200, {"task_instances": [{**one, "duration": 1.5}], "total_entries": 1}


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    made = Airflow()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, found = made.answer(self.command, self.path, body, self.headers)
            text = found if isinstance(found, str) else json.dumps(found)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "https://login.example.org/")
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = do_PATCH = _answer

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.host = f"http://127.0.0.1:{server.server_port}/af"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def project(tmp_path: Path, airflow: Airflow) -> Path:
    (tmp_path / "hello.py").write_text(PROGRAM)
    (tmp_path / "dags").mkdir()
    compiled = subprocess.run(
        [EXECUTABLE, "compile", "hello.py", "--to", "airflow", "-o", "compiled"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert compiled.returncode == 0
    text = (tmp_path / "compiled/hello.py").read_text("utf-8")
    airflow.plan = text.partition('PLAN = "')[2].partition('"')[0]
    return tmp_path


def submit(project: Path, host: str, *words: str, **variables: str) -> Done:
    done = subprocess.run(
        [EXECUTABLE, "submit", "hello.py", "--to", "airflow", "--host", host, *words],
        cwd=project,
        env={**os.environ, "PENSTOCK_AIRFLOW_TOKEN": TOKEN, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "PS902" not in done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("root", ["/af/api/v2", "/af/api/v1"])
def test_a_run_is_started_and_followed(project: Path, airflow: Airflow, root: str) -> None:
    airflow.root = root
    words = ("--dags", "dags", "-p", "name={{ x }}", "--run-id", "mine", "--follow")
    done = submit(project, airflow.host, *words)
    assert done.code == 0, done.err
    assert airflow.runs["mine"]["conf"] == {"name": "{{ x }}"}
    page = "runs/mine" if root.endswith("v2") else "grid?dag_run_id=mine"
    link = f"{airflow.host}/dags/hello/{page}"
    assert done.out.splitlines() == [
        "wrote dags/hello.py",
        "hello was paused, and is not any more",
        "started hello: run mine",
        link,
        "hello: run mine, 1 step",
        "start   greet",
        "done    greet  1.5 s",
        f"hello succeeded: {link}",
    ]
    compiled, put = project / "compiled/hello.py", project / "dags/hello.py"
    assert put.read_bytes() == compiled.read_bytes()
    assert [file.name for file in (project / "dags").iterdir()] == ["hello.py"]


def test_events_are_told_as_json(project: Path, airflow: Airflow) -> None:
    done = submit(project, airflow.host, "-p", "name=x", "--follow", "--format", "json")
    assert done.code == 0, done.err
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [one["event"] for one in events] == [
        *("submitted", "run_started", "step_started", "step_succeeded", "ended"),
    ]
    [run] = airflow.runs
    assert events[0]["run"] == events[-1]["run"] == run
    assert events[-1]["state"] == "succeeded"


def test_a_dry_run_sends_nothing(project: Path, airflow: Airflow) -> None:
    done = submit(project, airflow.host, "--dags", "dags", "-p", "name=x", "--dry-run")
    assert done.code == 0, done.err
    assert airflow.seen == []
    assert list((project / "dags").iterdir()) == []
    assert "write dags/hello.py" in done.out
    assert f"{airflow.host}/api/v2/dags/hello/dagRuns" in done.out
    assert '"conf": {"name": "x"}' in done.out


def never(path: str, answer: Answer) -> Change:
    """The server answers so to whatever ends with the path."""

    def change(airflow: Airflow, method: str, asked: str, body: Any) -> Answer | None:
        del airflow, method, body
        return answer if asked.partition("?")[0].endswith(path) else None

    return change


HTML = "<html><head><title>x</title></head><body><h1>Sign in</h1></body></html>"
WRONG: dict[str, tuple[Change, str]] = {
    "a login page": (never("/version", (302, "")), "leads elsewhere (302)"),
    "another server": (never("/version", (200, HTML)), "does not answer as Airflow does"),
    "no Airflow": (never("/version", (404, HTML)), "is no Airflow"),
    "not known": (never("/details", (401, {"detail": "who?"})), "does not know us"),
    "not allowed": (never("/details", (403, {"detail": "only admins"})), "only admins"),
    "a bad parameter": (
        never("/dagRuns", (400, {"detail": "Invalid input for param times: 0 < 1"})),
        "Invalid input for param times: 0 < 1",
    ),
    "a lying answer": (never("/details", (200, {"is_paused": "perhaps"})), "as Airflow does"),
    "a long list": (never("/details", (200, "[" * 100_000)), "as Airflow does"),
    "hostile text": (never("/dagRuns", (422, {"detail": "\x1b[31m\nred"})), "[31m red"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_goes_wrong_is_one_sentence(project: Path, airflow: Airflow, case: str) -> None:
    airflow.change, told = WRONG[case]
    done = submit(project, airflow.host, "-p", "name=x")
    assert done.code == 1, done.out
    assert told in done.err
    assert done.err.count("\n") == 1 and "\x1b" not in done.err
    assert airflow.runs == {}


def test_reads_are_tried_again_and_starts_are_not(project: Path, airflow: Airflow) -> None:
    def change(airflow: Airflow, method: str, path: str, body: Any) -> Answer | None:
        del body
        if method == "GET" and airflow.seen.count(f"GET {path.partition('?')[0]}") == 1:
            return 503, HTML
        return (500, HTML) if method == "POST" else None

    airflow.change = change
    done = submit(project, airflow.host, "-p", "name=x")
    assert done.code == 1
    assert "answers 500 to POST" in done.err and "Sign in" in done.err
    assert sum(one.startswith("POST") for one in airflow.seen) == 1


def test_a_start_whose_answer_is_lost_is_found_again(project: Path, airflow: Airflow) -> None:
    def change(airflow: Airflow, method: str, path: str, body: Any) -> Answer | None:
        if method == "POST":
            airflow.runs[body["dag_run_id"]] = body
            raise ConnectionResetError  # the thread ends, and with it the connection
        return None

    airflow.change = change
    done = submit(project, airflow.host, "-p", "name=x", "--run-id", "once")
    assert done.code == 0, done.err
    assert list(airflow.runs) == ["once"]
    assert "started hello: run once" in done.out


def test_the_wrong_version_is_not_started(project: Path, airflow: Airflow) -> None:
    airflow.plan = "sha256:" + "0" * 64
    done = submit(project, airflow.host, "-p", "name=x")
    assert done.code == 1
    assert "another version of hello: add --dags" in done.err
    done = submit(project, airflow.host, "-p", "name=x", "--dags", "dags", "--timeout", "1")
    assert done.code == 1
    assert "has not read hello within 1 seconds" in done.err
    assert airflow.runs == {}


def test_what_is_asked_wrongly_is_told_before_anything_is_sent(
    project: Path, airflow: Airflow
) -> None:
    (project / "empty").touch()
    for words, told in (
        ((), "name"),
        (("-p", "name=x", "-p", "times=many"), "times"),
        (("-p", "name=x", "--run-id", "a/b"), "cannot name a run"),
        (("-p", "name=x", "--token-file", "nowhere"), "cannot be read"),
        (("-p", "name=x", "--token-file", "empty"), "holds no token"),
        (("-p", "name=x", "--option", "runner=podman"), "podman"),
    ):
        done = submit(project, airflow.host, *words)
        assert (done.code, done.out) == (2, ""), done.err
        assert told in done.err
    for host in ("localhost:8080", "ftp://x", "http://user:secret@x", "http://x/?a=b", "http://"):
        done = submit(project, host, "-p", "name=x")
        assert done.code == 2 and "secret" not in done.err
    assert airflow.seen == []


def test_a_server_that_is_not_there_is_told(project: Path) -> None:
    done = submit(project, "http://127.0.0.1:9", "-p", "name=x")
    assert (done.code, done.out) == (1, "")
    assert "http://127.0.0.1:9 does not answer" in done.err


def test_the_run_goes_on_when_the_follower_is_stopped(project: Path, airflow: Airflow) -> None:
    def change(airflow: Airflow, method: str, path: str, body: Any) -> Answer | None:
        del method, path, body
        airflow.polls = 0  # it never ends
        return None

    airflow.change = change
    words = ("--to", "airflow", "--host", airflow.host, "-p", "name=x", "--run-id", "on")
    with subprocess.Popen(
        [EXECUTABLE, "submit", "hello.py", *words, "--follow"],
        cwd=project,
        env={**os.environ, "PENSTOCK_AIRFLOW_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until = time.monotonic() + 30
        while "on/taskInstances" not in "".join(airflow.seen) and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip() == f"the run goes on: {airflow.host}/dags/hello/runs/on"
    assert not any(
        one.startswith(("DELETE", "PATCH /af/api/v2/dags/hello/")) for one in airflow.seen
    )
