"""Whether a run without an end still runs, by its process or by the signs that it gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from penstock_records.layout import attempt_records, records_below, steps
from penstock_records.reading import Damaged, Newer, read_as
from penstock_records.schema import Note, Start
from penstock_runtime.heartbeat import SECONDS
from penstock_runtime.processes import lives
from penstock_runtime.records import commits_in
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store

SILENCE = 3 * SECONDS
"""A run that gives no sign for longer is lost."""
PATIENCE = 86_400.0
"""A run of an orchestrator may wait so long for its next turn, without a sign from any step."""


def is_lost(store: Store, run: str, start: Start | None) -> bool:
    """Whether nobody works on a run any more: its process is gone, or it is silent."""
    alive = process_lives(store, run, start)
    if alive is not None:
        return not alive
    orchestrated = start is not None and start.backend not in ("", "local")
    return silent(store, run, PATIENCE if orchestrated else SILENCE)


def process_lives(store: Store, run: str, start: Start | None) -> bool | None:
    """Whether the process that began the run lives; None if this machine cannot tell."""
    found = {
        lives(one.host, one.pid, one.boot, store.age(name) or 0.0)
        for name, one in _processes(store, run, start)
    }
    return True if True in found else None if None in found or not found else False


def _processes(store: Store, run: str, start: Start | None) -> Iterator[tuple[str, Start | Note]]:
    """The records of those who began the run, and who went on with it later."""
    folder = run_folder(run)
    if start is not None:
        yield f"{folder}/00-start.json", start
    for note in store.names(f"{folder}/notes"):
        name = f"{folder}/notes/{note}"
        with suppress(Damaged, Newer):  # told by who reads all
            found = read_as(Note, store, name, run)
            if found is not None and found.resumed is not None:
                yield name, found


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
        for name in commits_in(store.names(f"{folder}/steps/{step}")):
            yield f"{folder}/steps/{step}/{name}"
        yield from attempt_records(store, run, step)
    yield from records_below(store, f"{folder}/metrics")
    yield from records_below(store, f"{folder}/notes")
    yield f"{folder}/00-start.json"
