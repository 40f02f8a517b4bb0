"""What a run records of its code: the commit, what was changed since, and a copy."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from local_project import Project

from penstock_runtime.folders import fetch_folder
from penstock_runtime.opening import open_store

FLOW = """
from helpers import double

@step(secrets=[Secret("token", "key", "TOKEN")])
def load(n: int = 4) -> int:
    return double(n)

@pipeline
def flow() -> int:
    return load()
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write(FLOW, "flow")
    made.write("def double(n):\n    return 2 * n\n", "helpers")
    made.write("unused = 1\n", "other")
    return made


def git(project: Project, *arguments: str) -> str:
    """A command of git in the project."""
    done = subprocess.run(
        ["git", "-C", project.folder, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def committed(project: Project) -> str:
    """The project with all its files in git; the commit."""
    git(project, "init", "-q")
    git(project, "add", ".")
    git(project, "commit", "-qm", "first")
    git(project, "remote", "add", "origin", "https://ada:secret@example.org/flow.git")
    return git(project, "rev-parse", "HEAD")


def start(project: Project, secret: str = "s3cr3t-value") -> Any:
    """The first record of a run."""
    done = project.command("run", "flow.py", "--executor", "inline", env={"TOKEN": secret})
    assert done.returncode == 0, done.stderr
    return json.loads(
        (project.last_run(project.folder / ".penstock") / "00-start.json").read_text()
    )


def test_a_clean_commit(project: Project) -> None:
    commit = committed(project)
    record = start(project)
    assert record["git"] == {
        "commit": commit,
        "dirty": False,
        "remote": "https://example.org/flow.git",
    }


def test_changes_are_kept_as_a_patch_and_new_files_by_name(project: Project) -> None:
    committed(project)
    project.write("def double(n):\n    return n + n\n", "helpers")
    project.write("new = 1\n", "added")
    record = start(project)["git"]
    assert record["dirty"] is True
    assert record["untracked"] == ["added.py"]
    patch = open_store(str(project.folder / ".penstock")).read_bytes(record["patch"])
    assert b"+    return n + n" in patch
    git(project, "stash", "-q")
    subprocess.run(["git", "-C", project.folder, "apply"], input=patch, check=True)
    assert "n + n" in (project.folder / "helpers.py").read_text()


def test_outside_of_git_a_run_works_and_says_so(project: Project) -> None:
    done = project.command("run", "flow.py", env={"TOKEN": "s3cr3t-value"})
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("(the code is not in git)")
    assert start(project)["git"] is None


def test_the_code_that_ran_is_kept(project: Project) -> None:
    record = start(project)
    store = open_store(str(project.folder / ".penstock"))
    target = project.folder / "copy"
    fetch_folder(store.read_bytes(record["source"]), store, target)
    names = sorted(one.name for one in target.iterdir())
    assert names == ["flow.py", "helpers.py"]
    assert (target / "flow.py").read_text() == (project.folder / "flow.py").read_text()


def test_code_that_holds_a_secret_is_not_kept(project: Project) -> None:
    committed(project)
    project.write("KEY = 's3cr3t-value'\ndef double(n):\n    return n + n\n", "helpers")
    record = start(project)
    assert record["source"] is None
    assert "patch" not in record["git"]
    for file in (project.folder / ".penstock").rglob("*"):
        assert not file.is_file() or b"s3cr3t-value" not in file.read_bytes()
