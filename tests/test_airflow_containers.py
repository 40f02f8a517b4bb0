"""Examples in the real Airflow, each step in a container of the image that penstock builds for it.

The artifacts are those of a local run, byte by byte.
"""

from __future__ import annotations

import json
import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import pytest
from airflow_support import VERSIONS, in_airflow, once
from cli_support import process
from engine_support import BASE, engine_or_skip
from test_airflow_meaning import commits

from penstock_runtime.run_id import run_folder, stable_run_id

ROOT = Path(__file__).resolve().parents[1]
FILES = {
    "hello": ROOT / "examples/hello.py",
    "text_tokens": ROOT / "examples/text_tokens.py",
    "breast_cancer": ROOT / "examples/breast_cancer.py",
    "search": ROOT / "tests/golden_pipelines/search.py",
    "odd": ROOT / "tests/airflow_pipelines/odd.py",
}
CONFS: dict[str, list[dict[str, Any]]] = {
    "hello": [{"name": "Ada {{ 7*7 }}.sh\n"}],
    "text_tokens": [{}],
    "breast_cancer": [{"C": 0.5}],
    "search": [{}, {"rows": 0, "depths": [], "floor": 99.0}],
    "odd": [{}],
}
SECRET = {"conn_type": "generic", "password": "s3cr3t"}


@pytest.fixture(scope="module", params=VERSIONS)
def ran(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path, Path]:
    """What Airflow made of every pipeline, its store, and the folder of the pipelines."""
    engine_or_skip()
    version: str = request.param

    def make() -> dict[str, Any]:
        folder, store = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("store")
        store.chmod(0o777)  # the user of the images is not the one of the tests
        dags = {name: _compiled(name, folder, store, version) for name in FILES}
        answer = in_airflow(
            "airflow_containers.py",
            {f"{name}.py": text for name, text in dags.items()},
            tmp_path_factory.mktemp("airflow"),
            CONFS,
            version=version,
            variables={"AIRFLOW_CONN_REGISTRY": json.dumps(SECRET)},
        )
        return {**answer, "store": str(store), "folder": str(folder)}

    answer = once(tmp_path_factory, f"airflow-containers-{version}", make)
    assert answer["errors"] == {}
    return answer["runs"], Path(answer["store"]), Path(answer["folder"])


def _compiled(name: str, folder: Path, store: Path, version: str) -> str:
    """The DAG file of a pipeline whose images are built."""
    (folder / "pyproject.toml").write_text(f'[tool.penstock.images]\nbase = "{BASE}"\n')
    shutil.copy(FILES[name], folder)
    built = process("build", f"{name}.py", cwd=folder)
    assert built.code == 0, built.out + built.err
    words = ("--option", f"airflow-version={version}", "--store", str(store), "-o", "dags")
    done = process("compile", f"{name}.py", "--to", "airflow", *words, cwd=folder)
    assert done.code == 0, done.out + done.err
    return (folder / f"dags/{name}.py").read_text("utf-8")


@pytest.mark.parametrize("name", [one for one in FILES if one != "odd"])
def test_an_example_gives_the_same_bytes_in_airflow(
    name: str, ran: tuple[dict[str, Any], Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    # This choice of a shell's user changes the last bits of sums; images do not know of it.
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    monkeypatch.setenv("TOKEN", SECRET["password"])
    runs, store, folder = ran
    for run, conf in zip(runs[name], CONFS[name], strict=True):
        assert run["state"] == "success", run["tasks"]
        given = [part for pair in conf.items() for part in ("-p", _given(*pair))]
        words = ("--no-cache", "--format", "json", "--store", "here", "--quiet", *given)
        here = process("run", f"{name}.py", *words, cwd=folder)
        assert here.code == 0, here.out + here.err
        last = json.loads(here.out.splitlines()[-1])
        local = commits(folder / "here" / run_folder(last["run"]))
        assert commits(store / run_folder(stable_run_id(run["run_id"], name))) == local


def _given(name: str, value: Any) -> str:
    return f"{name}={value if isinstance(value, str) else json.dumps(value)}"


def test_odd_steps_end_as_they_must(ran: tuple[dict[str, Any], Path, Path]) -> None:
    runs, store, folder = ran
    [run] = runs["odd"]
    image = re.search(r'"image": "(penstock-odd:\w+)"', (folder / "dags/odd.py").read_text("utf-8"))
    assert image is not None
    with closing(docker.from_env()) as client:
        assert client.containers.list(all=True, filters={"ancestor": image[1]}) == []
    states = {name: task["state"] for name, task in run["tasks"].items()}
    assert run["state"] == "failed"
    assert states == {
        "noisy": "success",
        "large": "success",
        "length": "success",
        "leaves": "failed",
        "after_leaves": "upstream_failed",
        "slow": "failed",
        "flaky": "success",
        "tell": "success",
        "done": "upstream_failed",
        "record": "success",
    }
    assert run["tasks"]["length"]["xcom"] == {"value": 200_000}
    assert run["tasks"]["flaky"]["xcom"] == {"value": 3}
    assert run["tasks"]["tell"]["xcom"] == {"value": "failed"}
    assert run["tasks"]["noisy"]["xcom"] == {"value": {"é": [1.5, 2.0]}}
    records = store / run_folder(stable_run_id(run["run_id"], "odd"))
    assert json.loads((records / "99-end.json").read_bytes())["status"] == "failed"
