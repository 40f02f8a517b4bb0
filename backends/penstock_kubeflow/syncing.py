"""`penstock runs --sync`: what Kubeflow knows of the runs that penstock has started there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from penstock.syncing import RemoteRun, RemoteStep, StepState
from penstock_kubeflow.answers import Run, Runs, TaskDetail
from penstock_kubeflow.following import FINAL, moment, seconds_of
from penstock_kubeflow.rest import Api

# As the submitter writes it.
_OURS = re.compile(
    r"Submitted by penstock: pipeline ([A-Za-z0-9_][A-Za-z0-9._-]{0,199}), "
    r"plan (sha256:[0-9a-f]{64}), request [0-9a-f-]{36}"
)
_PAGE = 50
_STATES: dict[str, StepState] = {
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "CANCELED": "cancelled",
    "SKIPPED": "skipped",
}
# Tasks of DAGs and drivers are no steps; which tasks are, only the plan would tell.
_NO_STEP = re.compile(r".*-driver|root|executor|(guarded|branches|items)(-.*)?")


class KubeflowSyncer:
    """Reads runs through the REST API of Kubeflow Pipelines 2."""

    name: ClassVar[str] = "kubeflow"

    def runs(
        self, host: str, token_file: Path | None, namespace: str | None
    ) -> Iterator[RemoteRun]:
        """The runs that penstock has started there, newest first. Raises `SubmitError`."""
        api, token = Api(host, token_file), None
        while True:
            page = api.get(
                "/runs",
                Runs,
                sort_by="created_at desc",
                page_size=_PAGE,
                page_token=token,
                namespace=namespace,
            )
            for one in page.runs:
                match = _OURS.fullmatch(one.description or "")
                if match is not None:
                    # A list tells no tasks.
                    whole = api.get(f"/runs/{one.run_id}", Run) if one.state in FINAL else one
                    yield _remote(whole, match[1], match[2])
            token = page.next_page_token
            if not token:
                return


def _remote(run: Run, pipeline: str, plan: str) -> RemoteRun:
    begin, end = moment(run.created_at), moment(run.finished_at)
    seconds = (end - begin).total_seconds() if begin is not None and end is not None else 0.0
    config = run.runtime_config
    return RemoteRun(
        run=run.run_id,
        pipeline=pipeline,
        plan=plan,
        state=FINAL.get(run.state or ""),
        started=run.created_at or "",
        ended=run.finished_at or "",
        seconds=max(0.0, seconds),
        parameters=config.parameters if config is not None else {},
        steps=dict(_steps(run)),
    )


def _steps(run: Run) -> Iterator[tuple[str, RemoteStep]]:
    details = run.run_details.task_details if run.run_details is not None else ()
    seen: dict[str, int] = {}
    for one in sorted(details, key=lambda task: (task.create_time or "", task.task_id)):
        if one.state not in _STATES or _NO_STEP.fullmatch(one.display_name or "root"):
            continue
        number = seen[one.display_name] = seen.get(one.display_name, -1) + 1
        name = one.display_name if number == 0 else f"{one.display_name}.{number}"
        yield name, _step(one, _STATES[one.state])


def _step(task: TaskDetail, state: StepState) -> RemoteStep:
    message = task.error.message[:500] if task.error is not None else ""
    return RemoteStep(state, round(seconds_of(task), 3), message)
