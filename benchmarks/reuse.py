"""What a run costs in which nothing has changed: each step is looked up, checked and recorded."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.processes import best, median, python, timed
from benchmarks.programs import chain
from benchmarks.report import Figure

STEPS = 100


def figures(root: Path, quick: bool) -> list[Figure]:
    """A whole `penstock run` of 100 steps that are all reused, beside Python doing nothing."""
    repeat = 1 if quick else 9
    with tempfile.TemporaryDirectory() as name:
        program = Path(name) / "reused.py"
        program.write_text(chain(STEPS))
        penstock = Path(sys.executable).parent / "penstock"
        command: list[str | Path] = [penstock, "run", program, "--quiet"]
        found: list[Figure] = []
        for executor in ("inline", "process"):
            # The first run, which fills the cache, is not counted.
            runs = timed([*command, "--executor", executor], repeat)
            bare = best(one.wall for one in timed(python("-c", "import pydantic, rich"), repeat))
            walls, cpus = [one.wall for one in runs], [one.cpu for one in runs]
            name = f"penstock run of {STEPS} reused steps, {executor}"
            found += [
                Figure(
                    name,
                    "s",
                    "wall",
                    best(walls),
                    0.3,
                    median(walls),
                    limit=bare,
                    against="import pydantic, rich",
                ),
                Figure(name, "s", "cpu", best(cpus), None, median(cpus)),
            ]
    return found
