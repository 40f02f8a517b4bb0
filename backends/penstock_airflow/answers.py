"""What Airflow's REST API answers, as far as penstock reads it; checked before it is believed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from penstock.rest import Answer

Text = Annotated[str, Field(max_length=100_000)]


class Fault(Answer):
    """What the server says of an error."""

    detail: object = None
    title: object = None


class Version(Answer):
    """`/version`."""

    version: Text


class Token(Answer):
    """`/auth/token`."""

    access_token: Text


class Dag(Answer):
    """`/dags/{id}/details`."""

    is_paused: bool = False
    doc_md: Text | None = None


class ImportFault(Answer):
    """A DAG file that cannot be read."""

    filename: Text | None = None
    stack_trace: Text | None = None
    timestamp: Text | None = None


class ImportFaults(Answer):
    """`/importErrors`."""

    import_errors: tuple[ImportFault, ...] = ()


class DagRun(Answer):
    """`/dags/{id}/dagRuns/{run}`."""

    dag_run_id: Text
    state: Text = ""


class TaskInstance(Answer):
    """One try of a task, or of one round of a mapped task."""

    task_id: Text
    map_index: int = -1
    state: Text | None = None
    try_number: int | None = 0
    duration: float | None = None


class TaskInstances(Answer):
    """`/dags/{id}/dagRuns/{run}/taskInstances`."""

    task_instances: tuple[TaskInstance, ...] = ()
    total_entries: int = 0
