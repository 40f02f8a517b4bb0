"""Follows a run: what its tasks do, told as the events of a local run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime

from penstock.ir.lookup import lookup
from penstock.ir.nodes import PipelineIR
from penstock.rest import Refused
from penstock.runner import (
    Listener,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from penstock.submitting import FinalState, Submission
from penstock_kubeflow.answers import Run, TaskDetail
from penstock_kubeflow.levels import Levels
from penstock_kubeflow.rest import Api

_POLL = 2.0
FINAL: Mapping[str, FinalState] = {
    "SUCCEEDED": "succeeded",
    "SKIPPED": "succeeded",
    "FAILED": "failed",
    "CANCELED": "cancelled",
}


def follow(submission: Submission, run: str, listen: Listener) -> FinalState:
    """Tell what the steps do until the run is over. Raises `SubmitError`."""
    ir = submission.ir
    listen(RunStarted(run, ir.name, "", "kubeflow", 0, len(ir.steps), ()))
    api = Api(submission.host, submission.token_file)
    names, told = step_names(ir), dict[str, str]()
    while True:
        try:
            found = api.get(f"/runs/{run}", Run)
        except Refused as error:
            if error.status != 401:
                raise
            # The token of a pod expires in the middle of a long run; its file has a new one.
            api = Api(submission.host, submission.token_file)
            found = api.get(f"/runs/{run}", Run)
        for name, task in instances(found, names):
            _tell(name, task, told, listen)
        state = FINAL.get(found.state or "")
        if state is not None:
            return state
        time.sleep(_POLL)


def step_names(ir: PipelineIR) -> dict[str, str]:
    """The step of each task's name."""
    names = lookup(ir)
    tasks = Levels(names).tasks
    return {tasks[step.id]: step.id for step in ir.steps}


def instances(run: Run, names: Mapping[str, str]) -> list[tuple[str, TaskDetail]]:
    """The tasks that are steps; of several of one name each has the number of its round."""
    details = run.run_details.task_details if run.run_details is not None else ()
    by_step: dict[str, list[TaskDetail]] = {}
    for one in details:
        if one.display_name in names:
            by_step.setdefault(names[one.display_name], []).append(one)
    found: list[tuple[str, TaskDetail]] = []
    for step, tasks in by_step.items():
        tasks.sort(key=lambda one: (one.create_time or "", one.task_id))
        several = len(tasks) > 1
        found += [(f"{step}.{n}" if several else step, one) for n, one in enumerate(tasks)]
    return found


def _tell(name: str, task: TaskDetail, told: dict[str, str], listen: Listener) -> None:
    """The events that lie between what was told of a task and what it is now."""
    key, state = task.task_id or name, task.state or ""
    before = told.get(key, "")
    if state == before or before in FINAL:
        return
    told[key] = state
    ended = state in FINAL
    if state == "RUNNING" or (ended and before != "RUNNING" and state in ("SUCCEEDED", "FAILED")):
        listen(StepStarted(name, 1))
    match state:
        case "SUCCEEDED":
            listen(StepSucceeded(name, seconds_of(task), {}))
        case "FAILED":
            message = task.error.message if task.error is not None else ""
            message = message or "the task failed; its page in Kubeflow has the log"
            listen(StepFailed(name, 1, seconds_of(task), message[:500]))
        case "SKIPPED":
            listen(StepSkipped(name))
        case "CANCELED":
            listen(StepCancelled(name, seconds_of(task)))
        case _:
            pass


def seconds_of(task: TaskDetail) -> float:
    """How long a task took; 0 where the server does not tell."""
    begin, end = moment(task.start_time), moment(task.end_time)
    return max(0.0, (end - begin).total_seconds()) if begin is not None and end is not None else 0.0


def moment(text: str | None) -> datetime | None:
    """A time of the server; None if it is none, or that of something that has not happened."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return None if found.tzinfo is None or found.year < 2000 else found
