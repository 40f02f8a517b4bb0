"""The DAG files of the golden pipelines: to the letter, formatted, and fine with ruff."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from conftest import LONG
from goldens_support import TESTS, check_golden, golden_pipelines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import ALL, Program, programs, traced

from penstock.backend import Options, compile_pipeline
from penstock.diagnostics import PipelineError
from penstock.ir.nodes import PipelineIR
from penstock.ir.write import to_plain
from penstock.ir.yamltext import dump
from penstock_airflow import AirflowBackend

HEAVY = [HealthCheck.too_slow, HealthCheck.data_too_large]
GOLDENS = TESTS / "goldens/airflow"
BIN = Path(sys.executable).parent
BACKEND = AirflowBackend()
NAMES = [name for name, _ in golden_pipelines()]


def compiled(ir: PipelineIR) -> dict[str, str] | None:
    """The files, or None where the pipeline uses what the table says is missing."""
    try:
        return dict(compile_pipeline(ir, BACKEND, Options()))
    except PipelineError as error:
        assert {found.code for found in error.diagnostics} == {"PS401"}
        return None


@pytest.mark.parametrize(("name", "ir"), golden_pipelines(), ids=NAMES)
def test_the_emitted_file_is_the_golden_one(name: str, ir: PipelineIR) -> None:
    files = compiled(ir)
    golden = GOLDENS / f"{name}.py"
    if files is None:
        assert not golden.exists(), f"{name} does not compile, but there is a golden file"
        return
    assert list(files) == [f"{ir.name}.py"]
    check_golden(golden, files[f"{ir.name}.py"])


def test_there_is_no_golden_file_too_many() -> None:
    assert {file.stem for file in GOLDENS.iterdir()} <= set(NAMES)


def test_emission_is_pure(tmp_path: Path) -> None:
    """From the YAML alone, in another process, folder and hash seed: the same bytes."""
    plans = {name: dump(to_plain(ir)) for name, ir in golden_pipelines() if compiled(ir)}
    program = """
import json, sys
from penstock.backend import Options, compile_pipeline
from penstock.ir.plain import from_plain
from penstock.ir.yamltext import load
from penstock_airflow import AirflowBackend
plans = json.load(sys.stdin)
emitted = {
    name: compile_pipeline(from_plain(load(plan)), AirflowBackend(), Options())
    for name, plan in plans.items()
}
print(json.dumps(emitted))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(plans),
        env={**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    for name, files in json.loads(done.stdout).items():
        assert files == compiled(dict(golden_pipelines())[name])


def test_ruff_would_not_change_a_golden_file() -> None:
    run: list[str | Path] = [BIN / "ruff", "format", "--isolated", "--diff", GOLDENS]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_has_no_complaint_about_a_golden_file() -> None:
    rules = "AIR,E,F,I,W"
    run: list[str | Path] = [
        BIN / "ruff",
        "check",
        "--isolated",
        "--preview",
        "--select",
        rules,
        GOLDENS,
    ]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_would_not_change_the_file_of_any_program(tmp_path: Path) -> None:
    """Whatever the program and the runner: formatted, and nothing to complain of but long texts."""
    count = 0

    @settings(max_examples=1000 if LONG else 40, database=None, suppress_health_check=HEAVY)
    @given(programs(features=ALL, size=14), st.sampled_from(["docker", "kubernetes", "python"]))
    def emit(program: Program, runner: str) -> None:
        nonlocal count
        with TemporaryDirectory() as folder:
            ir = traced(program, Path(folder))
        store = "s3://bucket/runs" if runner == "python" else None
        try:
            [text] = compile_pipeline(ir, BACKEND, Options(store, {"runner": runner})).values()
        except PipelineError:
            return
        count += 1
        (tmp_path / f"dag{count}.py").write_text(text, "utf-8")

    emit()
    assert count > 10
    for words in (["format", "--diff"], ["check", "--preview", "--select", "AIR,E,F,I,W"]):
        more = ["--ignore", "E501"] if words[0] == "check" else []
        run: list[str | Path] = [BIN / "ruff", words[0], "--isolated", *words[1:], *more, tmp_path]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
