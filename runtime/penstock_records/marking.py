"""The first half of collecting: what every run names, and who is still at work."""

from __future__ import annotations

from dataclasses import dataclass, field

from penstock_records.layout import records_of, run_ids, tombed
from penstock_records.liveness import SILENCE, process_lives, silent
from penstock_records.reading import Damaged, Newer, parsed, read_as
from penstock_records.references import digests_in, folders_in, runs_needed
from penstock_records.schema import Start
from penstock_runtime.errors import StoreError
from penstock_runtime.folders import folder_files
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store

DAY = 86_400.0
"""A run that cannot be proven dead may still name what it wrote, until it is silent so long."""


@dataclass
class Marks:
    """What one run names; `age` is the seconds since its oldest record was written."""

    run: str
    pipeline: str = ""
    ended: bool = False
    at_work: bool = False
    age: float = 0.0
    named: set[str] = field(default_factory=set[str])
    folders: set[str] = field(default_factory=set[str])
    needs: set[str] = field(default_factory=set[str])
    seen: set[str] = field(default_factory=set[str])
    problems: list[str] = field(default_factory=list[str])


def mark_all(store: Store, known: dict[str, Marks]) -> dict[str, Marks]:
    """What every run names; of runs that are known, only new records are read.

    Raises StoreError if anything cannot be listed.
    """
    runs = [*run_ids(store, all_or_none=True), *tombed(store)]
    found: dict[str, Marks] = {}
    for run in runs:
        marks = mark(store, run, known.get(run) or Marks(run))
        if marks.seen:
            found[run] = marks
    return found


def mark(store: Store, run: str, marks: Marks) -> Marks:
    """What a run names, by its records that were not read before."""
    end = f"{run_folder(run)}/99-end.json"
    if not marks.ended:
        # Before the records are listed: after its end a run writes no more.
        marks.ended = store.read(end) is not None
    for name in records_of(store, run):
        if name not in marks.seen and "/hb/" not in name:
            marks.seen.add(name)
            _read(store, name, marks)
    marks.at_work = not marks.ended and _at_work(store, run, _start(store, run))
    eldest = [store.age(name) or 0.0 for name in marks.seen] if marks.at_work else []
    name = end if marks.ended else f"{run_folder(run)}/00-start.json"
    marks.age = max(eldest, default=store.age(name) or 0.0)
    return marks


def _read(store: Store, name: str, marks: Marks) -> None:
    data = store.read(name)
    if data is None or name.endswith(".jsonl"):
        return
    marks.named |= digests_in(data)
    if not name.endswith(".json"):
        return
    try:
        found = parsed(data, name, marks.run)
        marks.needs |= runs_needed(found)
        pipeline = found.get("pipeline")
        if isinstance(pipeline, str):
            marks.pipeline = pipeline
        for folder in folders_in(data, found) - marks.folders:
            marks.folders.add(folder)
            marks.named |= {one.digest for one in folder_files(store.read_bytes(folder))}
    except (Damaged, Newer, StoreError) as error:
        marks.problems.append(f"{name}: {error}")


def _start(store: Store, run: str) -> Start | None:
    try:
        return read_as(Start, store, f"{run_folder(run)}/00-start.json", run)
    except (Damaged, Newer):
        return None


def _at_work(store: Store, run: str, start: Start | None) -> bool:
    """Whether a run without an end may still write: much more careful than what a list shows."""
    lives = process_lives(store, run, start)
    if lives is not None:
        # Its workers may outlive it by the step that they are at.
        return lives or not silent(store, run, SILENCE)
    return not silent(store, run, DAY)
