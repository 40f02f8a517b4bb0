"""Sixteen processes that write runs into one store at once."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

from benchmarks.local_runs import durable
from benchmarks.processes import best, environment, median, python
from benchmarks.report import Figure

WRITERS, RUNS = 16, 50
FILES = 4


def figures(root: Path, quick: bool) -> list[Figure]:
    """Milliseconds a run when all write together; ten are a hundred runs a second."""
    times = [_once(root, 2 if quick else RUNS) for _ in range(1 if quick else 5)]
    return [
        Figure(
            f"one run, {WRITERS} processes writing at once",
            "ms",
            "wall",
            best(times),
            10.0,
            median(times),
            limit=durable(FILES - 1) * 1000,
            against=f"{FILES - 1} files and fsync, one process",
        )
    ]


def _once(root: Path, runs: int) -> float:
    with tempfile.TemporaryDirectory() as name:
        store, go = Path(name) / "store", Path(name) / "go"
        script = root / "benchmarks" / "write_runs.py"
        writers = [
            subprocess.Popen(
                python(script, store, str(runs), go),
                env=environment(),
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(WRITERS)
        ]
        for one in writers:
            assert one.stdout is not None
            one.stdout.readline()
        go.touch()
        answers = [json.loads(one.communicate()[0]) for one in writers]
        if any(one.returncode for one in writers):
            raise RuntimeError("a writer failed")
        ends = list(store.glob("runs/*/*/*/*/99-end.json"))
        if len(ends) != WRITERS * runs:
            raise RuntimeError(f"{len(ends)} runs are there, not {WRITERS * runs}")
        seconds = max(one["ended"] for one in answers) - min(one["began"] for one in answers)
        return float(seconds) / len(ends) * 1000
