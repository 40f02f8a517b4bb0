"""Going on with a run that was killed, failed or was stopped.

A run without an end goes on under its own id: what it committed stays. One that has ended is
closed for ever, so a new run takes over what it committed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.ir.nodes import PipelineIR
from penstock.runner import CannotRun
from penstock_local.earlier import Unusable, earlier, intact
from penstock_runtime.errors import StoreError
from penstock_runtime.processes import lives
from penstock_runtime.records import RunRecords
from penstock_runtime.reference import object_or_empty
from penstock_runtime.request import Request
from penstock_runtime.run_id import new_run_id, run_folder
from penstock_runtime.store import Store


@dataclass(frozen=True)
class Resumption:
    """What is resumed: `run` goes on if `continues`, else a new run takes over from `of`."""

    run: str
    of: str | None = None
    started: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()

    @property
    def continues(self) -> bool:
        """Whether the run keeps its id and its first record."""
        return self.started is not None


def resumption(store: Store, ir: PipelineIR, plan: str, run: str | None) -> Resumption:
    """How to go on with a run; a new run if there is none. Raises CannotRun, StoreError."""
    if run is None:
        return Resumption(new_run_id())
    records = RunRecords(store, run)
    started, ended = records.started(), _end(records)
    if started is None:
        raise CannotRun(f"there is no run {run} in the store {store.url}")
    if started.get("pipeline") != ir.name:
        raise CannotRun(f"run {run} is one of {started.get('pipeline')!r}, not of {ir.name!r}")
    if ended is not None:
        if ended.get("status") == "succeeded":
            raise CannotRun(f"run {run} has succeeded: there is nothing to resume")
        return Resumption(new_run_id(), of=run)
    if started.get("plan") != plan:
        note = f"the pipeline has changed since run {run}: a new run takes over what it can"
        return Resumption(new_run_id(), of=run, notes=(note,))
    if (broken := next(_broken(store, ir, run), None)) is not None:
        note = f"a new run goes on from run {run}, in which {broken}"
        return Resumption(new_run_id(), of=run, notes=(note,))
    return Resumption(run, of=run, started=started, notes=tuple(_alive(records, started)))


def recorded_parameters(store: Store | None, run: str | None) -> Mapping[str, object]:
    """The parameters of the run to be resumed; none for a new run. Raises StoreError."""
    started = RunRecords(store, run).started() if store is not None and run is not None else None
    return object_or_empty(started.get("parameters")) if started is not None else {}


def same_parameters(
    before: Mapping[str, object], given: Mapping[str, object], run: str | None
) -> Mapping[str, object]:
    """The parameters of a resumed run: those it had. Raises CannotRun for another value."""
    for name, value in given.items():
        if run is not None and before.get(name) != value:
            raise CannotRun(
                f"run {run} has another {name}, and a resumed run keeps its parameters; "
                "start a new run instead: what has not changed comes from the cache"
            )
    return {**before, **given}


def _end(records: RunRecords) -> Mapping[str, Any] | None:
    try:
        return records.ended()
    except StoreError:  # damaged, but it has ended
        return {}


def _broken(store: Store, ir: PipelineIR, run: str) -> Iterator[str]:
    """What a run cannot go on with: commits never change, so what they lost is lost for the run."""
    exits = {step.id for step in ir.steps if step.on_exit}
    for step in store.names(f"{run_folder(run)}/steps"):
        try:
            found = earlier(store, run, step)
            if found is None:
                continue
            if step in exits:
                yield f"step {step!r}, the last, had run"
            inputs = Request(run, step, 1, store.url, str(found.commit.get("code")), {})
            intact(store, found, inputs)
        except Unusable as error:
            yield f"step {step!r} cannot be used: {error}"


def _alive(records: RunRecords, started: Mapping[str, Any]) -> Iterator[str]:
    host, process, boot = (started.get(name) for name in ("host", "pid", "boot"))
    match host, process, boot:
        case str(), int(), str():
            alive = lives(host, process, boot, records.age() or 0.0)
        case _:
            alive = None
    if alive:
        yield f"process {process} still runs this run; each step is committed only once"
