"""`penstock submit --to kubeflow` against a server that checks each request."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cli_support import EXECUTABLE, Done
from kubeflow_server import ROOT, TOKEN, Answer, Data, Kubeflow, serving

PROGRAM = """
from penstock import pipeline, step


@step
def greet(name: str) -> str:
    return name


@step
def shout(text: str) -> str:
    return text.upper()


@pipeline(schedule="0 6 * * 1")
def hello(name: str, times: int = 1) -> str:
    return shout(greet(name))
"""
BOUNDED = PROGRAM.replace("times: int", "times: Annotated[int, Field(ge=1)]").replace(
    "from penstock import", "from typing import Annotated\nfrom penstock import Field,"
)
SDK = Path(__file__).resolve().parents[1] / ".envs/kubeflow/bin/python"


@pytest.fixture
def kubeflow() -> Iterator[Kubeflow]:
    with serving() as server:
        yield server


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "hello.py").write_text(PROGRAM)
    return tmp_path


def penstock(
    project: Path, *words: str, code: int = 0, variables: Mapping[str, str] | None = None
) -> Done:
    done = subprocess.run(
        [EXECUTABLE, *words],
        cwd=project,
        env={**os.environ, "PENSTOCK_KUBEFLOW_TOKEN": TOKEN, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr and "PS902" not in done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def submit(project: Path, host: str, *words: str, code: int = 0) -> Done:
    start = ("submit", "hello.py", "--to", "kubeflow", "--host", host)
    return penstock(project, *start, *words, code=code)


def through(*ends: tuple[str, str], state: str) -> Callable[[Data, int], None]:
    """A run whose tasks end so, one at each look."""

    def progress(run: Data, looks: int) -> None:
        names = [name for name, _ in ends]
        tasks: list[Data] = []
        for number, (name, end) in enumerate(ends):
            now = "PENDING" if looks <= number else "RUNNING" if looks == number + 1 else end
            tasks.append(
                {
                    "task_id": f"t{number}",
                    "display_name": name,
                    "state": now,
                    "create_time": f"2026-11-25T10:00:0{number}Z",
                    "start_time": f"2026-11-25T10:00:0{number}Z",
                    "end_time": f"2026-11-25T10:00:0{number + 1}.500Z",
                    **({"error": {"code": 2, "message": "OOMKilled"}} if now == "FAILED" else {}),
                }
            )
        tasks.append({"task_id": "d", "display_name": f"{names[0]}-driver", "state": "SUCCEEDED"})
        run["run_details"] = {"task_details": tasks}
        run["state"] = "RUNNING" if looks <= len(ends) else state
        run["finished_at"] = "2026-11-25T10:05:00Z"

    return progress


def test_a_run_is_started_and_followed(project: Path, kubeflow: Kubeflow) -> None:
    kubeflow.progress = through(("greet", "SUCCEEDED"), ("shout", "SUCCEEDED"), state="SUCCEEDED")
    words = ("-p", "name={{ x }}", "--experiment", "greetings", "--run-id", "mine", "--follow")
    done = submit(project, kubeflow.host, *words)
    [run] = kubeflow.runs
    [version] = kubeflow.versions
    link = f"{kubeflow.host}/#/runs/details/{run['run_id']}"
    assert done.out.splitlines() == [
        f"uploaded hello.yaml as {version['display_name']}",
        "made the experiment greetings",
        f"started hello: run {run['run_id']}",
        link,
        f"hello: run {run['run_id']}, 2 steps",
        "start   greet",
        "done    greet  1.5 s",
        "start   shout",
        "done    shout  1.5 s",
        f"hello succeeded: {link}",
    ]
    assert run["display_name"] == "mine"
    assert run["runtime_config"] == {"parameters": {"name": "{{ x }}"}}
    assert [one["display_name"] for one in kubeflow.experiments] == ["greetings"]


def test_the_same_spec_is_uploaded_once(project: Path, kubeflow: Kubeflow) -> None:
    for number in range(2):
        done = submit(project, kubeflow.host, "-p", "name=x")
        assert ("uploaded" in done.out) == (number == 0)
    assert (len(kubeflow.pipelines), len(kubeflow.versions), len(kubeflow.runs)) == (1, 1, 2)
    (project / "hello.py").write_text(PROGRAM.replace("text.upper()", "text").replace("shout", "s"))
    submit(project, kubeflow.host, "-p", "name=x")
    assert (len(kubeflow.pipelines), len(kubeflow.versions), len(kubeflow.runs)) == (1, 2, 3)
    assert len({one["display_name"] for one in kubeflow.versions}) == 2


@pytest.mark.parametrize(("state", "word"), [("FAILED", "failed"), ("CANCELED", "cancelled")])
def test_the_exit_code_tells_the_end(
    project: Path, kubeflow: Kubeflow, state: str, word: str
) -> None:
    kubeflow.progress = through(("greet", state), ("shout", "SKIPPED"), state=state)
    done = submit(project, kubeflow.host, "-p", "name=x", "--follow", code=1)
    assert f"hello {word}: " in done.out
    assert ("OOMKilled" in done.out + done.err) == (state == "FAILED")


def test_events_are_told_as_json(project: Path, kubeflow: Kubeflow) -> None:
    kubeflow.progress = through(("greet", "SUCCEEDED"), ("shout", "SUCCEEDED"), state="SUCCEEDED")
    done = submit(project, kubeflow.host, "-p", "name=x", "--follow", "--format", "json")
    events = [json.loads(line) for line in done.out.splitlines()]
    assert [one["event"] for one in events] == [
        "submitted",
        "run_started",
        *("step_started", "step_succeeded") * 2,
        "ended",
    ]
    assert events[0]["link"].endswith(events[0]["run"])


def test_a_recurring_run_is_made(project: Path, kubeflow: Kubeflow) -> None:
    done = submit(project, kubeflow.host, "-p", "name=x", "--schedule", "*/5 * * * *")
    [found] = kubeflow.recurring
    assert found["trigger"] == {"cron_schedule": {"cron": "0 */5 * * * *"}}
    assert (found["mode"], found["no_catchup"]) == ("ENABLE", True)
    assert found["runtime_config"] == {"parameters": {"name": "x"}}
    assert f"{kubeflow.host}/#/recurringrun/details/rr0" in done.out
    done = submit(project, kubeflow.host, "-p", "name=x", "--schedule", "pipeline", code=1)
    assert "there is a recurring run 'hello' already (rr0)" in done.err
    words = ("-p", "name=x", "--schedule", "pipeline", "--run-id", "weekly")
    submit(project, kubeflow.host, *words)
    assert kubeflow.recurring[1]["trigger"]["cron_schedule"]["cron"] == "0 0 6 * * 1"
    assert kubeflow.runs == []


def test_a_dry_run_sends_nothing(project: Path, kubeflow: Kubeflow) -> None:
    words = ("-p", "name=x", "--service-account", "runner", "--namespace", "team", "--dry-run")
    done = submit(project, kubeflow.host, *words)
    assert kubeflow.seen == []
    assert f"POST  {kubeflow.host}/apis/v2beta1/runs" in done.out
    assert '"parameters": {"name": "x"}' in done.out and '"service_account": "runner"' in done.out
    done = submit(project, kubeflow.host, "-p", "name=x", "--schedule", "pipeline", "--dry-run")
    assert "recurringruns" in done.out and '"cron": "0 0 6 * * 1"' in done.out


def test_the_token_of_a_pod_is_taken(project: Path, kubeflow: Kubeflow) -> None:
    (project / "token").write_text(TOKEN + "\n")
    pod = {"PENSTOCK_KUBEFLOW_TOKEN": "", "KF_PIPELINES_SA_TOKEN_PATH": str(project / "token")}
    start = ("submit", "hello.py", "--to", "kubeflow", "--host", kubeflow.host)
    penstock(project, *start, "-p", "name=x", variables=pod)
    submit(project, kubeflow.host, "-p", "name=x", "--token-file", "token")
    assert len(kubeflow.runs) == 2


def test_a_token_that_expires_is_read_anew(project: Path, kubeflow: Kubeflow) -> None:
    token = project / "token"
    token.write_text(TOKEN)

    def progress(run: Data, looks: int) -> None:
        if looks == 1:
            kubeflow.token = "another"
            token.write_text("another")
        run["state"] = "SUCCEEDED" if looks > 1 else "RUNNING"

    kubeflow.progress = progress
    submit(project, kubeflow.host, "-p", "name=x", "--follow", "--token-file", "token")


def never(path: str, answer: Answer) -> Callable[[Kubeflow, str, str, Any], Answer | None]:
    """The server answers so to whatever ends with the path."""

    def change(server: Kubeflow, method: str, asked: str, body: Any) -> Answer | None:
        del server, method, body
        return answer if asked.partition("?")[0].endswith(path) else None

    return change


HTML = "<html><head><title>x</title></head><body><h1>Sign in</h1></body></html>"
WRONG: dict[str, tuple[str, Answer, str]] = {
    "a login page": ("/healthz", (302, ""), "leads elsewhere (302)"),
    "another server": ("/healthz", (200, HTML), "does not answer as Kubeflow does"),
    "no Kubeflow": ("/healthz", (404, HTML), "is no Kubeflow Pipelines"),
    "not known": ("/pipelines", (401, {"error": "who?"}), "set PENSTOCK_KUBEFLOW_TOKEN"),
    "not allowed": ("/pipelines", (403, {"message": "only admins"}), "only admins"),
    "a bad spec": ("/upload_version", (400, {"error_message": "bad template"}), "bad template"),
    "a bad parameter": ("/runs", (400, {"message": "parameter times"}), "parameter times"),
    "a lying answer": ("/experiments", (200, {"experiments": [{}]}), "as Kubeflow does"),
    "a hostile id": ("/runs", (200, {"run_id": "../../x"}), "as Kubeflow does"),
    "a long list": ("/experiments", (200, "[" * 100_000), "as Kubeflow does"),
    "hostile text": ("/runs", (422, {"message": "\x1b[31m\nred"}), "[31m red"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_goes_wrong_is_one_sentence(project: Path, kubeflow: Kubeflow, case: str) -> None:
    path, answer, told = WRONG[case]
    kubeflow.change = never(path, answer)
    done = submit(project, kubeflow.host, "-p", "name=x", code=1)
    assert told in done.err
    assert done.err.count("\n") == 1 and "\x1b" not in done.err
    assert kubeflow.runs == []


def test_reads_are_tried_again_and_starts_are_not(project: Path, kubeflow: Kubeflow) -> None:
    def change(server: Kubeflow, method: str, path: str, body: Any) -> Answer | None:
        del body
        asked = f"{method} {path.partition('?')[0].removeprefix(ROOT)}"
        if method == "GET" and server.seen.count(asked) == 1:
            return 503, HTML
        return (500, HTML) if asked == "POST /runs" else None

    kubeflow.change = change
    done = submit(project, kubeflow.host, "-p", "name=x", code=1)
    assert "answers 500 to POST" in done.err and "Sign in" in done.err
    assert kubeflow.seen.count("POST /runs") == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_a_start_whose_answer_is_lost_is_found_again(
    project: Path, kubeflow: Kubeflow, arrived: bool
) -> None:
    def change(server: Kubeflow, method: str, path: str, body: Any) -> Answer | None:
        if method == "POST" and path.endswith("/runs"):
            if arrived:
                server.new_run(body)
            raise ConnectionResetError  # the thread ends, and with it the connection
        return None

    kubeflow.change = change
    done = submit(project, kubeflow.host, "-p", "name=x", code=0 if arrived else 1)
    assert len(kubeflow.runs) == int(arrived)
    if arrived:
        assert kubeflow.runs[0]["run_id"] in done.out
    else:
        assert "was not started: try again" in done.err


def test_a_slow_server_is_waited_for(project: Path, kubeflow: Kubeflow) -> None:
    def change(server: Kubeflow, method: str, path: str, body: Any) -> Answer | None:
        del server, body
        time.sleep(3 if method == "POST" and path.endswith("/runs") else 0.2)
        return None

    kubeflow.change = change
    done = submit(project, kubeflow.host, "-p", "name=x")
    assert len(kubeflow.runs) == 1
    assert kubeflow.runs[0]["run_id"] in done.out


def test_what_is_asked_wrongly_is_told_before_anything_is_sent(
    project: Path, kubeflow: Kubeflow
) -> None:
    (project / "empty").touch()
    for words, told in (
        ((), "name"),
        (("-p", "name=x", "-p", "times=many"), "times"),
        (("-p", "name=x", "--run-id", "a\nb"), "--run-id takes a name"),
        (("-p", "name=x", "--experiment", ""), "--experiment takes a name"),
        (("-p", "name=x", "--namespace", "My_Team"), "name of Kubernetes"),
        (("-p", "name=x", "--service-account", "$(x)"), "name of Kubernetes"),
        (("-p", "name=x", "--schedule", "at noon"), "does not read the schedule"),
        (("-p", "name=x", "--schedule", "pipeline", "--follow"), "--follow"),
        (("-p", "name=x", "--dags", "."), "--dags is for Airflow"),
        (("-p", "name=x", "--token-file", "nowhere"), "cannot be read"),
        (("-p", "name=x", "--token-file", "empty"), "holds no token"),
        (("-p", "name=x", "--option", "kfp-target=1.8"), "1.8"),
    ):
        if words[-2:-1] == ("--experiment",):
            words = (*words[:-1], "x" * 200)
        done = submit(project, kubeflow.host, *words, code=2)
        assert done.out == ""
        assert told in done.err
    (project / "hello.py").write_text(BOUNDED)
    done = submit(project, kubeflow.host, "-p", "name=x", "-p", "times=0", code=2)
    assert "times" in done.err and done.out == ""
    for host in ("localhost:8080", "ftp://x", "http://user:secret@x", "http://x/?t=secret"):
        done = submit(project, host, "-p", "name=x", code=2)
        assert "secret" not in done.err
    assert kubeflow.seen == []


def test_airflow_refuses_what_is_for_kubeflow(project: Path) -> None:
    (project / "hello.py").write_text(PROGRAM.replace('(schedule="0 6 * * 1")', ""))
    start = ("submit", "hello.py", "--to", "airflow", "--host", "http://127.0.0.1:9")
    for words in (("--experiment", "x"), ("--service-account", "x"), ("--schedule", "@daily")):
        done = penstock(project, *start, "-p", "name=x", *words, code=2)
        assert "means nothing to Airflow" in done.err


def test_a_server_that_is_not_there_is_told(project: Path) -> None:
    done = submit(project, "http://127.0.0.1:9", "-p", "name=x", code=1)
    assert "http://127.0.0.1:9 does not answer" in done.err


def test_the_run_goes_on_when_the_follower_is_stopped(project: Path, kubeflow: Kubeflow) -> None:
    words = ("--to", "kubeflow", "--host", kubeflow.host, "-p", "name=x", "--follow")
    with subprocess.Popen(
        [EXECUTABLE, "submit", "hello.py", *words],
        cwd=project,
        env={**os.environ, "PENSTOCK_KUBEFLOW_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until = time.monotonic() + 30
        while kubeflow.looks == 0 and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip().startswith(f"the run goes on: {kubeflow.host}/#/runs/details/")


def test_records_of_remote_runs_are_pulled(project: Path, kubeflow: Kubeflow) -> None:
    for number in range(3):
        submit(project, kubeflow.host, "-p", f"name=n{number}")
    kubeflow.runs[0]["description"] = "of somebody else"
    end = through(("greet", "SUCCEEDED"), ("shout", "FAILED"), state="FAILED")
    end(kubeflow.runs[1], 9)
    kubeflow.runs[1]["finished_at"] = "2026-11-25T10:05:00Z"
    (project / "store").mkdir()
    where = ("--store", "store", "--sync", "--host", kubeflow.host)
    penstock(project, "run", "hello.py", "-p", "name=x", "--store", "store")
    done = penstock(project, "runs", *where, "--format", "json")
    assert f"pulled 1 run from {kubeflow.host}; 1 still going" in done.err
    [run] = [one for one in json.loads(done.out) if one["run"] == kubeflow.runs[1]["run_id"]]
    assert (run["pipeline"], run["status"]) == ("hello", "failed")
    assert run["parameters"] == {"name": "n1"}
    shown = penstock(project, "show", run["run"], "--store", "store").out
    assert "shout" in shown and "OOMKilled" in shown
    done = penstock(project, "runs", *where)
    assert "pulled 0 runs" in done.err and "hello" in done.out
    assert "--sync needs --host" in penstock(project, "runs", "--sync", code=2).err


def test_the_real_client_knows_the_same_server(project: Path, kubeflow: Kubeflow) -> None:
    submit(project, kubeflow.host, "-p", "name=x", "--run-id", "ours")
    penstock(project, "compile", "hello.py", "--to", "kubeflow", "-o", "specs")
    script = Path(__file__).with_name("kubeflow_client.py")
    done = subprocess.run(
        [str(SDK), str(script), kubeflow.host, TOKEN, "specs/hello.yaml"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["version"].startswith("2.17.")
    assert (found["state"], found["recurring"], found["hello"]) == ("PENDING", "rr0", "p0")
    assert found["runs"] == ["job", "ours"]
    assert kubeflow.runs[1]["runtime_config"]["parameters"] == {"name": "x"}
