"""Every example in the images that penstock plans and builds for it: the same bytes as here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli_support import process
from engine_support import BASE, engine_or_skip

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_an_example_makes_the_same_bytes_in_its_images(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine_or_skip()
    # This choice of a shell's user changes the last bits of sums; images do not know of it.
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    shutil.copy(EXAMPLES / f"{name}.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text(f'[tool.penstock.images]\nbase = "{BASE}"\n')
    built = process("build", f"{name}.py", cwd=tmp_path)
    assert built.code == 0, built.out + built.err
    in_images, here = ran(name, "docker", tmp_path), ran(name, "process", tmp_path)
    assert in_images == here
    assert in_images["outputs"]


def ran(name: str, executor: str, folder: Path) -> dict[str, Any]:
    """What an example gives: the state, outputs and metrics of each step, with their digests."""
    words = ("--executor", executor, "--no-cache", "--format", "json", "--store", executor)
    done = process("run", f"{name}.py", *words, cwd=folder)
    assert done.code == 0, done.out + done.err
    last = json.loads(done.out.splitlines()[-1])
    assert last["state"] == "succeeded"
    steps = {one["step"]: (one["state"], one["outputs"], one["metrics"]) for one in last["steps"]}
    return {"steps": steps, "outputs": last["outputs"]}
