"""What a run leaves in the store besides the commits of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.ir.nodes import PipelineIR
from penstock.ir.write import to_plain
from penstock.runner import RunOptions, RunResult, StepResult
from penstock_local.log import Log
from penstock_local.results import Results
from penstock_local.resuming import Resumption
from penstock_local.surroundings import user
from penstock_local.twin import twin
from penstock_runtime.errors import StoreError
from penstock_runtime.processes import this_process
from penstock_runtime.records import RunRecords, utc_now
from penstock_runtime.redaction import Redactor
from penstock_runtime.reference import Artifact, Several, Value, value_to_json
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store, canonical_json


class Journal:
    """Writes `00-start.json`, the plan, the code, logs, `99-end.json` and `run.yaml`."""

    def __init__(self, store: Store, plan: str, resumed: Resumption, redact: Redactor) -> None:
        self._store = store
        self._plan = plan
        self._resumed = resumed
        self._run = resumed.run
        self._redact = redact
        self._records = RunRecords(store, resumed.run)
        self._start: Mapping[str, Any] = resumed.started or {}

    @property
    def folder(self) -> str:
        """The folder of the run's records inside the store."""
        return run_folder(self._run)

    def began(
        self,
        ir: PipelineIR,
        parameters: Mapping[str, object],
        options: RunOptions,
        surroundings: Mapping[str, Any],
        notes: Sequence[str],
    ) -> None:
        """Who, what, when; raises `StoreError` before any step has run."""
        if self._resumed.continues:
            self._records.note({"resumed": utc_now(), **_process(options), "notes": list(notes)})
            return
        canonical = canonical_json(to_plain(options.written or ir, spans=False))
        plan = f"plans/{self._plan.removeprefix('sha256:')}.json"
        self._store.create(plan, canonical)
        self._start = {
            "pipeline": ir.name,
            "backend": "local",
            "plan": self._plan,
            "parameters": dict(parameters),
            "started": utc_now(),
            "user": user(),
            **_process(options),
            **({"resume_of": self._resumed.of} if self._resumed.of else {}),
            **surroundings,
            **({"tags": list(ir.tags)} if ir.tags else {}),
            **({"owner": ir.owner} if ir.owner else {}),
            "notes": list(notes),
        }
        if not self._records.start(self._start):
            raise StoreError(f"run {self._run} has begun before")
        # An old plan may have been collected until this run named it.
        self._store.create(plan, canonical)

    def attempts(self, step: str) -> int:
        """How many attempts at a step were made before this run went on."""
        if not self._resumed.continues:
            return 0
        names = self._store.names(f"{self.folder}/steps/{step}")
        return max((int(name) for name in names if name.isdecimal()), default=0)

    def attempt_lost(self, step: str, attempt: int, code: str, message: str) -> None:
        """The record of an attempt whose process could not write it."""
        facts = {
            "step": step,
            "attempt": attempt,
            "code": code,
            "ended": utc_now(),
            "status": "failed",
            "error": {"class": "penstock:ProcessLost", "message": message, "traceback": ""},
        }
        self._records.step_failed(step, attempt, facts)

    def log(self, log: Log) -> str:
        """Keeps what a step wrote; the digest."""
        return self._store.put_bytes(log.data()).digest

    def ended(self, result: RunResult, kept: Results) -> bool:
        """The summary that lists need, and its twin for people.

        False if another runner of the same run was first: what it wrote stands.
        """
        steps = {one.step: _step_facts(one, kept, self._redact) for one in result.steps}
        facts: dict[str, Any] = {
            "pipeline": result.pipeline,
            "backend": "local",
            "status": result.state,
            "plan": self._start["plan"],
            "parameters": self._start["parameters"],
            "started": self._start["started"],
            "ended": utc_now(),
            "seconds": round(result.seconds, 6),
            "metrics": {one.step: dict(one.metrics) for one in result.steps if one.metrics},
            "artifacts": _artifacts(result),
            "steps": steps,
            "outputs": {name: value_to_json(value) for name, value in result.outputs.items()},
        }
        if not self._records.end(facts):
            return False
        page = twin(self._store, self._run, self._start, facts, kept.commits)
        self._store.create(f"{self.folder}/run.yaml", page)
        return True


def _process(options: RunOptions) -> dict[str, Any]:
    return {"executor": options.executor, **this_process()}


def _step_facts(one: StepResult, kept: Results, redact: Redactor) -> dict[str, Any]:
    facts: dict[str, Any] = {"status": one.state}
    if one.attempts:
        facts |= {"attempts": one.attempts, "seconds": round(one.seconds, 6)}
    if one.edited:
        facts["edited"] = True
    if one.reused is not None:
        facts["reused"] = one.reused
    if (request := kept.tried.get(one.step)) is not None:
        facts["inputs"] = {name: value_to_json(value) for name, value in request.inputs.items()}
        facts["cache"] = dict(request.cache)
    if one.step in kept.logs:
        facts["log"] = kept.logs[one.step]
    if one.step in kept.failures:
        facts["error"] = redact(kept.failures[one.step])
    return facts


def _artifacts(result: RunResult) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for one in result.steps:
        for name, value in one.outputs.items():
            for ref in _refs(value):
                found.append({"step": one.step, "output": name, **ref})
    return found


def _refs(value: Value) -> list[dict[str, Any]]:
    if isinstance(value, Artifact):
        return [value.ref.to_json()]
    if isinstance(value, Several):
        return [ref for item in value.items for ref in _refs(item)]
    return []
