"""What a local run costs beside the user's own code: the steps here do nothing."""

from __future__ import annotations

import compileall
import os
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
                        limit=durable(1) * 1000 if clock == "wall" else None,
                        against="one file and fsync" if clock == "wall" else "",
                    )
                )
        return found


def _cold(folder: Path, executor: str, repeat: int) -> list[Figure]:
    penstock = Path(sys.executable).parent / "penstock"
    program = folder / f"chain_{SHORT}.py"
    runs = timed(
        [penstock, "run", program, "--executor", executor, "--quiet", "--no-cache"], repeat
    )
    name = f"penstock run of {SHORT} steps, {executor}, cold"
    walls, cpus = [one.wall for one in runs], [one.cpu for one in runs]
    least, files = durable(SHORT), f"{SHORT} files and fsync"
    return [
        Figure(name, "s", "wall", best(walls), 0.5, median(walls), None, least, files),
        Figure(name, "s", "cpu", best(cpus), None, median(cpus)),
    ]


def durable(files: int) -> float:
    """Seconds to write so many small files that a power cut leaves whole: the least a record costs.

    Without it the figures would judge the disk.
    """
    with tempfile.TemporaryDirectory() as name:
        times: list[float] = []
        for _ in range(5):
            began = time.perf_counter()
            for number in range(files):
                with open(Path(name) / str(number), "wb") as file:
                    file.write(b"{}")
                    file.flush()
                    os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
        return best(times)
