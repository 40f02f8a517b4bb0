"""Steps as pods, and in a Python of the workers: the same DAG but for the operator."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow_support import VERSIONS, in_airflow, once
from goldens_support import SOURCES, TESTS, check_golden, golden_pipelines
from test_airflow_meaning import commits

from penstock.backend import Options, compile_pipeline
from penstock_airflow import AirflowBackend
from penstock_runtime.run_id import run_folder, stable_run_id

BACKEND = AirflowBackend()
PIPELINES = {
    name: ir for name, ir in golden_pipelines() if name in ("options", "search", "several")
}
PATH = ":".join(map(str, SOURCES))
CONNECTION = {"conn_type": "generic", "password": "a secret value"}
VARIABLES = {
    f"AIRFLOW_CONN_{name}": json.dumps(CONNECTION) for name in ("REGISTRY", "WAREHOUSE", "VAULT")
}
KEPT = {"AIRFLOW_VAR_REGISTRY": json.dumps({"password": "a secret value"})}
KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
current-context: none
users: [{name: none, user: {}}]
"""
"""Names a cluster that is not there: pods are built, not started."""
RUNS: dict[str, dict[str, Any]] = {"search": {"rows": 3}, "several": {}}


def emitted(name: str, store: str | None = None, **options: str) -> str:
    values = {key.replace("_", "-"): value for key, value in options.items()}
    [text] = compile_pipeline(PIPELINES[name], BACKEND, Options(store, values)).values()
    return text


VARIANTS: dict[str, tuple[str | None, dict[str, str]]] = {
    "kubernetes": (None, {"runner": "kubernetes"}),
    "python": ("/srv/penstock", {"runner": "python", "python": "/opt/ml/bin/python"}),
    "2.11": (None, {"airflow_version": "2.11"}),
    "3.2": (None, {"airflow_version": "3.2"}),
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ["options", "search"])
def test_the_emitted_file_is_the_golden_one(name: str, variant: str) -> None:
    store, options = VARIANTS[variant]
    check_golden(TESTS / f"goldens/airflow-{variant}/{name}.py", emitted(name, store, **options))


@pytest.mark.parametrize("variant", VARIANTS)
def test_ruff_would_leave_the_file_as_it_is(variant: str) -> None:
    folder = TESTS / f"goldens/airflow-{variant}"
    # What is for Airflow 2 cannot be written as Airflow 3 would have it.
    rules = "E,F,I,W" if variant.startswith("2") else "AIR,E,F,I,W"
    ruff = Path(sys.executable).parent / "ruff"
    for words in (["check", "--preview", "--select", rules], ["format", "--diff"]):
        command: list[str | Path] = [ruff, words[0], "--isolated", *words[1:], folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("runner", ["kubernetes", "python"])
def test_only_the_operator_differs_from_runner_to_runner(runner: str) -> None:
    docker = _tasks(emitted("search", "s3://bucket/runs"))
    other = _tasks(emitted("search", "s3://bucket/runs", runner=runner))
    changed = [
        line[1:].strip()
        for line in difflib.ndiff(docker.split("\n"), other.split("\n"))
        if line[0] in "+-"
    ]
    end = {
        "command=[" + ", ".join(f'"{word}"' for word in RECORD) + "],",
        'arguments=["end"],',
    }
    secrets = {
        'credentials={"TOKEN": ("registry", "password")},',
        'secrets=[Secret("env", "TOKEN", "registry", "password")],',
    }
    assert set(changed) <= end | secrets


RECORD = ("python", "-m", "penstock_runtime", "airflow", "end")


def _tasks(text: str) -> str:
    """What stands below the arguments of the DAG."""
    return text.partition("\n):\n")[2]


@pytest.fixture(scope="module", params=VERSIONS)
def pods(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    """The pods of two pipelines, and what came out of their runs."""

    def make() -> Any:
        store = str(tmp_path_factory.mktemp("store"))
        # A folder as pods do not have one, put in after the file was emitted.
        files = {
            f"{name}.py": emitted(
                name, runner="kubernetes", airflow_version=request.param, namespace="ml"
            ).replace('STORE = "/data/penstock"', f"STORE = {store!r}")
            for name in RUNS
        }
        asked = {"path": PATH, "runs": RUNS}
        home = tmp_path_factory.mktemp("airflow")
        (home / "kubeconfig").write_text(KUBECONFIG)
        answer = in_airflow(
            "airflow_pods.py",
            files,
            home,
            asked,
            version=request.param,
            variables={"KUBECONFIG": str(home / "kubeconfig")},
        )
        return {**answer, "store": store}

    answer = once(tmp_path_factory, f"airflow-pods-{request.param}", make)
    assert answer["errors"] == {}
    return answer, Path(answer["store"])


def test_pods_are_what_a_cluster_takes_and_steps_run_in_them(
    pods: tuple[dict[str, Any], Path],
) -> None:
    answer, store = pods
    for name, run in answer["runs"].items():
        assert set(run["tasks"].values()) <= {"success", "skipped"}, answer["said"]
        folder = store / run_folder(stable_run_id(run["run_id"], name))
        assert json.loads((folder / "99-end.json").read_bytes())["status"] == "succeeded"
        assert commits(folder)
    shown = {
        name: pod
        for name, pod in answer["pods"].items()
        if name in ("search/load", "search/fit[1]", "search/chosen.publish", "search/record")
    }
    text = json.dumps(shown, indent=2, sort_keys=True).replace(str(store), "/data/penstock")
    check_golden(TESTS / "goldens/airflow-kubernetes/pods.json", text + "\n")


def test_a_step_gets_what_it_asks_of_kubernetes() -> None:
    text = emitted("options", runner="kubernetes", gpu_label="cloud.example.com/gpu")
    assert 'requests={"cpu": "2", "memory": "4Gi"}' in text
    assert 'limits={"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "1"}' in text
    assert 'Secret("env", "WAREHOUSE_KEY", "warehouse", "password")' in text


@pytest.mark.parametrize("version", VERSIONS)
def test_steps_run_in_a_python_of_the_workers(version: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    secrets = "variables" if version == "2.11" else "connections"
    options = {
        "runner": "python",
        "python": sys.executable,
        "airflow_version": version,
        "secrets": secrets,
    }
    files = {f"{name}.py": emitted(name, str(store), **options) for name in RUNS}
    answer = in_airflow(
        "airflow_containers.py",
        files,
        tmp_path / "home",
        {name: [conf] for name, conf in RUNS.items()},
        version=version,
        variables={"PENSTOCK_PATH": PATH, **(VARIABLES if secrets == "connections" else KEPT)},
    )
    assert answer["errors"] == {}
    for name, [run] in answer["runs"].items():
        assert run["state"] == "success", run
        folder = store / run_folder(stable_run_id(run["run_id"], name))
        assert json.loads((folder / "99-end.json").read_bytes())["status"] == "succeeded"
        assert b"a secret value" not in b"".join(
            file.read_bytes() for file in store.rglob("*") if file.is_file()
        )
