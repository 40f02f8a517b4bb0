"""The runs in a store, newest first, and finding one by a part of its id."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from penstock_runtime.errors import BadRequest
from penstock_runtime.request import check_run
from penstock_runtime.store import Store

_SHORTEST = 4


class NoSuchRun(LookupError):
    """No run has that id, or several have; the message is one sentence."""


def recent_runs(store: Store) -> Iterator[str]:
    """The ids of the runs in a store, newest first; only the folders that are needed are read."""
    for year in reversed(store.names("runs")):
        for month in reversed(store.names(f"runs/{year}")):
            for day in reversed(store.names(f"runs/{year}/{month}")):
                for run in reversed(store.names(f"runs/{year}/{month}/{day}")):
                    try:
                        yield check_run(run)
                    except BadRequest:
                        continue


def find_run(store: Store, text: str) -> str:
    """The run that `latest`, an id, or the beginning or end of an id names. Raises NoSuchRun."""
    if text == "latest":
        newest = next(recent_runs(store), None)
        if newest is None:
            raise NoSuchRun(f"there is no run in the store {store.url}")
        return newest
    wanted = text.lower()
    if len(wanted) < _SHORTEST:
        raise NoSuchRun(
            f"{text!r} is too short to name a run; write at least {_SHORTEST} of its id"
        )
    fits = (run for run in recent_runs(store) if run.startswith(wanted) or run.endswith(wanted))
    found = list(islice(fits, 2))
    if not found:
        raise NoSuchRun(f"there is no run {text[:60]!r} in the store {store.url}")
    if len(found) > 1:
        raise NoSuchRun(f"several runs begin or end with {text!r}: {found[0]} and {found[1]}")
    return found[0]
