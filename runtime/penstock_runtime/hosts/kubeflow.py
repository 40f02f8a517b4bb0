"""Kubeflow Pipelines: the request as its ExecutorInput, the response as its ExecutorOutput.

    python -m penstock_runtime kubeflow --code churn:split --step split#1f0c --fields C \\
        --projections '{"value.auc": ["value", "auc"]}' --executor-input '{{$}}'

Artifacts are files at local paths, which the launcher downloads and uploads; their digests
travel in the metadata and are checked before anything is loaded.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from penstock_runtime.artifacts import (
    check_digest,
    named_path,
    reference_to,
    trusted_materializer,
    write_value,
)
from penstock_runtime.context import ActiveRun, active
from penstock_runtime.errors import BadRequest, StoreError
from penstock_runtime.execute import cannot_store, item_hint, loading
from penstock_runtime.folders import hash_path
from penstock_runtime.hints import Hint, plain
from penstock_runtime.hosts.process import write_result
from penstock_runtime.outputs import named_outputs, parameter_json, plain_metrics, project
from penstock_runtime.parameters import coerce, is_parameter
from penstock_runtime.reference import (
    ArtifactRef,
    Constant,
    Several,
    as_list,
    as_object,
    parse_ref,
)
from penstock_runtime.request import (
    Projections,
    check_code,
    check_fields,
    check_label,
    check_projections,
    parse_json,
)
from penstock_runtime.run_id import new_run_id, stable_run_id
from penstock_runtime.store import canonical_json
from penstock_runtime.target import Target, find_target
from penstock_runtime.values import Metrics, RunStatus

_ROOTS = {"gs": "/gcs/", "s3": "/s3/", "minio": "/minio/"}
_REF_KEYS = ("digest", "size", "type", "materializer", "media", "unsafe")
_STATES = {
    "COMPLETE": RunStatus.SUCCEEDED,
    "SUCCEEDED": RunStatus.SUCCEEDED,
    "CANCELED": RunStatus.CANCELLED,
    "CANCELING": RunStatus.CANCELLED,
    "CANCELLED": RunStatus.CANCELLED,
}


@dataclass(frozen=True)
class Task:
    """One task of Kubeflow: what to run, and its ExecutorInput."""

    step: str
    code: str
    run: str
    fields: tuple[str, ...]
    lists: frozenset[str]
    projections: Projections
    path: tuple[str, ...]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


def run(arguments: Sequence[str]) -> None:
    """Run one task and write its ExecutorOutput."""
    task = _parsed(arguments)
    target = find_target(task.step, task.code, task.path)
    with tempfile.TemporaryDirectory(prefix="penstock-") as scratch:
        values = _load(task, target, Path(scratch))
        fields = {name: values.pop(name) for name in check_fields(list(task.fields), values)}
        with active(ActiveRun(task.run, task.step)) as record:
            result = target(fields, values)
        outputs = named_outputs(task.step, target.output_hints, result)
        written = _executor_output(task, target, outputs, record)
    output_file = task.outputs.get("outputFile")
    if not isinstance(output_file, str) or not output_file:
        raise BadRequest("the executor input has no outputs.outputFile")
    write_result(Path(output_file), canonical_json(written))


def local_path(artifact: Mapping[str, Any]) -> Path:
    """Where the launcher keeps an artifact of this URI. Raises BadRequest for unknown schemes."""
    custom, uri = artifact.get("customPath"), artifact.get("uri")
    if isinstance(custom, str) and custom:
        return Path(custom)
    if not isinstance(uri, str) or not uri:
        raise BadRequest("an artifact of the executor input has no uri")
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return Path(uri)
    if scheme not in _ROOTS or ".." in rest.split("/"):
        raise BadRequest(f"no local path for the artifact {uri}")
    return Path(_ROOTS[scheme] + rest)


def _parsed(arguments: Sequence[str]) -> Task:
    parser = argparse.ArgumentParser(
        prog="python -m penstock_runtime kubeflow",
        description="Run one task of Kubeflow Pipelines.",
        epilog="example: ... kubeflow --code churn:load --step load#1f0c --executor-input '{{$}}'",
    )
    parser.add_argument("--code", required=True, help="module:qualname")
    parser.add_argument("--step", required=True, help="the step's name, # and anything after it")
    parser.add_argument("--executor-input", required=True, help="the ExecutorInput, as JSON")
    parser.add_argument("--fields", default="", help="inputs that are fields, by commas")
    parser.add_argument("--lists", default="", help="inputs that are lists of artifacts, by commas")
    parser.add_argument("--projections", default="{}", help="JSON: name -> path into an output")
    parser.add_argument("--run", default="", help="the run's id, any text")
    given = parser.parse_args(arguments)
    executor = as_object(parse_json(given.executor_input, "--executor-input"), "--executor-input")
    roots = os.environ.get("PENSTOCK_PATH", "").split(os.pathsep)
    return Task(
        step=check_label(str(given.step).partition("#")[0], "step"),
        code=check_code(given.code),
        run=stable_run_id(given.run) if given.run else new_run_id(),
        fields=tuple(name for name in str(given.fields).split(",") if name),
        lists=frozenset(name for name in str(given.lists).split(",") if name),
        projections=check_projections(parse_json(given.projections, "--projections")),
        path=tuple(root for root in roots if root),
        inputs=as_object(executor.get("inputs", {}), "inputs"),
        outputs=as_object(executor.get("outputs", {}), "outputs"),
    )


def _load(task: Task, target: Target, scratch: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    parameters = as_object(task.inputs.get("parameterValues", {}), "inputs.parameterValues")
    for name, value in parameters.items():
        hint = target.input_hints.get(name, Any)
        with loading(task.step, name, Constant(value)):
            values[name] = coerce(_status(value) if plain(hint) is RunStatus else value, hint)
    artifacts = as_object(task.inputs.get("artifacts", {}), "inputs.artifacts")
    for number, (name, entry) in enumerate(artifacts.items()):
        found = as_list(as_object(entry, f"artifact {name}").get("artifacts", []), name)
        hint = target.input_hints.get(name, Any)
        several = name in task.lists
        if not several and len(found) != 1:
            raise BadRequest(f"input {name!r} has {len(found)} artifacts, not one")
        with loading(task.step, name, Several(())):
            items = [
                _load_artifact(
                    as_object(item, name),
                    item_hint(hint) if several else hint,
                    scratch / f"{number}-{index}",
                )
                for index, item in enumerate(found)
            ]
        values[name] = items if several else items[0]
    return values


def _load_artifact(artifact: dict[str, Any], hint: Hint, path: Path) -> Any:
    ref, source = _reference_in(artifact), local_path(artifact)
    # The pipeline's own steps wrote it: MLMD keeps the digest, and it is checked here.
    materializer = trusted_materializer(ref, trusted=True)
    if not source.exists():
        raise StoreError(f"the launcher left no file at {source}")
    check_digest(ref, hash_path(source), str(source))
    if materializer.name == "path":  # the step may change its copy
        path = named_path(ref, path)
        materializer.save(source, path)
        source = path
    return materializer.load(source, hint)


def _reference_in(artifact: Mapping[str, Any]) -> ArtifactRef:
    metadata = as_object(artifact.get("metadata", {}), "metadata")
    found = {key: metadata[key] for key in _REF_KEYS if key in metadata}
    if "digest" not in found:
        raise BadRequest(f"the artifact {artifact.get('uri')} has no digest in its metadata")
    size = found.get("size")
    if isinstance(size, float) and size.is_integer():  # every number of a Struct is a double
        found["size"] = int(size)
    return parse_ref(found, "the artifact's metadata")


def _status(value: Any) -> Any:
    # An exit handler gets PipelineTaskFinalStatus; its states are not our words.
    if not isinstance(value, dict):
        return value
    state = str(cast(dict[str, Any], value).get("state", "")).upper()
    return _STATES.get(state, RunStatus.FAILED).value


def _executor_output(
    task: Task, target: Target, outputs: dict[str, Any], record: ActiveRun
) -> dict[str, Any]:
    parameters = project(task.step, outputs, task.projections)
    for name, value in outputs.items():
        if is_parameter(hint := target.output_hints[name]):
            parameters[name] = parameter_json(task.step, name, value, hint)
    declared = as_object(task.outputs.get("parameters", {}), "outputs.parameters")
    for name in declared:
        if name not in parameters:
            raise BadRequest(f"the task declares the output parameter {name!r}, which is not made")
    artifacts: dict[str, Any] = {}
    for name, entry in as_object(task.outputs.get("artifacts", {}), "outputs.artifacts").items():
        if name not in outputs or name in parameters:
            continue  # the driver adds artifacts of its own, such as executor-logs
        found = as_list(as_object(entry, name).get("artifacts", []), name)
        if len(found) != 1:
            raise BadRequest(f"the output artifact {name!r} must be exactly one")
        artifact = as_object(found[0], name)
        metadata = _save(task.step, name, outputs[name], local_path(artifact))
        shown = _shown_metrics(outputs[name], record)
        kept = as_object(artifact.get("metadata") or {}, "metadata")
        artifacts[name] = {"artifacts": [{**artifact, "metadata": {**kept, **shown, **metadata}}]}
    return {
        "parameterValues": {name: parameters[name] for name in declared},
        "artifacts": artifacts,
    }


def _shown_metrics(value: Any, record: ActiveRun) -> dict[str, float | str]:
    # Kubeflow's page shows the metadata of a Metrics artifact.
    return plain_metrics({**record.metrics, **value}) if isinstance(value, Metrics) else {}


def _save(step: str, name: str, value: Any, path: Path) -> dict[str, Any]:
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)
        written = write_value(value, partial)
        if not written.owned:
            written.materializer.save(written.path, partial)
        ref = reference_to(value, written, hash_path(partial), None)
        _remove(path)
        os.replace(partial, path)
    except StoreError:
        raise
    except Exception as error:  # of the user's type, or of the library that writes it
        raise cannot_store(step, name, value, error) from error
    finally:
        _remove(partial)
    known = ref.to_json()
    return {key: known[key] for key in _REF_KEYS}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
