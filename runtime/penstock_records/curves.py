"""What a step logged with step numbers: how many points a curve has, and the last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from penstock_runtime.curves import read_points
from penstock_runtime.errors import StoreError
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store

_CHUNK = re.compile(r"(.+)-(\d+)-(\d+)\.jsonl")


@dataclass(frozen=True)
class Curve:
    """A metric that the last attempt of a step logged with step numbers."""

    step: str
    name: str
    points: int
    last: float | str


def curves(store: Store, run: str) -> list[Curve]:
    """The curves of a run, by step; what cannot be read is left out."""
    folder = f"{run_folder(run)}/metrics"
    try:
        names = store.names(folder)
    except StoreError:
        return []
    chunks = [
        (found[1], int(found[2]), int(found[3]), found[0])
        for found in map(_CHUNK.fullmatch, names)
        if found is not None
    ]
    last = {step: attempt for step, attempt, _, _ in sorted(chunks)}
    counts: dict[tuple[str, str], tuple[int, float | str]] = {}
    for step, attempt, _, file in sorted(chunks):
        if attempt == last[step]:
            for name, value in _points(store, f"{folder}/{file}"):
                counts[step, name] = (counts.get((step, name), (0, ""))[0] + 1, value)
    return [Curve(step, name, *told) for (step, name), told in counts.items()]


def _points(store: Store, name: str) -> Iterator[tuple[str, float | str]]:
    try:
        points = read_points(store, name) or []
    except StoreError:
        return
    for point in points:
        key, value = point.get("key"), point.get("value")
        if isinstance(key, str) and isinstance(value, (float, int, str)):
            yield key, value
