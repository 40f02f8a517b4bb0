"""What begins and ends the records of a run that an orchestrator runs, folded from its steps."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from penstock_runtime.records import RunRecords, utc_now
from penstock_runtime.reference import list_or_empty, object_or_empty


def start_facts(found: Mapping[str, Any], backend: str) -> dict[str, Any]:
    """Who, what, when, as far as a task knows it: `pipeline`, `plan`, `run` and `parameters`."""
    return {
        "pipeline": found["pipeline"],
        "backend": backend,
        "plan": found["plan"],
        "parameters": dict(found.get("parameters", {})),
        "started": utc_now(),
        "orchestrator_run": found["run"],
    }


def end_facts(records: RunRecords, found: Mapping[str, Any], backend: str) -> dict[str, Any]:
    """The summary that lists need, folded from what the steps have committed.

    `found` also has the `status`, the `attempt`, and the `outputs`.
    """
    start = records.started() or start_facts(found, backend)
    commits = {step: records.latest(step) for step in records.steps()}
    steps = {step: _step(records, step, commit) for step, commit in commits.items()}
    done = {step: commit for step, commit in commits.items() if commit is not None}
    age = records.age()
    return {
        "pipeline": found["pipeline"],
        "backend": backend,
        "status": found["status"],
        "plan": found["plan"],
        "parameters": dict(found.get("parameters", {})),
        "started": start.get("started", ""),
        "ended": utc_now(),
        "seconds": round(age, 6) if age is not None else _since(start.get("started")),
        "metrics": {step: one["metrics"] for step, one in done.items() if one.get("metrics")},
        "artifacts": [one for step, commit in done.items() for one in _artifacts(step, commit)],
        "steps": {step: steps[step] for step in _in_order(commits)},
        "outputs": dict(found.get("outputs", {})),
        "attempt": found["attempt"],
        "orchestrator_run": found["run"],
    }


def _step(records: RunRecords, step: str, commit: Mapping[str, Any] | None) -> dict[str, Any]:
    failures = records.failures(step)
    last = failures[-1] if failures else {}
    if commit is not None and int(last.get("attempt", 0)) <= int(commit.get("attempt", 1)):
        return {
            "status": "succeeded",
            "attempts": commit.get("attempt", 1),
            "seconds": object_or_empty(commit.get("durations")).get("total", 0.0),
            "inputs": object_or_empty(commit.get("inputs")),
        }
    return {
        "status": "failed",
        "attempts": last.get("attempt", 1),
        "seconds": object_or_empty(last.get("durations")).get("total", 0.0),
        "error": object_or_empty(last.get("error")).get("message", "it did not end"),
    }


def _in_order(commits: Mapping[str, Mapping[str, Any] | None]) -> list[str]:
    """The steps as they began; those that were never done come last."""
    return sorted(commits, key=lambda step: (str((commits[step] or {}).get("started", "~")), step))


def _artifacts(step: str, commit: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for output, value in object_or_empty(commit.get("outputs")).items():
        for ref in _refs(value):
            yield {"step": step, "output": output, **ref}


def _refs(value: object) -> Iterator[dict[str, Any]]:
    found = object_or_empty(value)
    if "artifact" in found:
        yield object_or_empty(found["artifact"])
    for item in list_or_empty(found.get("list")):
        yield from _refs(item)


def _since(started: object) -> float:
    """Seconds since a time of a record; 0 if it tells none."""
    import calendar

    try:
        began = calendar.timegm(time.strptime(str(started)[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return 0.0
    return max(0.0, time.time() - began)
