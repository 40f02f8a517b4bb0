"""Airflow: the request in environment variables, the response in the XCom file.

| variable | holds |
|---|---|
| `PENSTOCK_CODE` | `module:qualname` |
| `PENSTOCK_RUN` | Airflow's run id, any text |
| `PENSTOCK_PIPELINE` | the DAG's id, so that equal run ids of two DAGs are two runs (optional) |
| `PENSTOCK_STEP`, `PENSTOCK_ATTEMPT` | the step's name, the number of the try (from 1) |
| `PENSTOCK_STORE` | the store |
| `PENSTOCK_FIELDS` | inputs that are fields of a step class, by commas |
| `PENSTOCK_PROJECTIONS` | JSON: name -> path into an output |
| `PENSTOCK_PATH` | source roots, as in `PATH` |
| `PENSTOCK_PARAM_<input>` | a parameter, as JSON |
| `PENSTOCK_ARTIFACT_<input>` | an artifact's reference as JSON, or a list of them |
| `PENSTOCK_RETURN` | where the response goes (default `/airflow/xcom/return.json`) |

The response is one flat JSON object: outputs (a parameter's value, or an artifact's reference)
and projections by name.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from penstock_runtime.errors import BadRequest
from penstock_runtime.execute import execute
from penstock_runtime.hosts.process import stdout_to_stderr, write_result
from penstock_runtime.reference import Artifact, Constant, Value, parse_ref
from penstock_runtime.request import Request, parse_json, request_from
from penstock_runtime.response import Response
from penstock_runtime.run_id import stable_run_id
from penstock_runtime.store import canonical_json

DEFAULT_RETURN = "/airflow/xcom/return.json"

_PARAM, _ARTIFACT = "PENSTOCK_PARAM_", "PENSTOCK_ARTIFACT_"


def run(arguments: Sequence[str]) -> None:
    """Run the step that the environment describes, and write the XCom file."""
    # Airflow merges both streams: what a step prints must not come between its lines.
    os.close(stdout_to_stderr())
    if arguments:
        raise BadRequest(f"unexpected argument {arguments[0]!r}: airflow takes variables only")
    response = execute(request_in(os.environ), announce=True)
    target = Path(os.environ.get("PENSTOCK_RETURN") or DEFAULT_RETURN)
    write_result(target, canonical_json(flat(response)))


def request_in(environ: Mapping[str, str]) -> Request:
    """The request that environment variables describe. Raises BadRequest."""
    text = _needed(environ, "PENSTOCK_RUN")
    attempt = environ.get("PENSTOCK_ATTEMPT") or "1"
    if not attempt.isdecimal():
        raise BadRequest(f"PENSTOCK_ATTEMPT is {attempt!r}, not a number")
    request = request_from(
        {
            "format": 1,
            "run": stable_run_id(text, environ.get("PENSTOCK_PIPELINE", "")),
            "step": _needed(environ, "PENSTOCK_STEP"),
            "attempt": int(attempt),
            "store": _needed(environ, "PENSTOCK_STORE"),
            "code": _needed(environ, "PENSTOCK_CODE"),
            "path": [p for p in environ.get("PENSTOCK_PATH", "").split(os.pathsep) if p],
            "inputs": _inputs(environ),
            "fields": [f for f in environ.get("PENSTOCK_FIELDS", "").split(",") if f],
            "projections": _json(environ, "PENSTOCK_PROJECTIONS", "{}"),
            "orchestrator_run": text,
        }
    )
    return request


def flat(response: Response) -> dict[str, Any]:
    """The response as one flat object. Raises BadRequest when two entries share a name."""
    found: dict[str, Any] = {name: _plain(value) for name, value in response.outputs.items()}
    for name, value in response.projections.items():
        if name in found:
            raise BadRequest(f"an output and a projection are both called {name!r}")
        found[name] = value
    return found


def _inputs(environ: Mapping[str, str]) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for variable in sorted(environ):
        if variable.startswith(_PARAM):
            name, value = variable.removeprefix(_PARAM), {"value": _json(environ, variable)}
        elif variable.startswith(_ARTIFACT):
            name, value = variable.removeprefix(_ARTIFACT), _artifact(environ, variable)
        else:
            continue
        if name in inputs:
            raise BadRequest(f"input {name!r} is given as a parameter and as an artifact")
        inputs[name] = value
    return inputs


def _artifact(environ: Mapping[str, str], variable: str) -> dict[str, Any]:
    found = _json(environ, variable)
    if found is None:
        raise BadRequest(f"{variable} is null: the step that makes it did not run")
    if isinstance(found, list):
        items: list[Any] = list(cast(Any, found))
        return {"list": [{"artifact": parse_ref(item, variable).to_json()} for item in items]}
    return {"artifact": found}


def _plain(value: Value) -> Any:
    if isinstance(value, Constant):
        return value.value
    if isinstance(value, Artifact):
        return value.ref.to_json()
    return [_plain(item) for item in value.items]


def _needed(environ: Mapping[str, str], variable: str) -> str:
    text = environ.get(variable)
    if not text:
        raise BadRequest(f"the environment variable {variable} is missing")
    return text


def _json(environ: Mapping[str, str], variable: str, default: str = "") -> Any:
    return parse_json(environ.get(variable, default), variable)
