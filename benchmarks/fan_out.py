"""One step, a hundred that take its items, and one that takes all their results."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.processes import best, median, python, timed
from benchmarks.report import Figure

WIDTH = 100

PROGRAM = f"""\
from penstock import each, gather, pipeline, step


@step
def first() -> list[int]:
    return list(range({WIDTH}))


@step
def more(value: int) -> int:
    return value + 1


@step
def last(values: list[int]) -> int:
    return sum(values)


@pipeline
def bench() -> int:
    with each(first()) as value:
        found = more(value)
    return last(gather(found))
"""
PLAIN = "from fan import first, last, more; assert last([more(n) for n in first()])"


def figures(root: Path, quick: bool) -> list[Figure]:
    """The whole process, every step recorded, beside the same functions called by Python."""
    repeat = 1 if quick else 7
    found: list[Figure] = []
    with tempfile.TemporaryDirectory() as name:
        program = Path(name) / "fan.py"
        program.write_text(PROGRAM)
        penstock = Path(sys.executable).parent / "penstock"
        path = f"import sys; sys.path.insert(0, {name!r}); {PLAIN}"
        for executor in ("process", "inline"):
            command: list[str | Path] = [penstock, "run", program, "--quiet", "--no-cache"]
            runs = timed([*command, "--executor", executor], repeat)
            plain = best(one.wall for one in timed(python("-c", path), repeat))
            walls, cpus = [one.wall for one in runs], [one.cpu for one in runs]
            name = f"penstock run of 1 -> {WIDTH} -> 1 steps, {executor}"
            against = "plain Python functions"
            found += [
                Figure(name, "s", "wall", best(walls), 1.0, median(walls), None, plain, against),
                Figure(name, "s", "cpu", best(cpus), None, median(cpus)),
            ]
    return found
