"""Tests what scripts/environment.sh says when something is missing; `make setup` tests the rest."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("awk", "bash", "cat", "cut", "dirname", "flock", "grep", "mkdir", "rm", "sed", "sha256sum")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout on a machine that has the usual tools and no Python."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def fake_python(checkout: Path, name: str, body: str) -> None:
    script = checkout / "bin" / name
    script.write_text(f"#!{shutil.which('bash')}\n{body}\n", "utf-8")
    script.chmod(0o755)


def set_up(checkout: Path, **env: str) -> tuple[int, str]:
    done = subprocess.run(
        [checkout / "scripts/environment.sh", ".venv", "requirements/dev.txt", "--editable"],
        env={"PATH": str(checkout / "bin"), "HOME": os.devnull} | env,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_no_python(checkout: Path) -> None:
    code, said = set_up(checkout)
    assert code == 1
    assert said.count("\n") == 1
    assert "Python 3.11 or newer is needed" in said


def test_only_an_old_python(checkout: Path) -> None:
    fake_python(checkout, "python3", "exit 1")
    code, said = set_up(checkout)
    assert code == 1
    assert "Python 3.11 or newer is needed" in said


def test_no_venv_module(checkout: Path) -> None:
    fake_python(checkout, "python3.12", 'case "$*" in *ensurepip*) exit 1 ;; esac')
    code, said = set_up(checkout)
    assert code == 1
    assert said.count("\n") == 1
    assert "python3.12 is here" in said
    assert "apt-get install python3-venv" in said


def test_a_python_that_was_asked_for_is_not_replaced(checkout: Path) -> None:
    fake_python(checkout, "python3.11", 'case "$*" in *ensurepip*) exit 1 ;; esac')
    code, said = set_up(checkout, PYTHON="python9")
    assert code == 1
    assert "PYTHON=python9" in said


def test_a_download_that_fails_is_explained(checkout: Path) -> None:
    # Stands in for an interpreter whose pip finds no network: all but the download succeeds.
    fake_python(
        checkout,
        "python3.11",
        'case "$*" in\n'
        '*--version*) echo "Python 3.11.0" ;;\n'
        '*"-m venv"*) mkdir -p "${@: -1}/bin"; cat "$0" >"${@: -1}/bin/python"\n'
        f'    {shutil.which("chmod")} +x "${{@: -1}}/bin/python" ;;\n'
        '*"pip install"*) echo "no route to host" >&2; exit 1 ;;\n'
        "esac",
    )
    code, said = set_up(checkout)
    assert code == 1
    assert "no route to host" in said
    assert "Without a network nothing can be downloaded" in said
    assert not (checkout / ".envs/uv/.stamp").exists()
