"""What Kubeflow's REST API (v2beta1) answers, as far as it is read; checked before believed."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasChoices, Field

from penstock.rest import Answer

Text = Annotated[str, Field(max_length=100_000)]
Id = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9._-]+$")]


class Fault(Answer):
    """What the server says of an error: google.rpc.Status, and an older form."""

    message: object = None
    error: object = None
    error_message: object = None


class Health(Answer):
    """`/healthz`."""

    commit_sha: Text | None = None
    tag_name: Text | None = None
    multi_user: bool = False


class Experiment(Answer):
    """`/experiments/{id}`."""

    experiment_id: Id
    display_name: Text = ""


class Experiments(Answer):
    """`/experiments`."""

    experiments: tuple[Experiment, ...] = ()


class Pipeline(Answer):
    """`/pipelines/{id}`."""

    pipeline_id: Id
    display_name: Text = ""


class Pipelines(Answer):
    """`/pipelines`."""

    pipelines: tuple[Pipeline, ...] = ()


class PipelineVersion(Answer):
    """`/pipelines/{id}/versions/{id}`."""

    pipeline_version_id: Id
    display_name: Text = ""


class PipelineVersions(Answer):
    """`/pipelines/{id}/versions`."""

    pipeline_versions: tuple[PipelineVersion, ...] = ()


class Problem(Answer):
    """google.rpc.Status of a run or a task."""

    message: Text = ""


class TaskDetail(Answer):
    """One task of a run, or one round of it."""

    task_id: Text = ""
    display_name: Text = ""
    create_time: Text | None = None
    start_time: Text | None = None
    end_time: Text | None = None
    state: Text | None = None
    error: Problem | None = None


class RunDetails(Answer):
    """`run_details` of a run."""

    task_details: tuple[TaskDetail, ...] = ()


class RuntimeConfig(Answer):
    """What a run was started with."""

    parameters: dict[str, Any] = Field(default_factory=dict)


class Run(Answer):
    """`/runs/{id}`."""

    run_id: Id
    display_name: Text = ""
    description: Text | None = None
    state: Text | None = None
    created_at: Text | None = None
    finished_at: Text | None = None
    runtime_config: RuntimeConfig | None = None
    run_details: RunDetails | None = None
    error: Problem | None = None


class Runs(Answer):
    """`/runs`."""

    runs: tuple[Run, ...] = ()
    next_page_token: Text = ""


class RecurringRun(Answer):
    """`/recurringruns/{id}`."""

    recurring_run_id: Id
    display_name: Text = ""


class RecurringRuns(Answer):
    """`/recurringruns`; the server's own spelling of the list."""

    recurring_runs: tuple[RecurringRun, ...] = Field(
        default=(), validation_alias=AliasChoices("recurringRuns", "recurring_runs")
    )
