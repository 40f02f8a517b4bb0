"""Specs as the tests read them: strictly, as the real messages of Kubeflow, and verified."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from penstock.backend import Options as Emission
from penstock.backend import check_pipeline
from penstock.ir.nodes import PipelineIR
from penstock_kubeflow import KubeflowBackend
from penstock_kubeflow.verifier import faults_in

Spec = dict[str, Any]

# Both packages come without types.
_json_format: Any = importlib.import_module("google.protobuf.json_format")
_messages: Any = importlib.import_module("kfp.pipeline_spec.pipeline_spec_pb2")


@dataclass(frozen=True)
class Documents:
    """A file as plain data: the PipelineSpec and, where there is one, the PlatformSpec."""

    spec: Spec
    platform: Spec | None

    @property
    def all(self) -> list[Spec]:
        """The documents in order."""
        return [self.spec] if self.platform is None else [self.spec, self.platform]


def read(text: str) -> Documents:
    """The documents of a file, parsed strictly as YAML and as the messages of Kubeflow."""
    found = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    assert len(found) in (1, 2)
    parse(found[0], _messages.PipelineSpec)
    parse(found[0]["deploymentSpec"], _messages.PipelineDeploymentConfig)
    if len(found) == 2:
        parse(found[1], _messages.PlatformSpec)
    return Documents(found[0], found[1] if len(found) == 2 else None)


def parse(data: Spec, message: Any) -> None:
    """Reads the data as the message, strictly: an unknown field raises."""
    _json_format.ParseDict(data, message())


def problems(documents: Documents) -> list[str]:
    """What the verifier says, and what we promise beyond it."""
    told = [one.message for one in faults_in(cast("list[Any]", documents.all))]
    return [one for one in told if "probably too large" not in one] + list(_ours(documents.spec))


def _ours(spec: Spec) -> Iterator[str]:
    """One component for each task, names that are apart, nothing that anyone would replace."""
    dags = [one["dag"] for one in (spec["root"], *spec["components"].values()) if "dag" in one]
    tasks = [(name, task) for dag in dags for name, task in dag["tasks"].items()]
    if sorted(task["componentRef"]["name"] for _, task in tasks) != sorted(spec["components"]):
        yield "each component needs exactly one task"
    if any(name != task["taskInfo"]["name"] for name, task in tasks):
        yield "a task has another name in taskInfo"
    if len({name for name, _ in tasks}) != len(tasks):
        yield "two tasks of one name"
    used = {one["executorLabel"] for one in spec["components"].values() if "executorLabel" in one}
    if used != set(spec["deploymentSpec"]["executors"]):
        yield "an executor is not used"
    seen: set[str] = set()
    for name, executor in spec["deploymentSpec"]["executors"].items():
        container = executor["container"]
        said = [*container["command"], *container["args"]]
        if not container["command"] or said.count("{{$}}") != 1:
            yield f"{name} does not get its ExecutorInput"
        if str(said) in seen:
            yield f"{name} has the arguments of another"
        seen.add(str(said))
    for text in texts({**spec, "pipelineInfo": None}):
        if "{{" in text and text != "{{$}}":
            yield f"{text!r} would be replaced"
    # A description is only shown; what Kubernetes would make of it reaches nobody.
    for text in texts({**spec, "pipelineInfo": None}, skipped="description"):
        if re.search(r"(?<!\$)\$\(", text):
            yield f"{text!r} would be expanded"


def texts(data: object, skipped: str = "") -> Iterator[str]:
    """Every text in plain data, keys included."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in cast(Spec, data).items():
            yield key
            if key != skipped:
                yield from texts(value, skipped)
    elif isinstance(data, list):
        items: list[object] = data  # pyright: ignore[reportUnknownVariableType] - items of any type
        for value in items:
            yield from texts(value, skipped)


def files(ir: PipelineIR, **options: Any) -> dict[str, str]:
    """The files of a pipeline."""
    backend, emission = KubeflowBackend(), Emission(**options)
    return dict(backend.emit(check_pipeline(ir, backend, emission).lowered, emission))


def compiled(ir: PipelineIR, **options: Any) -> Documents:
    """The documents of a pipeline, parsed strictly and found valid."""
    found = read(files(ir, **options)[f"{ir.name}.yaml"])
    assert problems(found) == []
    return found
