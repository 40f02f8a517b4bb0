"""Tensors of PyTorch, in the environment that `make torch` makes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".envs/torch/bin/python"


def digests(seed: int) -> list[str]:
    assert PYTHON.exists(), "run `make torch`"
    surroundings = {
        "PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT / 'tests'}",
        "PYTHONHASHSEED": str(seed),
        "PADDING": "x" * seed * 500,
    }
    done = subprocess.run(
        [PYTHON, "-W", "error", ROOT / "tests/torch_values.py"],
        env=os.environ | surroundings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


def test_tensors_come_back_and_have_the_same_bytes_in_every_process() -> None:
    first = digests(1)
    assert len(first) == 15
    assert digests(2) == first
