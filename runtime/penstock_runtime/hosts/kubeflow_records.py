"""Records of a run of Kubeflow, written where penstock's own store can be reached.

Kubeflow keeps the artifacts and the lineage; nothing that goes wrong here fails a step.
"""

import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from penstock_runtime.artifacts import Written, keep_written
from penstock_runtime.context import ActiveRun
from penstock_runtime.errors import BadRequest, StepFailed, StoreError
from penstock_runtime.execute import commit_facts, curve_sink, record_failure
from penstock_runtime.heartbeat import beating
from penstock_runtime.labels import is_digest
from penstock_runtime.opening import open_store
from penstock_runtime.records import RunRecords, Stopwatch
from penstock_runtime.redaction import Redactor, without_secrets
from penstock_runtime.reference import Value
from penstock_runtime.request import Request, check_label
from penstock_runtime.response import Response
from penstock_runtime.run_summary import start_facts
from penstock_runtime.store import Store

BACKEND = "kubeflow"


class Keeper:
    """Keeps what one attempt of a step has done; without a store, nothing."""

    def __init__(self, request: Request, environ: Mapping[str, str]) -> None:
        self.request = request
        self._store: Store | None = None
        self._records: RunRecords | None = None
        self._watch = Stopwatch()
        if environ.get("PENSTOCK_STORE") and request.orchestrator_run:
            self._softly("the run is not recorded", lambda: self._open(environ))
        sink = None if self._records is None else curve_sink(self._records, self.request)
        self.run = ActiveRun(
            self.request.run,
            self.request.step,
            self.request.attempt,
            self.request.orchestrator_run,
            sink=None if sink is None else lambda points: self._note(sink, points),
        )

    def _open(self, environ: Mapping[str, str]) -> None:
        store = open_store(environ["PENSTOCK_STORE"])
        records = RunRecords(store, self.request.run)
        self.request = replace(self.request, attempt=records.next_attempt(self.request.step))
        if records.started() is None:
            records.start(start_facts(_facts(environ, self.request), BACKEND))
        facts = {
            "step": self.request.step,
            "attempt": self.request.attempt,
            "code": self.request.code,
            "started": self._watch.started,
            "host": os.uname().nodename,
            "orchestrator_run": self.request.orchestrator_run,
        }
        records.step_started(self.request.step, self.request.attempt, facts)
        self._store, self._records = store, records

    @contextmanager
    def attempt(self) -> Generator[None, None, None]:
        """While the block lasts the step runs; a failure is recorded, and goes on."""
        if self._records is None:
            yield
            return
        try:
            with beating(self._records, self.request.step, self.request.attempt):
                yield
        except (StepFailed, BadRequest, StoreError, SystemExit, KeyboardInterrupt) as error:
            record_failure(self._records, self.request, self._watch, self.run, error)
            raise

    def inputs(self, recorded: Mapping[str, Value]) -> None:
        """What the step is called with."""
        self.request = replace(self.request, inputs=recorded)

    def lap(self, name: str) -> None:
        """The time since the last lap belongs to this name."""
        self._watch.lap(name)

    def keep(self, value: object, written: Written) -> str | None:
        """Put an artifact into the store; the digest of its preview if it has one there."""
        store = self._store
        if store is None:
            return None
        kept: list[str | None] = []
        self._softly(
            "an artifact is not kept in the store",
            lambda: kept.append(keep_written(value, written, store)),
        )
        return kept[0] if kept else None

    def commit(self, response: Response) -> None:
        """Record that the step is done."""
        records = self._records
        if records is None:
            return
        self._softly("the step is not recorded", lambda: self._commit(records, response))

    def _commit(self, records: RunRecords, response: Response) -> None:
        self.run.flush()
        request = self.request
        redact = Redactor(request.env[name] for name in request.secrets)
        metadata = without_secrets(self.run.metadata, redact)
        facts = commit_facts(request, self._watch, response, metadata)
        if not records.commit(request.step, facts):
            records.commit_again(request.step, request.attempt, facts)

    def _note(
        self, sink: Callable[[list[dict[str, Any]]], None], points: list[dict[str, Any]]
    ) -> None:
        self._softly("a curve is not recorded", lambda: sink(points))

    def _softly(self, what: str, work: Callable[[], None]) -> None:
        try:
            work()
        except (StoreError, OSError, BadRequest) as error:
            sys.stderr.write(f"penstock: {what}: {error}\n")
            self._store = self._records = None


def _facts(environ: Mapping[str, str], request: Request) -> dict[str, Any]:
    plan = environ.get("PENSTOCK_PLAN", "")
    return {
        "pipeline": check_label(environ.get("PENSTOCK_PIPELINE", ""), "pipeline"),
        "plan": plan if is_digest(plan) else "",
        "parameters": {},  # a task knows its own inputs alone; the end of the run has them
        "run": request.orchestrator_run,
    }


def provenance(environ: Mapping[str, str]) -> dict[str, str]:
    """What an artifact's metadata tells of where it comes from."""
    found = {
        "plan": environ.get("PENSTOCK_PLAN", ""),
        "git_commit": environ.get("PENSTOCK_COMMIT", ""),
    }
    return {key: value for key, value in found.items() if value}
