"""`python -m penstock_runtime` as the hosts start it: real processes, exit codes, signals."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from penstock_runtime.artifacts import save_value
from penstock_runtime.hashing import hash_file
from penstock_runtime.local import LocalStore
from penstock_runtime.records import RunRecords
from penstock_runtime.run_id import new_run_id, stable_run_id

FIXTURES = str(Path(__file__).parent / "runtime_fixtures")
PROGRAM = [sys.executable, "-m", "penstock_runtime"]


def run(
    arguments: list[str], stdin: str = "", env: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*PROGRAM, *arguments],
        input=stdin,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def request(store: LocalStore, name: str, **inputs: Any) -> dict[str, Any]:
    return {
        "format": 1,
        "run": new_run_id(),
        "step": name,
        "attempt": 1,
        "store": store.url,
        "code": f"runtime_steps:{name}",
        "path": [FIXTURES],
        "inputs": {key: {"value": value} for key, value in inputs.items()},
    }


def test_request_file_to_result_file(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "request.json").write_text(json.dumps(request(store, "double", n=21)))
    result = tmp_path / "new" / "folder" / "response.json"
    done = run([str(tmp_path / "request.json"), "--result", str(result)])
    assert (done.returncode, done.stderr) == (0, "")
    response = json.loads(result.read_text(encoding="ascii"))
    assert response == {
        "format": 1,
        "outputs": {"value": {"value": 42}},
        "projections": {},
        "metrics": {},
    }
    assert os.listdir(result.parent) == ["response.json"]


def test_stdin_to_stdout_without_what_the_step_prints(store: LocalStore) -> None:
    done = run([], json.dumps(request(store, "prints")))
    assert done.returncode == 0
    assert json.loads(done.stdout)["outputs"]["value"]["artifact"]["materializer"] == "bytes"
    assert done.stderr == "to stdout\n"


def test_exit_codes(store: LocalStore, tmp_path: Path) -> None:
    result = tmp_path / "response.json"
    failed = run(["-", "--result", str(result)], json.dumps(request(store, "fails", secret="x")))
    assert failed.returncode == 1
    assert "in _inner" in failed.stderr
    assert "execute.py" not in failed.stderr
    assert failed.stderr.endswith("penstock: step 'fails' raised ValueError: no x\n")
    bad = run(["-", "--result", str(result)], "{}")
    assert (bad.returncode, bad.stderr) == (2, "penstock: the request lacks the key 'format'\n")
    assert run([str(tmp_path / "none.json")]).returncode == 2
    assert run(["--wrong"]).returncode == 2
    lost = {**request(store, "nothing"), "store": "/dev/null/store"}
    broken = run(["-", "--result", str(result)], json.dumps(lost))
    assert broken.returncode == 3
    assert "Traceback" not in broken.stderr
    blocked = run(["-", "--result", "/dev/null/x"], json.dumps(request(store, "nothing")))
    assert blocked.returncode == 3
    assert not result.exists()


def test_sigterm_reaches_the_users_code(store: LocalStore, tmp_path: Path) -> None:
    mark, result = tmp_path / "mark", tmp_path / "response.json"
    data = request(store, "waits", mark=str(mark))
    (tmp_path / "request.json").write_text(json.dumps(data))
    child = subprocess.Popen(
        [*PROGRAM, str(tmp_path / "request.json"), "--result", str(result)], stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 30
    while not (mark.exists() and mark.read_text() == "started"):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.send_signal(signal.SIGTERM)
    _, stderr = child.communicate(timeout=20)
    assert child.returncode == 143
    assert b"stopped by SIGTERM" in stderr
    assert mark.read_text() == "cleaned"
    assert not result.exists()
    assert RunRecords(store, data["run"]).committed("waits") is None
    assert list((Path(store.url) / "cas").rglob("*/??/*")) == []
    assert os.listdir(Path(store.url) / "tmp") == []


AIRFLOW_RUN = "manual__2026-01-02T03:04:05+00:00"


def airflow_env(store: LocalStore, tmp_path: Path, name: str, **changes: Any) -> dict[str, str]:
    """The variables of a step of the DAG `churn`; the request in two parts."""
    asked: dict[str, Any] = {
        "format": 1,
        "pipeline": "churn",
        "run": AIRFLOW_RUN,
        "plan": "sha256:" + "0" * 64,
        "step": name,
        "attempt": 2,
        "store": store.url,
        "code": f"runtime_steps:{name}",
        "inputs": {},
        "parameters": {},
        **changes,
    }
    text = json.dumps({key: value for key, value in asked.items() if value is not None})
    return {
        "PENSTOCK_REQUEST": text[:50],
        "PENSTOCK_REQUEST_1": text[50:],
        "PENSTOCK_PATH": FIXTURES,
        "PENSTOCK_RETURN": str(tmp_path / "xcom" / f"{name}.json"),
    }


def test_airflow(store: LocalStore, tmp_path: Path) -> None:
    with store.scratch() as scratch:
        ref = save_value([1, 2, 3, 4], store, scratch / "v").to_json()
    inputs: dict[str, Any] = {"ratio": {"value": 0.75}, "data": {"artifact": ref}}
    parts = {"train.0": ["train", 0]}
    env = airflow_env(store, tmp_path, "split", inputs=inputs, projections=parts, rounds=[2, 0])
    done = run(["airflow"], env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    found = json.loads((tmp_path / "xcom" / "split.json").read_text(encoding="ascii"))
    assert list(found) == ["train", "n", "ratio", "train.0"]
    assert (found["n"], found["ratio"], found["train.0"]) == (3, 1.0, 1)
    assert found["train"]["materializer"] == "json"
    run_id = stable_run_id(AIRFLOW_RUN, "churn")
    commit = RunRecords(store, run_id).committed("split.2.0")
    assert commit is not None
    assert (commit["attempt"], commit["orchestrator_run"]) == (2, AIRFLOW_RUN)

    several = {"list": [{"artifact": found["train"]}] * 2}
    env = airflow_env(store, tmp_path, "gathered", inputs={"many": several})
    assert run(["airflow"], env=env).returncode == 0
    assert json.loads((tmp_path / "xcom" / "gathered.json").read_text()) == {"value": 12}


def test_airflow_fields_streams_and_empty_results(store: LocalStore, tmp_path: Path) -> None:
    with store.scratch() as scratch:
        ref = save_value([1], store, scratch / "v").to_json()
    inputs: dict[str, Any] = {"C": {"value": 3}, "data": {"artifact": ref}}
    env = airflow_env(store, tmp_path, "Fit", inputs=inputs, fields=["C"])
    assert run(["airflow"], env=env).returncode == 0
    printed = run(["airflow"], env=airflow_env(store, tmp_path, "prints"))
    assert (printed.stdout, printed.stderr) == ("", "to stdout\n")
    assert run(["airflow"], env=airflow_env(store, tmp_path, "nothing")).returncode == 0
    assert (tmp_path / "xcom" / "nothing.json").read_text() == "{}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code": None}, "code"),
        ({"other": 1}, "other"),
        ({"inputs": {"n": {"artifact": None}}}, "n"),
        ({"inputs": {"../n": {"value": 1}}}, "cannot name an input"),
        ({"attempt": "x"}, "not a number"),
        ({"pipeline": "../x"}, "cannot name a pipeline"),
        ({"rounds": [-1]}, "round -1 is not a number from 0"),
        ({"projections": []}, "projections must be a JSON object"),
    ],
)
def test_airflow_refuses(
    store: LocalStore, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    done = run(["airflow"], env=airflow_env(store, tmp_path, "double", **changes))
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "xcom").exists()


@pytest.mark.parametrize("text", ["", "{{ x }}", "[]", '{"format": 1}'])
def test_airflow_refuses_what_is_no_request(store: LocalStore, tmp_path: Path, text: str) -> None:
    env = airflow_env(store, tmp_path, "double") | {"PENSTOCK_REQUEST_1": ""}
    done = run(["airflow"], env=env | {"PENSTOCK_REQUEST": text})
    assert done.returncode == 2
    assert "PENSTOCK_REQUEST" in done.stderr


def executor_input(
    tmp_path: Path,
    name: str,
    parameters: dict[str, Any] | None = None,
    artifacts: dict[str, list[Any]] | None = None,
    outputs: tuple[str, ...] = (),
    output_parameters: tuple[str, ...] = (),
) -> dict[str, Any]:
    here = tmp_path / name
    return {
        "inputs": {
            "parameterValues": parameters or {},
            "artifacts": {key: {"artifacts": found} for key, found in (artifacts or {}).items()},
        },
        "outputs": {
            "parameters": {key: {"outputFile": str(here / key)} for key in output_parameters},
            "artifacts": {
                key: {
                    "artifacts": [
                        {
                            "name": key,
                            "type": {"schemaTitle": "system.Artifact"},
                            "uri": str(here / "artifacts" / key),
                            "metadata": {},
                        }
                    ]
                }
                for key in (*outputs, "executor-logs")
            },
            "outputFile": str(here / "output_metadata.json"),
        },
    }


def run_kubeflow(
    step: str, data: dict[str, Any], *options: str
) -> "subprocess.CompletedProcess[str]":
    named = ["--code", f"runtime_steps:{step}", "--step", f"{step}#abc"]
    arguments = ["kubeflow", *named, "--executor-input", json.dumps(data), *options]
    return run(arguments, env={"PENSTOCK_PATH": FIXTURES})


def kubeflow(tmp_path: Path, step: str, data: dict[str, Any], *options: str) -> Any:
    done = run_kubeflow(step, data, *options)
    assert done.returncode == 0, done.stderr
    return json.loads(Path(data["outputs"]["outputFile"]).read_text())


def test_kubeflow_chain(tmp_path: Path) -> None:
    facts = kubeflow(
        tmp_path, "facts", executor_input(tmp_path, "facts", {"colour": "red"}, outputs=("value",))
    )
    assert list(facts["artifacts"]) == ["value"]
    (made,) = facts["artifacts"]["value"]["artifacts"]
    path = tmp_path / "facts" / "artifacts" / "value"
    assert made["uri"] == str(path)
    assert made["type"] == {"schemaTitle": "system.Artifact"}
    assert made["metadata"] == {
        "digest": hash_file(path).digest,
        "size": path.stat().st_size,
        "type": "runtime_steps:Facts",
        "materializer": "dataclass",
        "media": "application/json",
        "unsafe": False,
    }
    made["metadata"]["size"] = float(made["metadata"]["size"])  # as a Struct keeps it
    given = executor_input(
        tmp_path, "describe", artifacts={"facts": [made]}, output_parameters=("value",)
    )
    assert kubeflow(tmp_path, "describe", given) == {
        "parameterValues": {"value": "3 RED (1, 'a')"},
        "artifacts": {},
    }
    path.write_bytes(path.read_bytes().replace(b"3", b"4"))
    done = run_kubeflow("describe", given)
    assert done.returncode == 3
    assert "corrupt" in done.stderr


def test_kubeflow_folders_metrics_fields_and_lists(tmp_path: Path) -> None:
    given = executor_input(tmp_path, "writes_folder", {"work": str(tmp_path)}, outputs=("value",))
    folder = kubeflow(tmp_path, "writes_folder", given)["artifacts"]["value"]["artifacts"][0]
    given = executor_input(
        tmp_path, "reads_folder", artifacts={"folder": [folder]}, output_parameters=("value",)
    )
    for _ in range(2):  # the step changes its copy, never the artifact
        response = kubeflow(tmp_path, "reads_folder", given)
        assert response["parameterValues"]["value"] == ["a.txt", "sub", "sub/run.sh"]

    given = executor_input(
        tmp_path, "Fit", {"C": 2.0}, {"data": [_list(tmp_path, [5])]}, outputs=("value",)
    )
    fitted = kubeflow(tmp_path, "Fit", given, "--fields", "C")
    saved = json.loads(Path(fitted["artifacts"]["value"]["artifacts"][0]["uri"]).read_text())
    assert saved == {"C": 2.0, "rows": 1, "items": {"$tuple": [5]}}

    given = executor_input(
        tmp_path, "score", artifacts={"data": [_list(tmp_path, [1])]}, outputs=("value",),
        output_parameters=("value-auc",),
    )  # fmt: skip
    projections = '{"value-auc": ["value", "auc"]}'
    response = kubeflow(tmp_path, "score", given, "--projections", projections)
    assert response["parameterValues"] == {"value-auc": 0.75}
    metadata = response["artifacts"]["value"]["artifacts"][0]["metadata"]
    assert (metadata["auc"], metadata["loss"], metadata["materializer"]) == (0.75, 0.25, "metrics")

    for items in ([[1], [2, 3]], [[4]], []):
        given = executor_input(
            tmp_path, "gathered", artifacts={"many": [_list(tmp_path, item) for item in items]},
            output_parameters=("value",),
        )  # fmt: skip
        response = kubeflow(tmp_path, "gathered", given, "--lists", "many")
        assert response["parameterValues"] == {"value": sum(sum(item) for item in items)}


@pytest.mark.parametrize(
    ("state", "wanted"),
    [("COMPLETE", "SUCCEEDED"), ("FAILED", "FAILED"), ("CANCELED", "CANCELLED")],
)
def test_kubeflow_tells_an_exit_handler_how_it_ended(
    tmp_path: Path, state: str, wanted: str
) -> None:
    status: dict[str, Any] = {"state": state, "pipelineJobResourceName": "x", "error": {}}
    given = executor_input(tmp_path, "status", {"final": status}, output_parameters=("value",))
    response = kubeflow(tmp_path, "status", given)
    assert response["parameterValues"]["value"].startswith(f"<RunStatus.{wanted}:")


@pytest.mark.parametrize("uri", ["http://169.254.169.254/x", "gs://b/../../etc/passwd", "", None])
def test_kubeflow_opens_no_other_places(tmp_path: Path, uri: str | None) -> None:
    artifact = {**_list(tmp_path, [1]), "uri": uri}
    given = executor_input(tmp_path, "score", artifacts={"data": [artifact]}, outputs=("value",))
    done = run_kubeflow("score", given)
    assert done.returncode == 2, done.stderr


def _list(tmp_path: Path, items: list[int]) -> dict[str, Any]:
    path = tmp_path / f"list{len(os.listdir(tmp_path))}.json"
    path.write_text(json.dumps(items))
    metadata = {
        "digest": hash_file(path).digest, "size": path.stat().st_size, "type": "builtins:list",
        "materializer": "json", "media": "application/json", "unsafe": False,
    }  # fmt: skip
    return {"name": "x", "uri": str(path), "metadata": metadata}


_IMPORTS = """
import sys
before = set(sys.modules)
import penstock_runtime
bare = set(sys.modules) - before
from penstock_runtime import Metrics, RunStatus, log_metric
import penstock_runtime.execute, penstock_runtime.hosts.plain
import penstock_runtime.hosts.airflow, penstock_runtime.hosts.kubeflow
tops = {name.partition(".")[0] for name in set(sys.modules) - before}
print(sorted(bare))
print(sorted(tops - set(sys.stdlib_module_names)))
print(sorted({"asyncio", "logging", "uuid", "socket"} & set(sys.modules) - before))
"""


def test_importing_loads_the_standard_library_only() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTS], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["['penstock_runtime']", "['penstock_runtime']", "[]"]


def test_every_public_name_is_there() -> None:
    import penstock_runtime

    for name in penstock_runtime.__all__:
        assert getattr(penstock_runtime, name).__module__.startswith("penstock_runtime.")
    assert not hasattr(penstock_runtime, "no_such_name")
