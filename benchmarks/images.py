"""What images cost: nothing changed, one line edited, and an environment built the first time."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.images_peer import seconds_of_uv
from benchmarks.processes import best, median, python, told
from benchmarks.report import Figure

IMAGES = 10
_MEASURE = Path(__file__).with_name("images_one.py")


def figures(root: Path, quick: bool) -> list[Figure]:
    """Three figures against an engine, with the base image of the tests."""
    folder = Path(tempfile.mkdtemp())
    try:
        return [*_unchanged(folder, quick), *_edited(folder, quick), *_first(folder, quick)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unchanged(folder: Path, quick: bool) -> list[Figure]:
    found = told(python(_MEASURE, "unchanged", folder, "2" if quick else "9"))
    times: list[float] = found["milliseconds"]
    name = f"build of {IMAGES} images, nothing changed"
    return [Figure(name, "ms", "wall", best(times), 50, median(times))]


def _edited(folder: Path, quick: bool) -> list[Figure]:
    found = told(python(_MEASURE, "edited", folder, "1" if quick else "5"))
    times: list[float] = found["seconds"]
    name = "edit of the source to a checked image, whole process"
    return [Figure(name, "s", "wall", best(times), 1.5, median(times))]


def _first(folder: Path, quick: bool) -> list[Figure]:
    """pandas and scikit-learn; each time with empty caches, and uv in a container beside it."""
    ours: list[float] = []
    plain: list[float] = []
    compiled: list[float] = []
    for _ in range(1 if quick else 3):
        found = told(python(_MEASURE, "first", folder, "1"))
        ours += found["seconds"]
        plain.append(seconds_of_uv(found["lock"], compiled=False))
        compiled.append(seconds_of_uv(found["lock"], compiled=True))
    name = "first build of pandas and scikit-learn"
    return [
        Figure(
            name,
            "s",
            "wall",
            best(ours),
            best(plain) * 1.2,
            median(ours),
            limit=best(plain),
            against="uv pip install in a container",
        ),
        Figure(
            name,
            "s",
            "wall",
            best(ours),
            None,
            median(ours),
            limit=best(compiled),
            against="the same with bytecode",
        ),
    ]
