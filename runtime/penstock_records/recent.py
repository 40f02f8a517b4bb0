"""The runs in a store, newest first, and finding one by a part of its id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from penstock_records.layout import UUID, run_ids, tombed
from penstock_runtime.run_id import SHORT, run_folder
from penstock_runtime.store import Store

_SHORTEST = 4
_TOLD = 5


class NoSuchRun(LookupError):
    """No run has that id, or several have; the message is one sentence."""


def recent_runs(store: Store) -> Iterator[str]:
    """The ids of the runs in a store, newest first; only the folders that are needed are read."""
    return run_ids(store)


def find_run(store: Store, text: str) -> str:
    """The run that `latest`, an id, or the beginning or end of an id names. Raises NoSuchRun."""
    if text == "latest":
        newest = next(recent_runs(store), None)
        if newest is None:
            raise NoSuchRun(f"there is no run in the store {store.url}")
        return newest
    wanted = text.lower()
    if UUID.fullmatch(wanted):
        return _whole(store, wanted)
    plain = wanted.replace("-", "")
    if len(plain) < _SHORTEST:
        raise NoSuchRun(
            f"{text!r} is too short to name a run; write at least {_SHORTEST} of its id"
        )
    fits = (run for run in recent_runs(store) if _fits(run.replace("-", ""), plain))
    found = list(islice(fits, _TOLD))
    if not found:
        raise NoSuchRun(f"there is no run {text[:60]!r} in the store {store.url}")
    if len(found) > 1:
        more = " and more" if len(found) == _TOLD else ""
        raise NoSuchRun(f"several runs begin or end with {text!r}: {', '.join(found)}{more}")
    return found[0]


def short_ids(runs: Iterable[str]) -> Mapping[str, str]:
    """The shortest ends, of one length, that tell these runs apart."""
    known = list(runs)
    plain = [run.replace("-", "") for run in known]
    length = SHORT
    while len({one[-length:] for one in plain}) < len(set(plain)):
        length += 1
    return {run: one[-length:] for run, one in zip(known, plain, strict=True)}


def _whole(store: Store, run: str) -> str:
    if run in tombed(store):
        raise NoSuchRun(f"run {run} is marked for removal")
    if not store.names(run_folder(run)):
        raise NoSuchRun(f"there is no run {run!r} in the store {store.url}")
    return run


def _fits(run: str, plain: str) -> bool:
    return run.startswith(plain) or run.endswith(plain)
