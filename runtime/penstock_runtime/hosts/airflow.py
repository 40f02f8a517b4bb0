"""Airflow: the request in environment variables, the response in the XCom file.

`PENSTOCK_REQUEST` holds JSON; what is too long for one variable goes on in `PENSTOCK_REQUEST_1`,
`PENSTOCK_REQUEST_2` and so on:

    {"format": 1, "pipeline": "<dag id>", "run": "<Airflow's id of the run>", "plan": "sha256:...",
     "step": "fit", "rounds": [3], "attempt": 1, "store": "/folder", "code": "churn:Fit",
     "inputs": {"data": {"artifact": {...}}, "C": {"value": 1.0}}, "fields": ["C"],
     "projections": {"value.auc": ["value", "auc"]}, "secrets": ["TOKEN"], "parameters": {...}}

With the argument `end` it holds `"status": "succeeded" | "failed"` and `"outputs"`, what the
pipeline returns, in place of `code` and `inputs`. A later attempt always runs the step again.

`rounds` are the positions in the loops around the step, outermost first; `secrets` are variables.
`PENSTOCK_PATH` may add source roots, and `PENSTOCK_RETURN` says where the response goes (default
`/airflow/xcom/return.json`).

The response is one flat JSON object: outputs (a parameter's value, or an artifact's reference)
and projections by name.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock_runtime.errors import BadRequest
from penstock_runtime.execute import execute
from penstock_runtime.hosts.airflow_run import note_end, note_start
from penstock_runtime.hosts.process import stdout_to_stderr, write_result
from penstock_runtime.labels import is_digest
from penstock_runtime.opening import open_store
from penstock_runtime.records import RunRecords
from penstock_runtime.reference import (
    Artifact,
    Constant,
    Value,
    as_list,
    as_object,
    check_keys,
    parse_value,
)
from penstock_runtime.request import (
    Request,
    check_attempt,
    check_label,
    check_text,
    parse_json,
    request_from,
)
from penstock_runtime.response import Response
from penstock_runtime.run_id import stable_run_id
from penstock_runtime.store import canonical_json

DEFAULT_RETURN = "/airflow/xcom/return.json"

_REQUEST = "PENSTOCK_REQUEST"
_KEYS = ("format", "pipeline", "run", "plan", "step", "attempt", "store", "code", "inputs")
_MORE = ("rounds", "fields", "projections", "secrets", "parameters")
_END = ("format", "pipeline", "run", "plan", "step", "attempt", "store", "status")
_MORE_END = ("rounds", "outputs", "parameters")


def run(arguments: Sequence[str]) -> None:
    """Run the step that the environment describes, and write the XCom file.

    `end` writes the end of the run instead.
    """
    # Airflow merges both streams: what a step prints must not come between its lines.
    os.close(stdout_to_stderr())
    found = asked_in(os.environ, end=list(arguments) == ["end"])
    target = Path(os.environ.get("PENSTOCK_RETURN") or DEFAULT_RETURN)
    store = open_store(check_text(found["store"], "store"))
    records = RunRecords(store, run_of(found))
    if list(arguments) == ["end"]:
        note_end(records, found)
        write_result(target, b"{}")
        return
    if arguments:
        raise BadRequest(f"unexpected argument {arguments[0]!r}: airflow takes `end` or nothing")
    request = request_from_found(found, os.environ)
    note_start(records, found)
    response = execute(request, store, announce=True, repeat=True)
    write_result(target, canonical_json(flat(response)))


def asked_in(environ: Mapping[str, str], *, end: bool = False) -> dict[str, Any]:
    """What the task is asked for, of the right form. Raises BadRequest."""
    found = as_object(parse_json(request_text(environ), _REQUEST), _REQUEST)
    keys, more = (_END, _MORE_END) if end else (_KEYS, _MORE)
    check_keys(found, required=keys, optional=more, where=_REQUEST)
    check_text(found["run"], "run")
    check_label(found["pipeline"], "pipeline")
    check_attempt(found["attempt"])
    if not is_digest(found["plan"]):
        raise BadRequest(f"plan {found['plan']!r} is not a digest")
    as_object(found.get("parameters", {}), "parameters")
    if end:
        if found["status"] not in ("succeeded", "failed"):
            raise BadRequest(f"status {found['status']!r} is neither succeeded nor failed")
        for name, value in as_object(found.get("outputs", {}), "outputs").items():
            parse_value(value, f"output {name}")
    return found


def run_of(found: Mapping[str, Any]) -> str:
    """The run's id: one for each run of each DAG."""
    return stable_run_id(found["run"], found["pipeline"])


def request_in(environ: Mapping[str, str]) -> Request:
    """The request that environment variables describe. Raises BadRequest."""
    return request_from_found(asked_in(environ), environ)


def request_from_found(found: Mapping[str, Any], environ: Mapping[str, str]) -> Request:
    """The request for one step; its secrets are those in the environment. Raises BadRequest."""
    secrets = [check_text(one, "secret") for one in as_list(found.get("secrets", []), "secrets")]
    return request_from(
        {
            "format": found["format"],
            "run": run_of(found),
            "step": instance_of(found),
            "attempt": found["attempt"],
            "store": found["store"],
            "code": found["code"],
            "path": [one for one in environ.get("PENSTOCK_PATH", "").split(os.pathsep) if one],
            "inputs": found["inputs"],
            "fields": found.get("fields", []),
            "projections": found.get("projections", {}),
            "env": {name: environ[name] for name in secrets if name in environ},
            "secrets": [name for name in secrets if name in environ],
            "orchestrator_run": found["run"],
        }
    )


def request_text(environ: Mapping[str, str]) -> str:
    """The JSON of the request, put together from its variables. Raises BadRequest."""
    parts = [environ.get(_REQUEST, "")]
    while more := environ.get(f"{_REQUEST}_{len(parts)}"):
        parts.append(more)
    text = "".join(parts)
    if not text:
        raise BadRequest(f"the environment variable {_REQUEST} is missing")
    return text


def instance_of(found: Mapping[str, Any]) -> str:
    """The name of this instance of the step: `fit.3` in the fourth round. Raises BadRequest."""
    rounds = as_list(found.get("rounds", []), "rounds")
    for one in rounds:
        if not isinstance(one, int) or isinstance(one, bool) or one < 0:
            raise BadRequest(f"round {one!r} is not a number from 0")
    return ".".join([check_label(found["step"], "step"), *map(str, rounds)])


def flat(response: Response) -> dict[str, Any]:
    """The response as one flat object. Raises BadRequest when two entries share a name."""
    found: dict[str, Any] = {name: _plain(value) for name, value in response.outputs.items()}
    for name, value in response.projections.items():
        if name in found:
            raise BadRequest(f"an output and a projection are both called {name!r}")
        found[name] = value
    return found


def _plain(value: Value) -> Any:
    if isinstance(value, Constant):
        return value.value
    if isinstance(value, Artifact):
        return value.ref.to_json()
    return [_plain(item) for item in value.items]
