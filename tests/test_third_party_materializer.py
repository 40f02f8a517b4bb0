"""A materializer of somebody else: installed, found by its type, and used in a run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

THIRD_PARTY = Path(__file__).with_name("third_party_materializer")

PIPELINE = """
from penstock import pipeline, step
from penstock_money import Euro


@step
def earn(cents: int) -> Euro:
    return Euro(cents)


@step
def count(money: Euro) -> int:
    return money.cents


@pipeline
def purse(cents: int = 7) -> int:
    return count(earn(cents))
"""


def installed(folder: Path) -> Path:
    """The folder that the distribution is installed into."""
    source, target = folder / "source", folder / "target"
    shutil.copytree(THIRD_PARTY, source)
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--no-input"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", target, source],
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        check=True,
    )
    return target


def test_it_is_found_and_used_in_a_run(tmp_path: Path) -> None:
    target = installed(tmp_path)
    (tmp_path / "purse.py").write_text(PIPELINE)

    def run(path: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).parent / "penstock", "run", "purse.py", "--executor", "inline"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(path)},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run(target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Euro" in done.stdout

    # The same module without what registers it: the class refuses to be pickled.
    (tmp_path / "bare").mkdir()
    shutil.copy(target / "penstock_money.py", tmp_path / "bare")
    refused = run(tmp_path / "bare")
    assert refused.returncode == 1
    assert "error[PS214]" in refused.stderr
    assert "returns a Euro, which cannot be stored" in refused.stderr
