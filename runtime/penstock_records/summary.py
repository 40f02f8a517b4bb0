"""A run in one line: what a list shows of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from penstock_records.layout import run_ids, steps
from penstock_records.liveness import is_lost
from penstock_records.reading import Damaged, Newer, read_as
from penstock_records.schema import End, Metrics, Start
from penstock_runtime.errors import StoreError
from penstock_runtime.records import ends_in
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store

Status = Literal["running", "succeeded", "failed", "cancelled", "lost", "damaged", "newer"]

STATUSES: tuple[Status, ...] = (
    *("running", "succeeded", "failed", "cancelled", "lost"),
    *("damaged", "newer"),
)
"""How a run can be; the last two say that this penstock cannot read it."""


@dataclass(frozen=True)
class Summary:
    """A run in a list. `steps` is 0 where it is not known; `problem` says why it cannot be read."""

    run: str
    status: Status
    pipeline: str = ""
    backend: str = ""
    started: str = ""
    seconds: float | None = None
    done: int = 0
    steps: int = 0
    parameters: dict[str, Any] = field(default_factory=dict[str, Any])
    metrics: dict[str, Metrics] = field(default_factory=dict[str, Metrics])
    problem: str = ""


def summaries(store: Store) -> Iterator[Summary]:
    """All runs, newest first; only as much is read as is taken."""
    return (summary(store, run) for run in run_ids(store))


def summary(store: Store, run: str) -> Summary:
    """One run; a record that cannot be read is told in it and hides no other run."""
    folder = run_folder(run)
    try:
        end = _end(store, run)
        if end is not None:
            return _ended(run, end)
        start = read_as(Start, store, f"{folder}/00-start.json", run)
        return _unfinished(store, run, start)
    except (Damaged, StoreError) as error:
        return Summary(run, "damaged", problem=str(error))
    except Newer as error:
        return Summary(run, "newer", problem=str(error))


def _end(store: Store, run: str) -> End | None:
    """The last end of a run; only an orchestrator's run can have ended more than once."""
    folder = run_folder(run)
    end = read_as(End, store, f"{folder}/99-end.json", run)
    if end is None or end.backend in ("", "local"):
        return end
    names = ends_in(store.names(folder))
    return read_as(End, store, f"{folder}/{names[-1]}", run) if names else end


def _ended(run: str, end: End) -> Summary:
    done = sum(one.status == "succeeded" for one in end.steps.values())
    skipped = sum(one.status == "skipped" for one in end.steps.values())
    return Summary(
        run=run,
        status=end.status,
        pipeline=end.pipeline,
        backend=end.backend,
        started=end.started,
        seconds=end.seconds,
        done=done,
        steps=len(end.steps) - skipped,
        parameters=end.parameters,
        metrics=end.metrics,
    )


def _unfinished(store: Store, run: str, start: Start | None) -> Summary:
    lost = is_lost(store, run, start)
    folder = run_folder(run)
    committed = sum(
        "commit.json" in store.names(f"{folder}/steps/{step}") for step in steps(store, run)
    )
    # The end may have come while we looked.
    end = _end(store, run)
    if end is not None:
        return _ended(run, end)
    return Summary(
        run=run,
        status="lost" if lost else "running",
        pipeline=start.pipeline if start else "",
        backend=start.backend if start else "",
        started=start.started if start else "",
        seconds=None if lost else store.age(f"{folder}/00-start.json"),
        done=committed,
        parameters=start.parameters if start else {},
    )
