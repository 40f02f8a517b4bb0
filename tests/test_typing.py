"""What mypy and pyright reveal and refuse in users' code, against the comments in `typing/`.

`# reveals: T` is what both reveal for the line; `# mypy says: code, …` and
`# pyright says: rule, …` are the errors of the line. A line without a comment has no errors.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "tests/typing").glob("*.py"))
BIN = Path(sys.executable).parent
Line = tuple[str, int]


@dataclass
class Said:
    """What a type checker says: revealed types, and errors by line."""

    reveals: dict[Line, str] = field(default_factory=dict[Line, str])
    errors: Counter[tuple[Line, str]] = field(default_factory=Counter[tuple[Line, str]])


def ran(*command: str | Path) -> str:
    env = os.environ | {"PYRIGHT_PYTHON_GLOBAL_NODE": "false", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def mypy(tmp_path_factory: pytest.TempPathFactory) -> Said:
    cache = tmp_path_factory.getbasetemp().parent / "mypy-typing"
    options: list[str | Path] = [
        "--config-file",
        ROOT / "pyproject.toml",
        "--output",
        "json",
        "--cache-dir",
        cache,
    ]
    said = Said()
    for row in ran(BIN / "mypy", *options, *FILES).splitlines():
        found = json.loads(row)
        place = (Path(found["file"]).name, found["line"])
        revealed = re.match(r'Revealed type is "(.*)"', found["message"])
        if revealed:
            said.reveals[place] = revealed[1]
        elif found["severity"] == "error":
            said.errors[place, found["code"]] += 1
    return said


@pytest.fixture(scope="session")
def pyright(tmp_path_factory: pytest.TempPathFactory) -> Said:
    # A project of its own: the repository's leaves this folder out.
    project = tmp_path_factory.mktemp("pyright") / "pyrightconfig.json"
    settings = {
        "include": [os.path.relpath(ROOT / "tests/typing", project.parent)],
        "extraPaths": [str(ROOT / name) for name in ("compiler", "backends", "runtime")],
        "typeCheckingMode": "strict",
        # The examples are about the types of what they do not go on to use.
        "reportUnusedVariable": False,
        "reportUnusedExpression": False,
        "pythonVersion": "3.11",
    }
    project.write_text(json.dumps(settings), "utf-8")
    command: list[str | Path] = [
        BIN / "pyright",
        "--outputjson",
        "--pythonpath",
        sys.executable,
        "-p",
        project,
    ]
    said = Said()
    for found in json.loads(ran(*command))["generalDiagnostics"]:
        place = (Path(found["file"]).name, found["range"]["start"]["line"] + 1)
        revealed = re.match(r'Type of ".*" is "(.*)"', found["message"], re.DOTALL)
        if revealed:
            said.reveals[place] = revealed[1]
        elif found["severity"] == "error":
            said.errors[place, found.get("rule", found["message"])] += 1
    return said


def expected(tool: str) -> Said:
    """What the comments say."""
    said = Said()
    for file in FILES:
        for number, text in enumerate(file.read_text("utf-8").splitlines(), start=1):
            place = (file.name, number)
            if found := re.search(r"# reveals: (\S.*)$", text):
                said.reveals[place] = found[1]
            if found := re.search(rf"# {tool} says: ([\w\-, ]+)", text):
                said.errors.update((place, code.strip()) for code in found[1].split(","))
    return said


def short(kind: str) -> str:
    """The type without modules, and without mypy's and pyright's different ways to write one."""
    bare = re.sub(r"\b(?:\w+\.)+(?=\w)", "", kind).removesuffix("*")
    named = re.fullmatch(r"tuple\[.*, fallback=(\w+)\]", bare)
    return named[1] if named else bare


@pytest.mark.parametrize("tool", ["mypy", "pyright"])
def test_types_are_revealed(tool: str, request: pytest.FixtureRequest) -> None:
    said: Said = request.getfixturevalue(tool)
    assert {place: short(kind) for place, kind in said.reveals.items()} == expected(tool).reveals


@pytest.mark.parametrize("tool", ["mypy", "pyright"])
def test_mistakes_are_refused(tool: str, request: pytest.FixtureRequest) -> None:
    said: Said = request.getfixturevalue(tool)
    wanted = expected(tool).errors
    assert sorted((said.errors - wanted).elements()) == []
    assert sorted((wanted - said.errors).elements()) == []


def test_the_files_expect_something() -> None:
    for tool in ("mypy", "pyright"):
        said = expected(tool)
        assert {file.name for file in FILES} == {name for name, _ in said.reveals}
        assert {file.name for file in FILES} == {name for (name, _), _ in said.errors}
