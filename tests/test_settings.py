"""Settings: `[tool.penstock]`, then variables, then flags."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import HELLO, process


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "hello.py").write_text(HELLO)
    (tmp_path / "inner").mkdir()
    return tmp_path


def store_of(folder: Path, *words: str, **variables: str) -> str:
    done = process(
        "run", str(folder / "hello.py"), "--format", "json", *words, cwd=folder, env=variables
    )
    assert done.code == 0, done.err
    return str(json.loads(done.out.splitlines()[-1])["store"])


def test_each_place_counts_before_the_one_behind_it(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[tool.penstock]\nstore = "kept"\nexecutor = "inline"\n'
    )
    assert store_of(project) == str(project / "kept")
    variable = str(project / "variable")
    assert store_of(project, PENSTOCK_STORE=variable) == variable
    flag = str(project / "flag")
    assert store_of(project, "--store", flag, PENSTOCK_STORE=variable) == flag


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stoer = 1", "has no setting 'stoer'; it has cache, executor, jobs, store"),
        ("jobs = '2'", "jobs is no int"),
        ("jobs = 0", "0 is not in the range"),
        ("executor = 'podman'", "'podman' is not one of"),
        ("jobs = ", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_one_sentence(project: Path, text: str, said: str) -> None:
    (project / "pyproject.toml").write_text(f"[tool.penstock]\n{text}\n")
    done = process("run", "hello.py", cwd=project)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
