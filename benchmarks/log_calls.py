"""What a step pays for saying something about itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.processes import best, median, python, told
from benchmarks.report import Figure

CALLS = 30_000
MICROSECONDS = 50.0


def figures(root: Path, quick: bool) -> list[Figure]:
    """Each call, with its share of writing what was collected."""
    script = root / "benchmarks" / "log_one.py"
    with tempfile.TemporaryDirectory() as name:
        calls = str(CALLS // 100 if quick else CALLS)
        found = [told(python(script, f"{name}/store", calls)) for _ in range(1 if quick else 3)]
    return [
        Figure(
            call,
            "us",
            "wall",
            best(one[call] for one in found),
            MICROSECONDS,
            median(one[call] for one in found),
        )
        for call in found[0]
    ]
