"""Whether a run without an end still runs, by its process or by the signs that it gives."""

from __future__ import annotations

from collections.abc import Iterator

from penstock_records.layout import attempt_records, records_below, steps
from penstock_records.schema import Start
from penstock_runtime.processes import lives
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store

INTERVAL = 60.0
"""Seconds between the heartbeats of a step."""

SILENCE = 3 * INTERVAL
"""A run that gives no sign for longer is lost."""


def is_lost(store: Store, run: str, start: Start | None) -> bool:
    """Whether nobody works on a run any more: its process is gone, or it is silent."""
    alive = process_lives(store, run, start)
    if alive is not None:
        return not alive
    return silent(store, run, SILENCE)


def process_lives(store: Store, run: str, start: Start | None) -> bool | None:
    """Whether the process that began the run lives; None if this machine cannot tell."""
    if start is None or not start.pid:
        return None
    began = store.age(f"{run_folder(run)}/00-start.json")
    return lives(start.host, start.pid, start.boot, began or 0.0)


def silent(store: Store, run: str, seconds: float) -> bool:
    """Whether no record of the run is younger, by the store's own clock."""
    return all(
        age >= seconds for name in _signs(store, run) if (age := store.age(name)) is not None
    )


def _signs(store: Store, run: str) -> Iterator[str]:
    """The records that tell of life; the likeliest to be young come first."""
    folder = run_folder(run)
    for step in steps(store, run):
        for attempt in store.names(f"{folder}/steps/{step}"):
            if attempt.isdecimal():
                beats = f"{folder}/steps/{step}/{attempt}/hb"
                yield from (f"{beats}/{name}" for name in reversed(store.names(beats)))
        yield f"{folder}/steps/{step}/commit.json"
        yield from attempt_records(store, run, step)
    yield from records_below(store, f"{folder}/metrics")
    yield f"{folder}/00-start.json"
