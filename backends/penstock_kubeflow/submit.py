"""`penstock submit --to kubeflow`: uploads the spec once, starts a run, and follows it."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar

from penstock.ir.nodes import Schedule
from penstock.rest import Lost
from penstock.runner import Listener
from penstock.submitting import (
    FinalState,
    Say,
    Submission,
    SubmitError,
    Submitted,
    WrongRequest,
)
from penstock_kubeflow.answers import (
    Experiment,
    Experiments,
    Pipeline,
    Pipelines,
    PipelineVersion,
    PipelineVersions,
    RecurringRun,
    RecurringRuns,
    Run,
    Runs,
)
from penstock_kubeflow.following import follow
from penstock_kubeflow.names import safe_name
from penstock_kubeflow.rest import Api, checked_host, named
from penstock_kubeflow.schedule import recurring_body

DEFAULT_EXPERIMENT = "Default"
OWN = "pipeline"

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_RECENT = 20


class KubeflowSubmitter:
    """Starts runs through the REST API of Kubeflow Pipelines 2."""

    name: ClassVar[str] = "kubeflow"

    def requests(self, submission: Submission) -> Iterator[str]:
        """What would be sent, a line each, without any credential."""
        wanted = _Wanted(submission)
        root = f"{checked_host(submission.host)}/apis/v2beta1"
        yield f"GET   {root}/healthz"
        yield f"GET   {root}/pipelines  named {wanted.pipeline}"
        yield f"POST  {root}/pipelines  {_json(wanted.new_pipeline())}, if there is none"
        yield f"GET   {root}/pipelines/<id>/versions  named {wanted.version}"
        yield (
            f"POST  {root}/pipelines/upload_version  {wanted.file}, {len(wanted.text):,} "
            f"characters, as {wanted.version}, if it is not there"
        )
        yield f"GET   {root}/experiments  named {wanted.experiment}"
        yield f"POST  {root}/experiments  {_json(wanted.new_experiment())}, if there is none"
        if wanted.schedule is not None:
            body = wanted.recurring(
                wanted.schedule, "<pipeline id>", "<version id>", "<experiment id>"
            )
            yield f"GET   {root}/recurringruns  named {wanted.run}"
            yield f"POST  {root}/recurringruns  {_json(body)}"
        else:
            body = wanted.new_run("<pipeline id>", "<version id>", "<experiment id>", "<id>")
            yield f"POST  {root}/runs  {_json(body)}"

    def submit(self, submission: Submission, say: Say) -> Submitted:
        """Start the run, once. Raises `SubmitError`."""
        wanted = _Wanted(submission)
        api = Api(submission.host, submission.token_file)
        pipeline = _pipeline(api, wanted)
        version = _version(api, wanted, pipeline, say)
        experiment = _experiment(api, wanted, say)
        if wanted.schedule is not None:
            return _recurring(api, wanted, wanted.schedule, (pipeline, version, experiment))
        run = _started(api, wanted, pipeline, version, experiment)
        return Submitted(run, f"{api.host}/#/runs/details/{run}")

    def follow(self, submission: Submission, started: Submitted, listen: Listener) -> FinalState:
        """Tell what the steps do until the run is over. Raises `SubmitError`."""
        return follow(submission, started.run, listen)


class _Wanted:
    """What is asked for, checked before anything is sent. Raises `WrongRequest`."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self.pipeline = submission.ir.name
        self.file = f"{self.pipeline}.yaml"
        self.text = submission.bundle[self.file]
        digest = hashlib.sha256(self.text.encode()).hexdigest()
        self.version = f"{safe_name(self.pipeline)}-{digest[:12]}"
        self.experiment = submission.experiment or DEFAULT_EXPERIMENT
        self.schedule = _schedule(submission)
        self.run = submission.run or self._usual_name()
        if submission.files is not None:
            raise WrongRequest("--dags is for Airflow; leave it out")
        for what, text in (("--experiment", self.experiment), ("--run-id", self.run)):
            if not _NAME.fullmatch(text):
                raise WrongRequest(f"{what} takes a name of at most 128 characters, not {text!r}")
        for what, name in (
            ("--namespace", submission.namespace),
            ("--service-account", submission.account),
        ):
            if name is not None and not _DNS_LABEL.fullmatch(name):
                raise WrongRequest(f"{what} takes a name of Kubernetes, not {name!r}")

    def _usual_name(self) -> str:
        """A recurring run is there once; of runs there are many."""
        if self.schedule is not None:
            return self.pipeline
        return f"{self.pipeline} {datetime.now(UTC):%Y-%m-%d %H:%M:%S}"

    @property
    def namespace(self) -> dict[str, str]:
        """The namespace as a field, where one is given."""
        return {} if self.submission.namespace is None else {"namespace": self.submission.namespace}

    def new_pipeline(self) -> dict[str, Any]:
        """The body that makes a pipeline, without a version."""
        ir = self.submission.ir
        return {"display_name": self.pipeline, "description": ir.description, **self.namespace}

    def new_experiment(self) -> dict[str, Any]:
        """The body that makes an experiment."""
        return {"display_name": self.experiment, **self.namespace}

    def new_run(self, pipeline: str, version: str, experiment: str, mark: str) -> dict[str, Any]:
        """The body that starts a run; its description tells it, and its plan, again."""
        found = self._common(pipeline, version, experiment)
        return {**found, "display_name": self.run, "description": self.description(mark)}

    def description(self, mark: str) -> str:
        """What a run says of itself, for people, and for `penstock runs --sync`."""
        return (
            f"Submitted by penstock: pipeline {self.pipeline}, plan {self.submission.plan}, "
            f"request {mark}"
        )

    def recurring(
        self, schedule: Schedule, pipeline: str, version: str, experiment: str
    ) -> dict[str, Any]:
        """The body that makes a recurring run."""
        common = self._common(pipeline, version, experiment)
        return {**recurring_body(self.run, schedule), **common, **self.namespace}

    def _common(self, pipeline: str, version: str, experiment: str) -> dict[str, Any]:
        root = self.submission.values.get("pipeline-root")
        config: dict[str, Any] = {"parameters": dict(self.submission.parameters)}
        found: dict[str, Any] = {
            "experiment_id": experiment,
            "pipeline_version_reference": {
                "pipeline_id": pipeline,
                "pipeline_version_id": version,
            },
            "runtime_config": config | ({"pipeline_root": root} if root else {}),
        }
        if self.submission.account is not None:
            found["service_account"] = self.submission.account
        return found


def _schedule(submission: Submission) -> Schedule | None:
    if submission.schedule is None:
        return None
    if submission.schedule != OWN:
        schedule = Schedule(cron=submission.schedule)
    elif submission.ir.schedule is not None:
        schedule = submission.ir.schedule
    else:
        raise WrongRequest(f"the pipeline {submission.ir.name!r} has no schedule; give a cron")
    if recurring_body("", schedule)["trigger"]["cron_schedule"]["cron"] is None:
        raise WrongRequest(
            f"Kubeflow does not read the schedule {schedule.cron!r}: use five cron fields"
        )
    return schedule


def _json(body: dict[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False)


def _pipeline(api: Api, wanted: _Wanted) -> str:
    query = {"filter": named(wanted.pipeline), **wanted.namespace}
    for one in api.get("/pipelines", Pipelines, **query).pipelines:
        if one.display_name == wanted.pipeline:
            return one.pipeline_id
    return api.post("/pipelines", wanted.new_pipeline(), Pipeline).pipeline_id


def _version(api: Api, wanted: _Wanted, pipeline: str, say: Say) -> str:
    """The version of this very spec: uploaded, unless the server has it."""
    path = f"/pipelines/{pipeline}/versions"
    found = api.get(path, PipelineVersions, filter=named(wanted.version)).pipeline_versions
    for one in found:
        if one.display_name == wanted.version:
            return one.pipeline_version_id
    query = {"name": wanted.version, "pipelineid": pipeline}
    made = api.upload("/pipelines/upload_version", wanted.file, wanted.text, PipelineVersion, query)
    say(f"uploaded {wanted.file} as {wanted.version}")
    return made.pipeline_version_id


def _experiment(api: Api, wanted: _Wanted, say: Say) -> str:
    query = {"filter": named(wanted.experiment), **wanted.namespace}
    for one in api.get("/experiments", Experiments, **query).experiments:
        if one.display_name == wanted.experiment:
            return one.experiment_id
    made = api.post("/experiments", wanted.new_experiment(), Experiment)
    say(f"made the experiment {wanted.experiment}")
    return made.experiment_id


def _started(api: Api, wanted: _Wanted, pipeline: str, version: str, experiment: str) -> str:
    """The id of the run; an answer that is lost on its way must not start it twice."""
    mark = str(uuid.uuid4())
    body = wanted.new_run(pipeline, version, experiment, mark)
    try:
        return api.post("/runs", body, Run).run_id
    except Lost:
        recent = api.get(
            "/runs",
            Runs,
            experiment_id=experiment,
            sort_by="created_at desc",
            page_size=_RECENT,
        )
        for one in recent.runs:
            if mark in (one.description or ""):
                return one.run_id
        raise SubmitError(
            f"{api.host} did not answer, and the run was not started: try again"
        ) from None


def _recurring(
    api: Api, wanted: _Wanted, schedule: Schedule, ids: tuple[str, str, str]
) -> Submitted:
    query = {"filter": named(wanted.run), **wanted.namespace}
    for one in api.get("/recurringruns", RecurringRuns, **query).recurring_runs:
        if one.display_name == wanted.run:
            raise SubmitError(
                f"there is a recurring run {wanted.run!r} already ({one.recurring_run_id}): "
                "delete it first, or choose another --run-id"
            )
    body = wanted.recurring(schedule, *ids)
    made = api.post("/recurringruns", body, RecurringRun).recurring_run_id
    return Submitted(made, f"{api.host}/#/recurringrun/details/{made}", recurring=True)
