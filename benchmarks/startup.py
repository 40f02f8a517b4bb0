"""How long one waits for the language and the command line before anything happens."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import Times, best, median, python, timed
from benchmarks.report import Figure

# What examples/breast_cancer.py imports beside penstock.
LIBRARIES = (
    "import pandas, sklearn.datasets, sklearn.linear_model, sklearn.metrics, "
    "sklearn.model_selection, sklearn.preprocessing"
)


def figures(root: Path, quick: bool) -> list[Figure]:
    """Whole processes, start and end of Python included, less what is not ours."""
    repeat = 3 if quick else 15
    penstock = Path(sys.executable).parent / "penstock"
    bare = timed(python("-c", "pass"), repeat)
    language = timed(python("-c", "import penstock"), repeat)
    shown = timed([penstock, "--help"], repeat)
    libraries = timed(python("-c", LIBRARIES), max(repeat // 3, 1))
    example = root / "examples" / "breast_cancer.py"
    check = timed([penstock, "check", example], max(repeat // 3, 1))
    python_only = best(one.cpu for one in bare) * 1000
    return [
        _over("import penstock, over bare Python", 60, language, bare, python_only, "bare Python"),
        _over("penstock --help", 150, shown, (), python_only, "bare Python"),
        _over(
            "penstock check of an example, over its libraries",
            500,
            check,
            libraries,
            best(one.cpu for one in libraries) * 1000,
            "importing the libraries",
        ),
    ]


def _over(
    name: str,
    target: float,
    runs: Sequence[Times],
    base: Sequence[Times],
    limit: float,
    against: str,
) -> Figure:
    cpu = best(one.cpu for one in base) if base else 0.0
    wall = best(one.wall for one in base) if base else 0.0
    return Figure(
        name,
        "ms",
        "cpu",
        (best(one.cpu for one in runs) - cpu) * 1000,
        target,
        (median(one.cpu for one in runs) - cpu) * 1000,
        (best(one.wall for one in runs) - wall) * 1000,
        limit,
        against,
    )
