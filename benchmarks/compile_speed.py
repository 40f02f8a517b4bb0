"""How long compiling takes, how it grows with the pipeline, and how much memory it needs."""

from __future__ import annotations

import compileall
import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.processes import best, median, python, told
from benchmarks.programs import SHAPES
from benchmarks.report import Figure

SMALL, LARGE = 1_000, 10_000
SECONDS = {SMALL: 0.3, LARGE: 3.5}
MEGABYTES = 200.0
EXPONENT = 1.1
TARGETS = ("yaml", "local", "airflow", "kubeflow")
# A backend says itself whether it has branches; YAML always has them.
BRANCHING = ("branches", "deep_whens")

_Measure = Callable[[str, int, str, bool], list[dict[str, Any]]]


def figures(root: Path, quick: bool) -> list[Figure]:
    """Times at both sizes, growth between them, and the peak at the larger one."""
    repeat = 1 if quick else 5
    shapes = ("chain",) if quick else tuple(SHAPES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for shape in shapes:
            for size in (3, SMALL, LARGE):
                (folder / f"{shape}_{size}.py").write_text(SHAPES[shape](size))
        compileall.compile_dir(folder, quiet=1)

        def measure(shape: str, size: int, target: str, warm: bool) -> list[dict[str, Any]]:
            first = [f"{shape}_3"] if warm else []
            script = root / "benchmarks" / "compile_one.py"
            command = python(script, folder, f"{shape}_{size}", target, *first)
            return [told(command) for _ in range(repeat if size == SMALL else (repeat + 1) // 2)]

        found: list[Figure] = []
        for target in TARGETS:
            found += [_time(measure, target, size) for size in SECONDS]
        for shape in shapes:
            for target in TARGETS:
                if shape not in BRANCHING or target == "yaml" or _has_branches(target):
                    found += _growth(measure, shape, target)
        return found


def _time(measure: _Measure, target: str, size: int) -> Figure:
    """A cold process, imports included."""
    runs = measure("chain", size, target, False)
    return Figure(
        f"{size} steps to {target}, cold with our imports",
        "s",
        "cpu",
        best(one["cpu"] for one in runs),
        SECONDS[size],
        median(one["cpu"] for one in runs),
        best(one["wall"] for one in runs),
        best(one["limit"] for one in runs),
        "json.dumps of the data",
    )


def _growth(measure: _Measure, shape: str, target: str) -> list[Figure]:
    """Imports are paid for before, as they would make the growth look smaller."""
    small, large = (measure(shape, size, target, True) for size in (SMALL, LARGE))
    times = [best(one["cpu"] for one in runs) for runs in (small, large)]
    exponent = math.log10(times[1] / times[0])
    what = f"{shape} to {target}"
    peak = max(one["peak"] for one in large)
    return [
        Figure(f"{what}: growth", "power", "cpu", exponent, EXPONENT),
        Figure(f"{what}: {SMALL} steps, warm", "s", "cpu", times[0], SECONDS[SMALL]),
        Figure(f"{what}: {LARGE} steps, warm", "s", "cpu", times[1], SECONDS[LARGE]),
        Figure(f"{what}: peak memory", "MB", "", peak, MEGABYTES),
    ]


def _has_branches(target: str) -> bool:
    from penstock.backend import load_backend
    from penstock.features import Feature

    return load_backend(target).supports[Feature.BRANCH].works
