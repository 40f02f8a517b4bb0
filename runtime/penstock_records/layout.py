"""Where records lie in a store: runs by day, and what belongs to a run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock_runtime.errors import StoreError
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_FILE = re.compile(r".*\.(json|jsonl|yaml)")
_DEEPEST = 8


def run_ids(store: Store, *, all_or_none: bool = False) -> Iterator[str]:
    """The runs of a store, newest first; a day's folder is listed when its turn comes.

    What cannot be listed is left out, or, if it must be all or none, raises StoreError.
    """
    removed = tombed(store)
    for day in days(store, all_or_none=all_or_none):
        for run in reversed(_names(store, day, all_or_none)):
            if UUID.fullmatch(run) and run_folder(run) == f"{day}/{run}" and run not in removed:
                yield run


def days(store: Store, *, all_or_none: bool = False) -> Iterator[str]:
    """The folders of days, newest first."""
    for year in _matching(store, "runs", r"\d{4}", all_or_none):
        for month in _matching(store, year, r"\d\d", all_or_none):
            yield from _matching(store, month, r"\d\d", all_or_none)


def _matching(store: Store, folder: str, pattern: str, all_or_none: bool) -> list[str]:
    found = reversed(_names(store, folder, all_or_none))
    return [f"{folder}/{name}" for name in found if re.fullmatch(pattern, name)]


def _names(store: Store, folder: str, all_or_none: bool) -> list[str]:
    try:
        return store.names(folder)
    except StoreError:
        if all_or_none:
            raise
        return []


def tombed(store: Store) -> set[str]:
    """The runs that are marked for removal."""
    found = {name.removesuffix(".json") for name in store.names("tomb")}
    return {run for run in found if UUID.fullmatch(run)}


def steps(store: Store, run: str) -> list[str]:
    """The steps of a run that have records."""
    return store.names(f"{run_folder(run)}/steps")


def attempt_records(store: Store, run: str, step: str) -> Iterator[str]:
    """The `start-…` and `fail-…` records of a step, attempt by attempt."""
    folder = f"{run_folder(run)}/steps/{step}"
    attempts = [name for name in store.names(folder) if name.isdecimal()]
    for attempt in sorted(attempts, key=int):
        for name in store.names(f"{folder}/{attempt}"):
            if name.startswith(("start-", "fail-")) and name.endswith(".json"):
                yield f"{folder}/{attempt}/{name}"


def records_of(store: Store, run: str) -> Iterator[str]:
    """Every record of a run, also those of a kind that is not known here."""
    folder = run_folder(run)
    yield from _below(store, folder, store.names(folder), _DEEPEST)


def records_below(store: Store, folder: str) -> Iterator[str]:
    """Every record below a folder, of which nothing else is known."""
    yield from _below(store, folder, store.names(folder), _DEEPEST)


def _below(store: Store, folder: str, names: list[str], depth: int) -> Iterator[str]:
    for name in names:
        path = f"{folder}/{name}"
        # A step may be called `x.json`: what looks like a file can be a folder there.
        is_file = _FILE.fullmatch(name) and not folder.endswith("/steps")
        inside = [] if is_file or not depth else store.names(path)
        if inside:
            yield from _below(store, path, inside, depth - 1)
        else:
            yield path
