"""Ten steps in containers, beside the same ten calls by `docker run`, in the same minutes."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.processes import best, environment, median
from benchmarks.report import Figure

BASE = f"penstock-test-base:{sys.version_info.major}.{sys.version_info.minor}"
STEPS = 10
JOBS = 2

PROGRAM = f"""\
from penstock import each, pipeline, step


@step
def more(value: int) -> int:
    return value + 1


@pipeline
def bench():
    with each(list(range({STEPS}))) as value:
        more(value)
"""
CALL = "from ten import more; assert more({}) == {} + 1"


def figures(root: Path, quick: bool) -> list[Figure]:
    """Whole processes, by turns, so that both see the same machine."""
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ten.py").write_text(PROGRAM)
        (folder / "pyproject.toml").write_text(f'[tool.penstock.images]\nbase = "{BASE}"\n')
        _call(folder, _penstock("build"))
        image = _image(folder)
        _call(folder, _run_of_ten(folder))
        for _ in range(1 if quick else 7):
            began = time.perf_counter()
            _ten_by_hand(folder, image)
            bare.append(time.perf_counter() - began)
            began = time.perf_counter()
            _call(folder, _run_of_ten(folder))
            ours.append(time.perf_counter() - began)
    against = "docker run of the same ten"
    run = f"penstock run of {STEPS} steps in containers, {JOBS} at once"
    over = best(ours) - best(bare)
    typical = median(ours) - median(bare)
    return [
        Figure(run, "s", "wall", best(ours), None, median(ours), None, best(bare), against),
        Figure(f"{run}: overhead", "s", "wall", over, 1.0, typical),
    ]


def _run_of_ten(folder: Path) -> list[str | Path]:
    store = folder / ".penstock"
    options = ["--executor", "docker", "--no-cache", "--quiet", "--jobs", str(JOBS)]
    return [*_penstock("run"), *options, "--store", store]


def _penstock(command: str) -> list[str | Path]:
    return [Path(sys.executable).parent / "penstock", command, "ten.py"]


def _image(folder: Path) -> str:
    plan = json.loads(_call(folder, [*_penstock("run"), "--dry-run", "--format", "json"]))
    image: str = plan["steps"][0]["image"]
    return image


def _ten_by_hand(folder: Path, image: str) -> None:
    """What somebody would write in a shell who knows docker."""

    def one(number: int) -> str:
        call = CALL.format(number, number)
        return _call(folder, ["docker", "run", "--rm", image, "python3", "-c", call])

    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(one, range(STEPS)))


def _call(folder: Path, command: Sequence[str | Path]) -> str:
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
