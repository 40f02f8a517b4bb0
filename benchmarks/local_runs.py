"""What a local run costs beside the user's own code: the steps here do nothing."""

from __future__ import annotations

import compileall
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.processes import best, median, python, timed, told
from benchmarks.programs import chain
from benchmarks.report import Figure

SHORT, LONG = 10, 60
STEP_MILLISECONDS = {"inline": 5.0, "process": 25.0}


def figures(root: Path, quick: bool) -> list[Figure]:
    """A cold `penstock run`, fully recorded, and the cost of one more step."""
    repeat = 1 if quick else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in (SHORT, LONG):
            (folder / f"chain_{size}.py").write_text(chain(size))
        compileall.compile_dir(folder, quiet=1)
        script = root / "benchmarks" / "run_one.py"
        found: list[Figure] = []
        for executor, target in STEP_MILLISECONDS.items():
            found += _cold(folder, executor, repeat)
            rounds = [
                [told(python(script, folder, f"chain_{size}", executor)) for size in (SHORT, LONG)]
                for _ in range(repeat)
            ]
            for clock in ("wall", "cpu"):
                steps = [
                    (long[clock] - short[clock]) / (LONG - SHORT) * 1000 for short, long in rounds
                ]
                found.append(
                    Figure(
                        f"one more step, {executor}",
                        "ms",
                        clock,
                        best(steps),
                        target if clock == "wall" else None,
                        median(steps),
                    )
                )
        return found


def _cold(folder: Path, executor: str, repeat: int) -> list[Figure]:
    penstock = Path(sys.executable).parent / "penstock"
    program = folder / f"chain_{SHORT}.py"
    runs = timed([penstock, "run", program, "--executor", executor, "--quiet"], repeat)
    name = f"penstock run of {SHORT} steps, {executor}, cold"
    walls, cpus = [one.wall for one in runs], [one.cpu for one in runs]
    calls = f"calling {SHORT} functions"
    return [
        Figure(name, "s", "wall", best(walls), 0.5, median(walls), None, _calls(), calls),
        Figure(name, "s", "cpu", best(cpus), None, median(cpus), best(walls), _calls(), calls),
    ]


def _calls() -> float:
    """Seconds of ten plain calls."""

    def more(value: int) -> int:
        return value + 1

    times: list[float] = []
    for _ in range(100):
        began = time.perf_counter()
        value = 0
        for _ in range(SHORT):
            value = more(value)
        times.append(time.perf_counter() - began)
    return min(times)
