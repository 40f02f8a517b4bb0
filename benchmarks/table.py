"""A table of 80 MB through three steps, every byte hashed when written and verified when read."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.processes import Times, best, median, python, timed
from benchmarks.report import Figure

ROWS = 1_000_000
TARGET_SECONDS, TARGET_MEGABYTES = 2.0, 350

PROGRAM = """\
import numpy as np
import pandas as pd

from penstock import Metrics, pipeline, step


@step
def make(rows: int) -> pd.DataFrame:
    numbers = np.random.default_rng(0)
    return pd.DataFrame({f"c{n}": numbers.random(rows) for n in range(10)})


@step
def scale(table: pd.DataFrame) -> pd.DataFrame:
    return table * 2.0


@step
def total(table: pd.DataFrame) -> Metrics:
    return Metrics(total=float(table.to_numpy().sum()))


@pipeline
def bench(rows: int) -> Metrics:
    return total(scale(make(rows)))
"""

BY_HAND = """\
import sys

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

sys.path.insert(0, sys.argv[1])
from wide import make, scale, total


def through(frame, name):
    table, file = pa.Table.from_pandas(frame), f"{sys.argv[1]}/{name}"
    if sys.argv[2] == "feather":
        pa.feather.write_feather(table, file, compression="uncompressed")
        return pa.feather.read_table(file).to_pandas()
    pa.parquet.write_table(table, file)
    return pa.parquet.read_table(file).to_pandas()


first = through(make(int(sys.argv[3])), "a")
assert total(through(scale(first), "b"))["total"] > 0
"""


def figures(root: Path, quick: bool) -> list[Figure]:
    """CPU time and memory of whole processes, beside pyarrow called by hand."""
    repeat, rows = (1, ROWS // 100) if quick else (5, ROWS)
    with tempfile.TemporaryDirectory() as name:
        program = Path(name) / "wide.py"
        program.write_text(PROGRAM)
        hand = Path(name) / "by_hand.py"
        hand.write_text(BY_HAND)
        penstock = Path(sys.executable).parent / "penstock"
        command: list[str | Path] = [penstock, "run", program, "--quiet", "--no-cache"]
        plain = {
            kind: timed(python(hand, name, kind, str(rows)), repeat)
            for kind in ("parquet", "feather")
        }
        libraries = timed(python("-c", "import numpy, pandas, pyarrow"), repeat)
        found: list[Figure] = []
        for executor in ("inline", "process"):
            runs = timed([*command, "-p", f"rows={rows}", "--executor", executor], repeat)
            found += _both(f"80 MB table, three steps, {executor}", runs, plain["feather"])
        found += [
            _cpu("80 MB table by hand, Parquet", plain["parquet"]),
            _cpu("80 MB table by hand, feather", plain["feather"]),
            _cpu("import numpy, pandas, pyarrow", libraries),
        ]
        return found


def _both(name: str, runs: list[Times], feather: list[Times]) -> list[Figure]:
    cpus, peaks = [one.cpu for one in runs], [one.peak for one in runs]
    return [
        Figure(
            name,
            "s",
            "cpu",
            best(cpus),
            TARGET_SECONDS,
            median(cpus),
            best(one.wall for one in runs),
            best(one.cpu for one in feather),
            "feather by hand",
        ),
        Figure(
            name,
            "MB",
            "peak",
            best(peaks),
            TARGET_MEGABYTES,
            median(peaks),
            None,
            best(one.peak for one in feather),
            "feather by hand",
        ),
    ]


def _cpu(name: str, runs: list[Times]) -> Figure:
    cpus = [one.cpu for one in runs]
    return Figure(name, "s", "cpu", best(cpus), None, median(cpus), best(r.wall for r in runs))
