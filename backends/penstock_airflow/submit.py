"""`penstock submit --to airflow`: puts the DAG file in place, starts a run, and follows it."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from penstock.runner import Listener
from penstock.submitting import (
    FinalState,
    Say,
    Submission,
    SubmitError,
    Submitted,
    WrongRequest,
)
from penstock_airflow.answers import Dag, DagRun, ImportFault, ImportFaults
from penstock_airflow.following import follow
from penstock_airflow.rest import Api, Lost, NotThere, Refused, checked_host
from penstock_runtime.run_id import new_run_id

_RUN = re.compile(r"[A-Za-z0-9_.~:+-]{1,250}")
_POLL = 1.0


class AirflowSubmitter:
    """Starts runs through the REST API of Airflow 3 (v2) or Airflow 2 (v1)."""

    name: ClassVar[str] = "airflow"

    def requests(self, submission: Submission) -> Iterator[str]:
        """What would be written and sent, a line each, without any credential."""
        host, run = checked_host(submission.host), _run_name(submission)
        _only_ours(submission)
        if submission.files is not None:
            for file, text in submission.bundle.items():
                target = submission.files / file
                same = target.is_file() and target.read_bytes() == text.encode()
                yield f"leave {target} as it is" if same else f"write {target}"
        dag = f"{host}/api/v2/dags/{submission.ir.name}"
        shown = run if submission.run else "<a new id>"
        body = json.dumps(_body(submission, shown, two=False), ensure_ascii=False)
        yield f"GET   {host}/api/v2/version  (or v1, for Airflow 2)"
        yield f"GET   {dag}/details  until its plan is {submission.plan[:19]}"
        yield f'PATCH {dag}  {{"is_paused": false}}, if it is paused'
        yield f"POST  {dag}/dagRuns  {body}"

    def submit(self, submission: Submission, say: Say) -> Submitted:
        """Start the run, once. Raises `SubmitError`."""
        run = _run_name(submission)
        _only_ours(submission)
        api = Api(submission.host, submission.token_file)
        old = _faults(api, submission)
        # What was wrong with the file that is replaced is not wrong with the new one.
        dag = _parsed(api, submission, old if _put(submission, say) else [], say)
        if dag.is_paused:
            api.patch(f"/dags/{submission.ir.name}", {"is_paused": False})
            say(f"{submission.ir.name} was paused, and is not any more")
        _trigger(api, submission, run)
        return Submitted(run, _link(api, submission.ir.name, run))

    def follow(self, submission: Submission, started: Submitted, listen: Listener) -> FinalState:
        """Tell what the steps do until the run is over. Raises `SubmitError`."""
        api = Api(submission.host, submission.token_file)
        return follow(api, submission.ir, started.run, listen)


def _only_ours(submission: Submission) -> None:
    """Refuses what Airflow has no place for. Raises `WrongRequest`."""
    for word in ("experiment", "namespace", "account", "schedule"):
        if getattr(submission, word) is not None:
            shown = "service-account" if word == "account" else word
            raise WrongRequest(f"--{shown} means nothing to Airflow; leave it out")


def _run_name(submission: Submission) -> str:
    """The name of the run; a new one is a UUID, which is its id in the store as well."""
    if submission.run is None:
        return new_run_id()
    if not _RUN.fullmatch(submission.run):
        raise WrongRequest(
            f"{submission.run!r} cannot name a run of Airflow: use letters, digits and . _ ~ : + -"
        )
    return submission.run


def _put(submission: Submission, say: Say) -> bool:
    """Write the file where Airflow reads it, whole, unless it is there already."""
    if submission.files is None:
        return False
    changed = False
    if not submission.files.is_dir():
        raise WrongRequest(f"--dags {submission.files} is no folder")
    for name, text in submission.bundle.items():
        target = submission.files / name
        try:
            if target.is_file() and target.read_bytes() == text.encode():
                continue
            _replace(target, text.encode())
        except OSError as error:
            raise SubmitError(f"{target} cannot be written: {error.strerror}") from None
        say(f"wrote {target}")
        changed = True
    return changed


def _replace(target: Path, content: bytes) -> None:
    # A name without .py: Airflow must not read it before it is whole.
    handle, staged = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".new")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        os.replace(staged, target)
    except BaseException:
        Path(staged).unlink(missing_ok=True)
        raise


def _parsed(api: Api, submission: Submission, old: list[ImportFault], say: Say) -> Dag:
    """The DAG, when Airflow has read this very file."""
    name, until = submission.ir.name, time.monotonic() + submission.patience
    told = False
    while True:
        dag = _known(api, name)
        if dag is not None and submission.plan in (dag.doc_md or ""):
            return dag
        for fault in _faults(api, submission):
            if fault not in old:
                raise SubmitError(_told(fault))
        if submission.files is None:
            raise SubmitError(_missing(api, submission, there=dag is not None))
        if time.monotonic() > until:
            raise SubmitError(
                f"Airflow has not read {name} within {submission.patience:g} seconds: is "
                f"{submission.files} a folder of its DAGs? It looks for new files every "
                "[dag_processor] refresh_interval seconds; --timeout waits longer"
            )
        if not told:
            told = True
            say(f"waiting until Airflow has read {name}")
        time.sleep(_POLL)


def _known(api: Api, name: str) -> Dag | None:
    try:
        return api.get(f"/dags/{quote(name, safe='')}/details", Dag)
    except NotThere:
        return None


def _missing(api: Api, submission: Submission, *, there: bool) -> str:
    name = submission.ir.name
    what = (
        f"Airflow has another version of {name}"
        if there
        else f"Airflow {api.version} has no {name}"
    )
    return f"{what}: add --dags FOLDER to put the file there, or wait until it is synchronised"


def _faults(api: Api, submission: Submission) -> list[ImportFault]:
    """The errors that keep Airflow from reading the files."""
    found = api.get("/importErrors", ImportFaults, limit=100).import_errors
    return [one for one in found if Path(one.filename or "").name in submission.bundle]


def _told(fault: ImportFault) -> str:
    lines = [line for line in (fault.stack_trace or "").splitlines() if line.strip()]
    reason = lines[-1].strip()[:300] if lines else "it does not say why"
    return (
        f"Airflow cannot read {Path(fault.filename or '').name}: {reason}; is its version that of "
        "--option airflow-version, and is the provider installed?"
    )


def _trigger(api: Api, submission: Submission, run: str) -> None:
    """Start the run; an answer that is lost on its way must not start it twice."""
    path = f"/dags/{quote(submission.ir.name, safe='')}/dagRuns"
    try:
        api.post(path, _body(submission, run, two=api.two), DagRun)
    except Lost:
        try:
            api.get(f"{path}/{quote(run, safe='')}", DagRun)
        except NotThere:
            raise SubmitError(
                f"{api.host} did not answer, and the run was not started: try again"
            ) from None
    except Refused as error:
        if error.status == 409:
            raise SubmitError(f"there is a run {run} already: choose another --run-id") from None
        raise


def _body(submission: Submission, run: str, *, two: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"dag_run_id": run, "conf": dict(submission.parameters)}
    return found if two else {**found, "logical_date": None}


def _link(api: Api, name: str, run: str) -> str:
    dag, quoted = quote(name, safe=""), quote(run, safe="")
    if api.two:
        return f"{api.host}/dags/{dag}/grid?dag_run_id={quoted}"
    return f"{api.host}/dags/{dag}/runs/{quoted}"
