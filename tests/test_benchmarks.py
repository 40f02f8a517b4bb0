"""The benchmarks run, at sizes where time says nothing; how long they take is never tested."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def answer(script: str, *words: str | Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / script, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS.parent), *sys.path])


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A folder with each generated program, of a few steps."""
    from benchmarks.programs import SHAPES

    for name, write in SHAPES.items():
        (tmp_path / f"{name}_4.py").write_text(write(4))
    return tmp_path


@pytest.mark.parametrize("shape", ["chain", "fan_out", "branches", "nested", "deep_whens"])
def test_each_program_compiles(shape: str, sources: Path) -> None:
    found = answer("compile_one.py", sources, f"{shape}_4", "yaml", "chain_4")
    assert found["bytes"] > 100
    assert found["peak"] > 1


@pytest.mark.parametrize("target", ["local", "airflow", "kubeflow"])
def test_each_target_compiles(target: str, sources: Path) -> None:
    assert answer("compile_one.py", sources, "chain_4", target)["bytes"] > 100


@pytest.mark.parametrize("executor", ["inline", "process"])
def test_a_run_is_measured(executor: str, sources: Path) -> None:
    assert answer("run_one.py", sources, "chain_4", executor).keys() == {"cpu", "wall"}


def test_a_large_file_is_measured(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(bytes(9 << 20))
    found = answer("big_file_one.py", tmp_path / "store", tmp_path / "source", tmp_path / "copy")
    assert found.keys() == {"put", "copy", "fetch", "memory"}


def test_writers_write_whole_runs_at_once() -> None:
    from benchmarks import many_writers

    (figure,) = many_writers.figures(BENCHMARKS.parent, quick=True)
    assert 0 < figure.best < 60_000


def test_calls_of_a_step_are_measured(tmp_path: Path) -> None:
    found = answer("log_one.py", tmp_path / "store", "100")
    assert {"log_metric", "log_metric with a step", "log_metadata", "current_run"} <= found.keys()


@pytest.mark.parametrize("name", ["fan_out", "table"])
def test_whole_runs_are_measured(name: str) -> None:
    import importlib

    figures = importlib.import_module(f"benchmarks.{name}").figures(BENCHMARKS.parent, True)
    assert len([one for one in figures if one.target is not None]) >= 2
    assert all(one.best > 0 for one in figures)


def test_a_program_has_as_many_steps_as_asked() -> None:
    from benchmarks.programs import SHAPES

    for name in ("chain", "fan_out", "branches"):
        assert SHAPES[name](7).count("= more(v") == 6, name  # and `first`
    assert SHAPES["nested"](1000).count("value = more(value)") == 1000


def test_the_table_says_what_misses() -> None:
    from benchmarks.report import Figure, as_json, as_table

    figures = [
        Figure("quick", "s", "cpu", 0.5, 1.0, limit=0.25, against="a peer"),
        Figure("slow", "s", "cpu", 2.0, 1.0),
        Figure("only shown", "s", "cpu", 2.0),
    ]
    lines = as_table(figures).splitlines()
    assert [line.split()[-1] for line in lines[1:4]] == ["ok", "MISS", "cpu"]
    assert "2.0x" in lines[1]
    assert "1 of 2 miss their target" in lines
    rows = json.loads(as_json(figures))["figures"]
    assert [row["reached"] for row in rows] == [True, False, True]
