"""The state of a run: folded from its records, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from penstock_records.layout import attempt_records, steps
from penstock_records.liveness import is_lost
from penstock_records.reading import Damaged, Newer, read_as
from penstock_records.schema import (
    Artifact,
    Attempt,
    Cache,
    Commit,
    End,
    Error,
    Metrics,
    Note,
    Record,
    Reused,
    Start,
)
from penstock_records.summary import Status
from penstock_records.values import artifacts_in
from penstock_runtime.errors import StoreError
from penstock_runtime.records import commits_in, ends_in
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store

_R = TypeVar("_R", bound=Record)


@dataclass(frozen=True)
class StepState:
    """A step of a run: how far it has come, from what, and what it gave."""

    step: str
    status: str
    attempts: int = 0
    code: str = ""
    started: str = ""
    seconds: float | None = None
    durations: dict[str, float] = field(default_factory=dict[str, float])
    inputs: dict[str, Any] = field(default_factory=dict[str, Any])
    outputs: dict[str, Any] = field(default_factory=dict[str, Any])
    metrics: Metrics = field(default_factory=dict[str, float | str])
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    cache: Cache | None = None
    reused: Reused | None = None
    error: Error | None = None
    log: str | None = None

    def artifacts(self) -> Iterator[tuple[str, Artifact]]:
        """The artifacts that it gave, with their outputs. Raises Damaged."""
        for output, value in self.outputs.items():
            for one in artifacts_in(value):
                yield output, one


@dataclass(frozen=True)
class Run:
    """A run as its records tell it; `problems` are records that cannot be read."""

    run: str
    folder: str
    status: Status
    start: Start | None
    end: End | None
    steps: tuple[StepState, ...]
    notes: tuple[Note, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def pipeline(self) -> str:
        """The name of the pipeline; empty where no record tells it."""
        told = self.start or self.end
        return told.pipeline if told else ""

    def step(self, name: str) -> StepState | None:
        """The step of that name."""
        return next((one for one in self.steps if one.step == name), None)


def fold(store: Store, run: str) -> Run:
    """The state of a run. What cannot be read becomes one of its problems."""
    reader = _Reader(store, run)
    # The end first: after it no step is committed any more.
    end = reader.end()
    start = reader.read(Start, "00-start.json")
    found = [reader.step(name) for name in reader.names()]
    status: Status
    if end is not None:
        status = end.status
    elif reader.unreadable:
        status = reader.unreadable
    else:
        status = "lost" if is_lost(store, run, start) else "running"
    return Run(
        run=run,
        folder=run_folder(run),
        status=status,
        start=start,
        end=end,
        steps=tuple(_in_order(found, end, status)),
        notes=tuple(reader.notes()),
        problems=tuple(reader.problems),
    )


class _Reader:
    """Reads records and collects what is wrong with them."""

    def __init__(self, store: Store, run: str) -> None:
        self._store, self._run, self._folder = store, run, run_folder(run)
        self.problems: list[str] = []
        self.unreadable: Status | None = None

    def read(self, kind: type[_R], name: str) -> _R | None:
        """A record of the run; None if there is none, or it cannot be read."""
        try:
            return read_as(kind, self._store, f"{self._folder}/{name}", self._run)
        except (Damaged, Newer) as error:
            self.problems.append(f"{name}: {error}")
            if "/" not in name:
                self.unreadable = "newer" if isinstance(error, Newer) else "damaged"
            return None

    def end(self) -> End | None:
        """The last end of the run; it has several if steps were repeated after it."""
        end = self.read(End, "99-end.json")
        if end is None or end.backend in ("", "local"):
            return end
        names = ends_in(self._store.names(self._folder))
        return self.read(End, names[-1]) if names else end

    def names(self) -> list[str]:
        """The steps that have records."""
        try:
            return steps(self._store, self._run)
        except StoreError as error:
            self.problems.append(f"steps: {error}")
            return []

    def notes(self) -> Iterator[Note]:
        """What happened to the run later."""
        try:
            names = self._store.names(f"{self._folder}/notes")
        except StoreError as error:
            self.problems.append(f"notes: {error}")
            return
        for name in names:
            if (found := self.read(Note, f"notes/{name}")) is not None:
                yield found

    def step(self, name: str) -> StepState:
        """A step by its own records."""
        commit = self.read(Commit, f"steps/{name}/commit.json")
        if commit is not None:
            commit = self._repeated(name, commit)
            try:
                return _committed(name, commit)
            except Damaged as error:
                self.problems.append(f"steps/{name}/commit.json: {error}")
        last: Attempt | None = None
        attempts = 0
        for record in self._attempts(name):
            found = self.read(Attempt, record)
            if found is not None:
                attempts = max(attempts, found.attempt)
                # A failure comes behind the start of the same attempt.
                if last is None or found.attempt > last.attempt or found.status:
                    last = found
        if last is None:
            return StepState(name, "unknown")
        return StepState(
            step=name,
            status=last.status or "running",
            attempts=attempts,
            code=last.code,
            started=last.started,
            seconds=last.durations.get("total"),
            error=last.error,
        )

    def _repeated(self, name: str, commit: Commit) -> Commit:
        """The commit of the last attempt, where an orchestrator has repeated the step."""
        if "orchestrator_run" not in (commit.model_extra or {}):
            return commit
        for file in commits_in(self._store.names(f"{self._folder}/steps/{name}")):
            found = self.read(Commit, f"steps/{name}/{file}")
            if found is not None and found.attempt > commit.attempt:
                commit = found
        return commit

    def _attempts(self, name: str) -> list[str]:
        try:
            found = list(attempt_records(self._store, self._run, name))
        except StoreError as error:
            self.problems.append(f"steps/{name}: {error}")
            return []
        return [one.removeprefix(f"{self._folder}/") for one in found]


def _committed(name: str, commit: Commit) -> StepState:
    found = StepState(
        step=name,
        status=commit.status,
        attempts=commit.attempt,
        code=commit.code,
        started=commit.started,
        seconds=commit.durations.get("total"),
        durations=commit.durations,
        inputs=commit.inputs,
        outputs=commit.outputs,
        metrics=commit.metrics,
        metadata=commit.metadata,
        cache=commit.cache,
        reused=commit.reused,
        log=commit.log,
    )
    for value in (*commit.inputs.values(), *commit.outputs.values()):
        list(artifacts_in(value))
    return found


def _in_order(found: list[StepState], end: End | None, status: Status) -> Iterator[StepState]:
    """In the pipeline's order where the end tells it, else as they began."""
    by_name = {one.step: one for one in found}
    for name, line in (end.steps if end else {}).items():
        one = by_name.pop(name, None) or StepState(name, line.status, line.attempts)
        error = one.error or (Error.model_validate({"message": line.error}) if line.error else None)
        yield replace(
            one,
            status=line.status,
            attempts=line.attempts or one.attempts,
            seconds=line.seconds if line.attempts else one.seconds,
            error=None if line.status == "succeeded" else error,
            log=line.log or one.log,
        )
    for one in sorted(by_name.values(), key=lambda one: (one.started, one.step)):
        over = one.status == "running" and status != "running"
        yield replace(one, status="lost") if over else one
