"""Follows a run: what its task instances do, told as the events of a local run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from penstock.ir.nodes import Options, PipelineIR
from penstock.runner import (
    Listener,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from penstock.submitting import FinalState, SubmitError
from penstock_airflow.answers import DagRun, TaskInstance, TaskInstances
from penstock_airflow.rest import Api, NotThere

_POLL = 1.0
_PAGE = 100
_LOG_LINES = 20
_BEGIN = "Starting docker container"
"""What comes before it is Airflow's own."""
_OVER: dict[str, FinalState] = {"success": "succeeded", "failed": "failed"}

Seen = dict[str, tuple[str | None, int]]
"""The state of each instance when it was last seen, and the attempt that was told to start."""


def follow(api: Api, ir: PipelineIR, run: str, listen: Listener) -> FinalState:
    """Tell what the steps do until the run is over. Raises `SubmitError`."""
    base = f"/dags/{quote(ir.name, safe='')}/dagRuns/{quote(run, safe='')}"
    listen(RunStarted(run, ir.name, "", "airflow", 0, len(ir.steps), ()))
    delays = {one.id: _delay(one.options, ir.options) for one in ir.steps}
    seen: Seen = {}
    while True:
        # The state first: when it is final, no task changes any more.
        state = api.get(base, DagRun).state
        for one in _instances(api, base):
            if one.task_id in delays:
                _tell(api, base, one, delays, seen, listen)
        if state in _OVER:
            return _OVER[state]
        time.sleep(_POLL)


def _instances(api: Api, base: str) -> Iterator[TaskInstance]:
    offset = 0
    while True:
        page = api.get(f"{base}/taskInstances", TaskInstances, limit=_PAGE, offset=offset)
        yield from page.task_instances
        offset += len(page.task_instances)
        if not page.task_instances or offset >= page.total_entries:
            return


def _delay(options: Options, around: Options) -> float:
    retry = options.retry or around.retry
    return retry.delay if retry is not None else 0.0


def _tell(
    api: Api,
    base: str,
    one: TaskInstance,
    delays: Mapping[str, float],
    seen: Seen,
    listen: Listener,
) -> None:
    """The events that lie between what was seen of a task and what it is now."""
    name = one.task_id if one.map_index < 0 else f"{one.task_id}.{one.map_index}"
    state, attempt = one.state, max(1, one.try_number or 0)
    before, started = seen.get(name, (None, 0))
    if (state, attempt) == (before, max(1, started)) and name in seen:
        return
    delay = delays.get(one.task_id, 0.0)
    if state in ("running", "success", "failed", "up_for_retry"):
        # Between two looks a whole attempt may have come and gone.
        for tried in range(max(1, started), attempt):
            if tried > started:
                listen(StepStarted(name, tried))
            if before != "up_for_retry" or tried > started:
                listen(_failure(api, base, one, name, tried, delay))
        if attempt > started:
            listen(StepStarted(name, attempt))
        started = attempt
    seen[name] = (state, started)
    match state:
        case "success":
            listen(StepSucceeded(name, one.duration or 0.0, {}))
        case "failed" | "up_for_retry":
            again = delay if state == "up_for_retry" else None
            listen(_failure(api, base, one, name, attempt, again))
        case "skipped":
            listen(StepSkipped(name))
        case "upstream_failed" | "removed":
            listen(StepCancelled(name, 0.0))
        case _:
            pass


def _failure(
    api: Api, base: str, one: TaskInstance, name: str, attempt: int, again: float | None
) -> StepFailed:
    return StepFailed(
        name,
        attempt,
        one.duration or 0.0,
        f"the task failed; Airflow has the log of its try {attempt}",
        log=tuple(log_end(api, base, one, attempt)),
        retry_in=again,
    )


def log_end(api: Api, base: str, one: TaskInstance, attempt: int) -> list[str]:
    """The last lines of a task's log; empty if there is none to be had."""
    path = f"{base}/taskInstances/{quote(one.task_id, safe='')}/logs/{attempt}"
    query = {"map_index": one.map_index} if one.map_index >= 0 else {}
    try:
        text = (
            api.text(path, **query) if not api.two else api.text(path, full_content="true", **query)
        )
    except (NotThere, SubmitError):
        return []  # the log is an aid: the run is told without it
    lines = [line for raw in text.splitlines() if (line := _said(raw))]
    begun = [place for place, line in enumerate(lines) if _BEGIN in line]
    lines = lines[begun[-1] + 1 :] if begun else lines
    return [line for line in lines if not line.startswith("::")][-_LOG_LINES:]


def _said(raw: str) -> str:
    """A line of a log as people read it: the message of what is JSON."""
    try:
        found: object = json.loads(raw)
    except ValueError:
        found = None
    if isinstance(found, dict):
        event: object = found.get("event")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - JSON
        raw = event if isinstance(event, str) else ""
    return "".join(char if char.isprintable() else " " for char in raw).rstrip()[:500]
