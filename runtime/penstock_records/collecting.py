"""Collects garbage in two phases: mark what records name, then sweep what nobody names.

A blob is written before the record that names it, and any number of writers may be at work.
Three things keep what they will name:

- A blob stays that is younger than the grace period, or than the oldest run at work.
- Between the phases time passes (`SETTLE`), if blobs are to go that are younger than it; then
  all records that were written meanwhile are read.
- A blob goes only if nobody has written or renewed it since it was listed.

What is removed is removed in such an order that a collector may be killed at any point: a run's
marker goes after its records, and blobs go after the records that named them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from penstock_records.layout import records_below, records_of, tombed
from penstock_records.marking import DAY, Marks, mark_all
from penstock_records.reading import Damaged, Newer, checked, parsed
from penstock_records.retiring import Rules, needed, retired
from penstock_records.schema import CacheEntry
from penstock_runtime.errors import StoreError
from penstock_runtime.records import utc_now
from penstock_runtime.run_id import run_folder
from penstock_runtime.sealing import sealed
from penstock_runtime.store import Leftovers, Store, StoredBlob

GRACE = 14 * DAY
"""How long what nobody names is kept, unless asked otherwise."""

SETTLE = 15.0
"""Seconds from writing a run's first blobs to the record that names them, with room to spare."""

_SLACK = 1.0
_LEFTOVER = 3600.0


@dataclass(frozen=True)
class Garbage:
    """What would go. `problems` are records that cannot be read: then no blob may go."""

    marked: tuple[str, ...]
    runs: tuple[str, ...]
    entries: tuple[str, ...]
    plans: tuple[str, ...]
    blobs: tuple[StoredBlob, ...]
    leftovers: Leftovers
    spared: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def size(self) -> int:
        """The bytes of blobs and leftovers."""
        return sum(one.size for one in self.blobs) + self.leftovers.size

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        parts = (self.marked, self.runs, self.entries, self.plans, self.blobs, self.spared)
        return any(parts) or self.leftovers.files > 0


class Collector:
    """Finds and removes what a store no longer needs. Every method raises StoreError."""

    def __init__(self, store: Store, rules: Rules, settle: float = SETTLE) -> None:
        self._store, self._rules, self._settle = store, rules, settle
        self._runs: dict[str, Marks] = {}
        self._listed = 0.0

    def find(self) -> Garbage:
        """The first phase: mark. Nothing is changed."""
        store, grace = self._store, self._rules.grace
        self._listed = time.monotonic()
        blobs = list(store.blobs())  # before the records: what is written from now on is young
        self._runs = runs = mark_all(store, {})
        marked = tombed(store)
        going = retired({run: runs[run] for run in runs if run not in marked}, self._rules)
        kept_for_others = needed(runs, going | marked)
        kept_for_others |= {run for run in marked if run in runs and runs[run].at_work}
        going -= kept_for_others
        at_once = going if grace <= 0 else frozenset[str]()
        swept = ({run for run in marked if self._ripe(run)} | at_once) - kept_for_others
        stays = {run for run in runs if run not in swept}
        named = self._named(stays)
        cut = self._cut()
        problems = [text for run in sorted(stays) for text in runs[run].problems]
        return Garbage(
            marked=tuple(sorted(going)),
            runs=tuple(sorted(swept)),
            entries=tuple(self._entries(stays)),
            plans=tuple(self._plans(named, cut)),
            blobs=tuple(
                one for one in blobs if one.digest not in named and one.idle >= cut and not problems
            ),
            leftovers=store.leftovers(max(cut, _LEFTOVER)),
            spared=tuple(sorted(marked & kept_for_others)),
            problems=tuple(problems),
        )

    def remove(self, found: Garbage, wait: Callable[[float], None] = time.sleep) -> Garbage:
        """The second phase: look again, then sweep. What was removed."""
        store = self._store
        for run in found.marked:
            store.create(f"tomb/{run}.json", sealed({"run": run, "made": utc_now()}))
        young = min((one.idle for one in found.blobs), default=self._settle)
        wait(max(0.0, self._settle - young - (time.monotonic() - self._listed)))
        self._runs = runs = mark_all(store, self._runs)
        rescued = needed(runs, {*found.runs, *found.marked})
        rescued |= {run for run in found.marked if run in runs and runs[run].at_work}
        swept = [run for run in found.runs if run not in rescued]
        for run in (*found.spared, *rescued):
            store.remove(f"tomb/{run}.json")
        for run in swept:
            self._remove_run(run)
        stays = {run for run in runs if run not in swept}
        named = self._named(stays)
        entries = self._gone(found.entries, self._entries(stays))
        plans = self._gone(found.plans, self._plans(named, self._cut()))
        problems = [text for run in sorted(stays) for text in runs[run].problems]
        blobs = [] if problems else [one for one in found.blobs if self._removed(one, named)]
        return Garbage(
            marked=tuple(run for run in found.marked if run not in rescued),
            runs=tuple(swept),
            entries=entries,
            plans=plans,
            blobs=tuple(blobs),
            leftovers=store.leftovers(max(self._cut(), _LEFTOVER), remove=True),
            spared=found.spared,
            problems=tuple(problems),
        )

    def _ripe(self, run: str) -> bool:
        return (self._store.age(f"tomb/{run}.json") or 0.0) >= self._rules.grace

    def _cut(self) -> float:
        """How long a blob must be idle to go."""
        at_work = [one.age + _SLACK for one in self._runs.values() if one.at_work]
        return max([self._rules.grace, *at_work])

    def _named(self, runs: set[str]) -> set[str]:
        return {digest for run in runs for digest in self._runs[run].named}

    def _entries(self, runs: set[str]) -> list[str]:
        """The entries of the cache whose run is gone, and those that cannot be read."""
        found: list[str] = []
        for name in records_below(self._store, "cache"):
            try:
                data = self._store.read(name)
                if data is None:
                    continue
                if checked(CacheEntry, parsed(data, name)).run not in runs:
                    found.append(name)
            except Newer:
                continue
            except Damaged:
                found.append(name)
        return found

    def _plans(self, named: set[str], cut: float) -> list[str]:
        """The plans that no run names. A plan is not renewed when it is used again: wait longer."""
        return [
            f"plans/{name}"
            for name in self._store.names("plans")
            if f"sha256:{name.removesuffix('.json')}" not in named
            and (self._store.age(f"plans/{name}") or 0.0) >= max(cut, DAY)
        ]

    def _gone(self, found: tuple[str, ...], still: list[str]) -> tuple[str, ...]:
        names = tuple(name for name in found if name in set(still))
        for name in names:
            self._store.remove(name)
        return names

    def _remove_run(self, run: str) -> None:
        for name in list(records_of(self._store, run)):
            self._store.remove(name)
        self._store.remove(run_folder(run))  # what a killed collector left of it
        self._store.remove(f"tomb/{run}.json")

    def _removed(self, blob: StoredBlob, named: set[str]) -> bool:
        if blob.digest in named:
            return False
        idle = blob.idle + (time.monotonic() - self._listed) - _SLACK
        try:
            return self._store.remove_blob(blob.digest, max(idle, 0.001))
        except StoreError as error:
            raise StoreError(f"{error}; what was removed before is gone for good") from error
