"""Figures against their targets, as a table and as JSON."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measured value; `reached` when it is at most the target.

    `best` is judged. `median` says how noisy the machine was, `wall` how long a person waits.
    `limit` is what plain Python or a peer needed for `against` in the same run.
    """

    name: str
    unit: str
    clock: str
    best: float
    target: float | None = None
    median: float | None = None
    wall: float | None = None
    limit: float | None = None
    against: str = ""

    @property
    def reached(self) -> bool:
        """Whether the best value is within the target; True where there is none."""
        return self.target is None or self.best <= self.target

    @property
    def ratio(self) -> float | None:
        """How many times the limit it took."""
        return self.best / self.limit if self.limit else None


def as_json(figures: Sequence[Figure]) -> str:
    """The figures with everything that the table shows."""
    rows = [asdict(one) | {"ratio": one.ratio, "reached": one.reached} for one in figures]
    return json.dumps({"machine": machine(), "figures": rows}, indent=2)


def as_table(figures: Sequence[Figure]) -> str:
    """The figures as columns for a terminal."""
    head = ("figure", "target", "best", "median", "wall", "unit", "clock", "ratio", "against", "")
    rows = [head, *map(_cells, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if 0 < column < 5 or column == 7 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    missed = sum(not one.reached for one in figures)
    notes = [
        "best is judged; clock cpu: user and system time of the process, wall: what a person waits",
        f"{missed} of {sum(one.target is not None for one in figures)} miss their target",
        machine(),
    ]
    return "\n".join([*lines, "", *notes])


def machine() -> str:
    """The machine, the load on it, and the day, in one line."""
    model = platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        names = [line for line in cpus.read_text().splitlines() if line.startswith("model name")]
        model = names[0].partition(":")[2].strip() if names else model
    load = os.getloadavg()[0]
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    python = platform.python_version()
    return f"{model}, {os.cpu_count()} CPUs, load {load:.1f}, Python {python}, {today}"


def _cells(one: Figure) -> tuple[str, ...]:
    verdict = "" if one.target is None else "ok" if one.reached else "MISS"
    return (
        one.name,
        _number(one.target),
        _number(one.best),
        _number(one.median),
        _number(one.wall),
        one.unit,
        one.clock,
        "" if one.ratio is None else f"{one.ratio:.1f}x",
        one.against,
        verdict,
    )


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 20 else f"{value:.2f}"
