"""Kubeflow Pipelines: the request as its ExecutorInput, the response as its ExecutorOutput.

    python -m penstock_runtime kubeflow --code churn:split --fields C \\
        --projections '{"value.auc": ["value", "auc"]}' --executor-input '{{$}}'

Artifacts are files at local paths, which the launcher downloads and uploads; their digests
travel in the metadata and are checked before anything is loaded. The parameter `step-id` names
the step, so that steps with one interface share a container; a `*` after it says that a loop
repeats it.
"""

import argparse
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock_runtime.artifacts import Written, reference_to, write_value
from penstock_runtime.context import ActiveRun, active
from penstock_runtime.errors import BadRequest, StoreError
from penstock_runtime.execute import cannot_store
from penstock_runtime.folders import hash_path
from penstock_runtime.hosts.kubeflow_inputs import REF_KEYS, loaded, local_path
from penstock_runtime.hosts.kubeflow_records import Keeper, provenance
from penstock_runtime.hosts.process import write_result
from penstock_runtime.outputs import (
    metrics_in,
    named_outputs,
    parameter_json,
    plain_metrics,
    project,
)
from penstock_runtime.parameters import is_parameter
from penstock_runtime.reference import Artifact, ArtifactRef, Constant, Value, as_list, as_object
from penstock_runtime.request import (
    Projections,
    Request,
    check_code,
    check_fields,
    check_label,
    check_projections,
    parse_json,
)
from penstock_runtime.response import Response
from penstock_runtime.run_id import new_run_id, stable_run_id
from penstock_runtime.store import canonical_json
from penstock_runtime.target import Target, find_target
from penstock_runtime.values import Metrics

STEP_ID = "step-id"
RUN_ID = "KFP_RUN_ID"


@dataclass(frozen=True)
class Task:
    """One task of Kubeflow: what to run, and its ExecutorInput."""

    step: str
    code: str
    run: str | None
    fields: tuple[str, ...]
    lists: frozenset[str]
    shapes: Mapping[str, Any]
    projections: Projections
    secrets: tuple[str, ...]
    path: tuple[str, ...]
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]


def run(arguments: Sequence[str]) -> None:
    """Run one task and write its ExecutorOutput."""
    task = _parsed(arguments)
    output_file = task.outputs.get("outputFile")
    if not isinstance(output_file, str) or not output_file:
        raise BadRequest("the executor input has no outputs.outputFile")
    keeper = Keeper(_request(task), os.environ)
    with keeper.attempt():
        target = find_target(task.step, task.code, task.path)
        with tempfile.TemporaryDirectory(prefix="penstock-") as scratch:
            given = loaded(task.inputs, task.lists, task.shapes, target, Path(scratch))
            keeper.inputs(given.recorded)
            keeper.lap("load")
            values = given.values
            fields = {name: values.pop(name) for name in check_fields(list(task.fields), values)}
            with active(keeper.run):
                result = target(fields, values)
            keeper.lap("run")
            outputs = named_outputs(task.step, target.output_hints, result)
            written, response = _Writer(task, target, keeper).write(outputs)
            keeper.lap("store")
        write_result(Path(output_file), canonical_json(written))
    keeper.commit(response)


def _parsed(arguments: Sequence[str]) -> Task:
    parser = argparse.ArgumentParser(
        prog="python -m penstock_runtime kubeflow",
        description="Run one task of Kubeflow Pipelines.",
        epilog="example: ... kubeflow --code churn:load --step load --executor-input '{{$}}'",
    )
    parser.add_argument("--code", required=True, help="module:qualname")
    parser.add_argument("--executor-input", required=True, help="the ExecutorInput, as JSON")
    parser.add_argument("--step", default="", help="the step's name, if no parameter tells it")
    parser.add_argument("--fields", default="", help="inputs that are fields, by commas")
    parser.add_argument("--lists", default="", help="inputs that are lists of artifacts, by commas")
    parser.add_argument("--inputs", default="{}", help="JSON: inputs that are not just one port")
    parser.add_argument("--projections", default="{}", help="JSON: name -> path into an output")
    parser.add_argument("--secrets", default="", help="variables that hold secrets, by commas")
    parser.add_argument("--run", default="", help="the run's id, any text")
    parser.add_argument("--key", default="", help="tells containers apart; not read")
    given = parser.parse_args(arguments)
    executor = as_object(parse_json(given.executor_input, "--executor-input"), "--executor-input")
    roots = os.environ.get("PENSTOCK_PATH", "").split(os.pathsep)
    inputs = as_object(executor.get("inputs", {}), "inputs")
    parameters = dict(as_object(inputs.get("parameterValues", {}), "inputs.parameterValues"))
    said = str(parameters.pop(STEP_ID, given.step))
    inputs = {**inputs, "parameterValues": parameters}
    return Task(
        step=_instance(said, inputs),
        code=check_code(given.code),
        run=given.run or os.environ.get(RUN_ID) or None,
        fields=_words(given.fields),
        lists=frozenset(_words(given.lists)),
        shapes=as_object(parse_json(given.inputs, "--inputs"), "--inputs"),
        projections=check_projections(parse_json(given.projections, "--projections")),
        secrets=_words(given.secrets),
        path=tuple(root for root in roots if root),
        inputs=inputs,
        outputs=as_object(executor.get("outputs", {}), "outputs"),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


def _instance(said: str, inputs: Mapping[str, Any]) -> str:
    """The name of this instance of a step. Kubeflow tells no task the round of its loop: a number
    that stands for the inputs tells rounds apart.
    """
    step, repeated, _ = said.partition("#")[0].partition("*")
    check_label(step, "step")
    if not repeated:
        return step
    digest = hashlib.sha256(canonical_json(_identity(inputs))).hexdigest()
    return f"{step}.{int(digest[:8], 16)}"


def _identity(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs without what differs from one attempt to the next."""
    found: dict[str, Any] = {"parameters": inputs.get("parameterValues", {})}
    for name, entry in as_object(inputs.get("artifacts", {}), "inputs.artifacts").items():
        files = as_list(as_object(entry, name).get("artifacts", []), name)
        found[name] = [as_object(one, name).get("uri") for one in files]
    return found


def _request(task: Task) -> Request:
    secrets = tuple(name for name in task.secrets if name in os.environ)
    return Request(
        run=stable_run_id(task.run) if task.run else new_run_id(),
        step=task.step,
        attempt=1,
        store=os.environ.get("PENSTOCK_STORE", ""),
        code=task.code,
        inputs={},
        path=task.path,
        fields=task.fields,
        projections=task.projections,
        env={name: os.environ[name] for name in secrets},
        secrets=secrets,
        orchestrator_run=task.run,
    )


class _Writer:
    """Writes the outputs of a step where the launcher expects them."""

    def __init__(self, task: Task, target: Target, keeper: Keeper) -> None:
        self._task, self._target, self._keeper = task, target, keeper

    def write(self, outputs: Mapping[str, Any]) -> tuple[dict[str, Any], Response]:
        """The ExecutorOutput, and what is recorded of it."""
        task = self._task
        parts = project(task.step, outputs, task.projections)
        parameters: dict[str, Any] = {}
        for name, value in outputs.items():
            if is_parameter(hint := self._target.output_hints[name]):
                parameters[name] = parameter_json(task.step, name, value, hint)
        told = {**parts, **parameters}
        declared = as_object(task.outputs.get("parameters", {}), "outputs.parameters")
        for name in declared:
            if name not in told:
                raise BadRequest(
                    f"the task declares the output parameter {name!r}, which is not made"
                )
        artifacts = as_object(task.outputs.get("artifacts", {}), "outputs.artifacts")
        # The driver adds artifacts of its own, such as executor-logs.
        made = {name: artifacts[name] for name in artifacts if name in outputs}
        made = {name: entry for name, entry in made.items() if name not in parameters}
        kept: dict[str, Value] = {name: Constant(value) for name, value in parameters.items()}
        stored: dict[str, Any] = {}
        for name, entry in made.items():
            stored[name], ref = self._artifact(name, entry, outputs[name])
            kept[name] = Artifact(ref)
        run = self._keeper.run
        response = Response(
            outputs={name: kept[name] for name in outputs if name in kept},
            projections={name: parts[key] for name, key in _plain_names(task.projections)},
            metrics=plain_metrics({**run.metrics, **metrics_in(dict(outputs))}),
        )
        values = {name: told[name] for name in declared}
        return {"parameterValues": values, "artifacts": stored}, response

    def _artifact(self, name: str, entry: object, value: Any) -> tuple[dict[str, Any], ArtifactRef]:
        found = as_list(as_object(entry, name).get("artifacts", []), name)
        if len(found) != 1:
            raise BadRequest(f"the output artifact {name!r} must be exactly one")
        artifact = as_object(found[0], name)
        ref = self._save(name, value, local_path(artifact))
        known = ref.to_json()
        told = {key: known[key] for key in REF_KEYS if known[key] is not None}
        kept = as_object(artifact.get("metadata") or {}, "metadata")
        shown = _shown_metrics(value, self._keeper.run)
        metadata = {**kept, **shown, **provenance(os.environ), **told}
        return {"artifacts": [{**artifact, "metadata": metadata}]}, ref

    def _save(self, name: str, value: Any, path: Path) -> ArtifactRef:
        partial = path.with_name(f".{path.name}.partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove(partial)
            written = write_value(value, partial)
            if not written.owned:
                written.materializer.save(written.path, partial)
            preview = self._keeper.keep(value, Written(written.materializer, partial, owned=True))
            ref = reference_to(value, written, hash_path(partial), preview)
            _remove(path)
            os.replace(partial, path)
        except StoreError:
            raise
        except Exception as error:  # of the user's type, or of the library that writes it
            raise cannot_store(self._task.step, name, value, error) from error
        finally:
            _remove(partial)
        return ref


def _plain_names(projections: Projections) -> list[tuple[str, str]]:
    """The name of each part as other hosts have it, and its key here, where names have no dots."""
    return [(name.replace("-", "."), name) for name in projections]


def _shown_metrics(value: Any, record: ActiveRun) -> dict[str, float | str]:
    # Kubeflow's page shows the metadata of a Metrics artifact.
    if not isinstance(value, Metrics):
        return {}
    metrics = plain_metrics({**record.metrics, **value})
    taken = (*REF_KEYS, *provenance(os.environ))
    return {f"metric.{n}" if n in taken else n: number for n, number in metrics.items()}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
