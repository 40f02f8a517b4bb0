"""Any program means the same in the real Airflow as in a local run, artifact by artifact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from airflow_support import VERSIONS, in_airflow
from cli_support import process
from conftest import LONG
from engine_support import BASE, engine_or_skip
from hypothesis import HealthCheck, Phase, given, seed, settings
from programs import ALL, Program, programs
from test_local_meaning import Case, case

from penstock.backend import Options, compile_pipeline
from penstock.diagnostics import PipelineError
from penstock.features import Feature
from penstock.ir.nodes import PipelineIR
from penstock_airflow import AirflowBackend
from penstock_runtime.run_id import run_folder, stable_run_id

BACKEND = AirflowBackend()
COMPARED = ("step", "code", "inputs", "fields", "outputs", "projections", "metrics", "metadata")
PROGRAMS = {"3.3": 150 if LONG else 8, "2.11": 150 if LONG else 5}
SECRET = "a secret value"


def generated(count: int, features: frozenset[Feature] = ALL) -> list[Program]:
    """So many programs that Airflow can express, the same in every test run."""
    found: dict[str, Program] = {}

    @seed(20261125)
    @settings(
        max_examples=8 * count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(programs(features=features, size=10))
    def collect(program: Program) -> None:
        if len(found) < count and program.module not in found:
            with case(program) as one:
                if compiled(one.target.ir, Path("/nowhere"), "3.3"):
                    found[program.module] = program

    collect()
    assert len(found) == count
    return list(found.values())


def compiled(ir: PipelineIR, store: Path, version: str) -> str | None:
    """The DAG file; None for what Airflow cannot express."""
    options = Options(str(store), {"airflow-version": version})
    try:
        [text] = compile_pipeline(ir, BACKEND, options).values()
    except PipelineError as refused:
        assert all(one.code.startswith("PS4") for one in refused.diagnostics)
        return None
    return text


def connections(ir: PipelineIR) -> Iterator[tuple[str, str]]:
    """The secrets of a pipeline as connections, in Airflow's own variables."""
    options = [*(one.options for one in ir.steps), *(one.options for one in ir.components)]
    for secrets in (one.secrets or () for one in (*options, ir.options)):
        for secret in secrets:
            fields = dict.fromkeys(("host", "login", "password", "schema"), SECRET)
            extra = {secret.key: SECRET}
            connection = {"conn_type": "generic", **fields, "extra": extra}
            yield f"AIRFLOW_CONN_{secret.name.upper()}", json.dumps(connection)


def commits(folder: Path) -> dict[str, Any]:
    """What each step of a run has committed, as far as two runs have it in common."""
    found: dict[str, Any] = {}
    for file in folder.glob("steps/*/commit.json"):
        record = cast("dict[str, Any]", json.loads(file.read_bytes()))
        found[file.parent.name] = {key: record.get(key) for key in COMPARED}
    return found


@pytest.mark.parametrize("version", VERSIONS)
def test_random_programs_mean_in_airflow_what_they_mean_here(version: str, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    variables: dict[str, str] = {}
    files: dict[str, str] = {}
    cases: dict[str, tuple[Case, Program]] = {}
    asked: dict[str, Any] = {}
    with ExitStack() as stack:
        for number, program in enumerate(generated(PROGRAMS[version])):
            one = stack.enter_context(case(program))
            dag_id = f"program{number}"
            ir = one.target.ir.model_copy(update={"name": dag_id})
            text = compiled(ir, store, version)
            assert text is not None
            files[f"{dag_id}.py"] = text
            variables |= dict(connections(ir))
            cases[dag_id] = one, program
            asked[dag_id] = one.values
        path = ":".join(str(one.folder) for one, _ in cases.values())
        answer = in_airflow(
            "airflow_run.py",
            files,
            tmp_path / "home",
            {"path": path, "runs": asked},
            version=version,
            variables=variables,
            seconds=3600,
        )
        assert answer["errors"] == {}
        for dag_id, (one, program) in cases.items():
            run = answer["runs"][dag_id]
            folder = store / run_folder(stable_run_id(run["run_id"], dag_id))
            told = {name: task["state"] for name, task in run["tasks"].items()}
            local = one.ran("inline", 1)
            assert run["state"] == "success", (told, logs(run), program.source)
            assert commits(folder) == commits(local.folder), program.source
            assert set(told.values()) <= {"success", "skipped"}, told


def logs(run: dict[str, Any]) -> list[str]:
    """What failed steps said."""
    return [one.get("log", "")[-3000:] for one in run["tasks"].values() if one["state"] == "failed"]


IN_CONTAINERS = ALL - {Feature.IMAGE, Feature.RESOURCES, Feature.GPU}
"""Without images that nobody has, and what this machine may not have."""


def test_random_programs_mean_the_same_in_containers(tmp_path: Path) -> None:
    engine_or_skip()
    store = tmp_path / "store"
    store.mkdir()
    store.chmod(0o777)
    files: dict[str, str] = {}
    variables: dict[str, str] = {}
    cases: dict[str, Case] = {}
    with ExitStack() as stack:
        for number, program in enumerate(generated(30 if LONG else 3, IN_CONTAINERS)):
            one = stack.enter_context(case(program))
            cases[f"program{number}"] = one
            variables |= dict(connections(one.target.ir))
            text = _with_images(program, one.folder, store)
            files[f"program{number}.py"] = text.replace('"main"', f'"program{number}"', 1)
        asked = {dag_id: [one.values] for dag_id, one in cases.items()}
        answer = in_airflow(
            "airflow_containers.py",
            files,
            tmp_path / "home",
            asked,
            variables=variables,
            seconds=3600,
        )
        assert answer["errors"] == {}
        for dag_id, one in cases.items():
            [run] = answer["runs"][dag_id]
            assert run["state"] == "success", run
            folder = store / run_folder(stable_run_id(run["run_id"], dag_id))
            assert commits(folder) == commits(one.ran("inline", 1).folder)


def _with_images(program: Program, folder: Path, store: Path) -> str:
    """The DAG file of a program whose images are built."""
    (folder / "pyproject.toml").write_text(f'[tool.penstock.images]\nbase = "{BASE}"\n')
    target = f"{program.module}.py:{program.pipeline}"
    built = process("build", target, cwd=folder)
    assert built.code == 0, built.out + built.err
    words = ("--to", "airflow", "--store", str(store), "-o", "dags")
    done = process("compile", target, *words, cwd=folder)
    assert done.code == 0, done.out + done.err
    [file] = (folder / "dags").glob("*.py")
    return file.read_text("utf-8")
