"""Checks every byte of a store: each blob against its name, each record and what it refers to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from penstock_records.layout import days, records_below, records_of, tombed
from penstock_records.reading import Damaged, Newer, checked, parsed
from penstock_records.record_check import Named, named_in
from penstock_records.schema import CacheEntry
from penstock_runtime.curves import read_points
from penstock_runtime.errors import ArtifactCorrupt, StoreError
from penstock_runtime.folders import named_files
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store

Progress = Callable[[int, int], None]
"""Told how many of the blobs' bytes are checked, and how many there are."""


@dataclass(frozen=True)
class Problem:
    """Something wrong in a store, and what to do about it."""

    where: str
    what: str
    advice: str


@dataclass
class Checked:
    """How much was checked."""

    records: int = 0
    blobs: int = 0
    size: int = 0


@dataclass
class Checker:
    """Goes through a store; nothing in it is changed."""

    store: Store
    progress: Progress
    done: Checked = field(default_factory=Checked)
    _named: dict[str, list[Named]] = field(default_factory=dict[str, list[Named]])
    _plan_of: dict[str, list[Named]] = field(default_factory=dict[str, list[Named]])

    def problems(self) -> Iterator[Problem]:
        """Every problem, one after another. Raises StoreError when the store cannot be listed."""
        # The records first: a blob is there before any record names it.
        removed = tombed(self.store)
        for day in days(self.store, all_or_none=True):
            for run in self.store.names(day):
                if run not in removed:
                    yield from self._run(day, run)
        yield from self._plans()
        yield from self._cache()
        sizes = {one.digest: one.size for one in self.store.blobs()}
        yield from self._blobs(sizes)
        yield from self._references(sizes)

    def _run(self, day: str, run: str) -> Iterator[Problem]:
        where = f"{day}/{run}"
        if not _in_its_place(where, run):
            yield Problem(where, "no run belongs there", "move it out of the store")
            return
        try:
            names = list(records_of(self.store, run))
        except StoreError as error:
            yield Problem(where, str(error), "remove the link")
            return
        for name in names:
            if name.endswith(".jsonl"):
                yield from self._points(name)
            elif name.endswith(".json") and "/hb/" not in name:
                yield from self._record(run, name)

    def _points(self, name: str) -> Iterator[Problem]:
        try:
            self.done.records += read_points(self.store, name) is not None
        except StoreError as error:
            yield Problem(name, str(error), _RESTORE)

    def _record(self, run: str, name: str) -> Iterator[Problem]:
        try:
            data = self.store.read(name)
            if data is None:
                return
            self.done.records += 1
            for one in named_in(name, data, run):
                known = (self._plan_of if one.plan else self._named).setdefault(one.digest, [])
                if all(one != other._replace(where="") for other in known):
                    known.append(one._replace(where=name))
        except Newer as error:
            yield Problem(name, str(error), "check it with that penstock")
        except (Damaged, StoreError) as error:
            yield Problem(name, f"is damaged: {error}", _RESTORE)

    def _plans(self) -> Iterator[Problem]:
        for name in self.store.names("plans"):
            data = self.store.read(f"plans/{name}")
            self.done.records += 1
            if data is not None and f"{hashlib.sha256(data).hexdigest()}.json" != name:
                yield Problem(f"plans/{name}", "is not what its name says", _RESTORE)
        for digest, (one, *_) in self._plan_of.items():
            if self.store.age(f"plans/{digest.removeprefix('sha256:')}.json") is None:
                yield Problem(one.where, f"its plan {digest} is missing", _RESTORE)

    def _cache(self) -> Iterator[Problem]:
        for name in records_below(self.store, "cache"):
            try:
                data = self.store.read(name)
                if data is not None:
                    self.done.records += 1
                    checked(CacheEntry, parsed(data, name))
            except Newer:
                continue
            except (Damaged, StoreError) as error:
                yield Problem(name, f"is damaged: {error}", "remove it: the step runs again")

    def _blobs(self, sizes: dict[str, int]) -> Iterator[Problem]:
        total = sum(sizes.values())
        with TemporaryDirectory(prefix="penstock-fsck-") as scratch:
            for digest, size in sizes.items():
                copy = Path(scratch, "blob")
                try:
                    self.store.fetch(digest, copy, size)
                except ArtifactCorrupt as error:
                    what = f"holds {error.got}{self._for(digest)}"
                    yield Problem(_blob(digest), what, _RUN_AGAIN)
                except StoreError as error:
                    yield Problem(_blob(digest), f"cannot be read: {error}", _RUN_AGAIN)
                copy.unlink(missing_ok=True)
                self.done.blobs += 1
                self.done.size += size
                self.progress(self.done.size, total)

    def _for(self, digest: str) -> str:
        known = self._named.get(digest)
        return f", and {known[0].where} needs it" if known else ""

    def _references(self, sizes: dict[str, int]) -> Iterator[Problem]:
        for digest, known in self._named.items():
            if digest not in sizes:
                what = f"its {known[0].what} {digest} is missing"
                yield Problem(known[0].where, what, _RUN_AGAIN)
                continue
            for one in known:
                if one.size is not None and one.size != sizes[digest]:
                    what = f"says that {digest} has {one.size} bytes; it has {sizes[digest]}"
                    yield Problem(one.where, what, _RESTORE)
            folder = next((one for one in known if one.folder), None)
            if folder is not None:
                yield from self._folder(digest, folder, sizes)

    def _folder(self, digest: str, one: Named, sizes: dict[str, int]) -> Iterator[Problem]:
        try:
            files = named_files(self.store.read_bytes(digest))
        except ArtifactCorrupt:  # told as a blob
            return
        except StoreError as error:
            yield Problem(_blob(digest), f"{error}, and {one.where} needs it", _RUN_AGAIN)
            return
        for name, file in files:
            if sizes.get(file.digest) != file.size:
                what = f"{name} of the folder {digest} is missing or of another size"
                yield Problem(one.where, what, _RUN_AGAIN)


_RESTORE = "restore it from a copy, or remove the run"
_RUN_AGAIN = "restore it from a copy, or run its step again"


def _blob(digest: str) -> str:
    name = digest.removeprefix("sha256:")
    return f"cas/sha256/{name[:2]}/{name[2:]}"


def _in_its_place(where: str, run: str) -> bool:
    try:
        return run_folder(run) == where
    except ValueError:
        return False
