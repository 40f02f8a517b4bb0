"""What a valid PipelineSpec is, beyond its syntax; and that the verifier finds what is broken.

The server and the strict parsers accept dangling references, missing inputs, cycles and wrong
types, so every spec that the tests compile goes through `problems` here.
"""

from __future__ import annotations

import copy
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, cast

import pytest
import yaml

Spec = dict[str, Any]

# Both packages come without types.
_json_format: Any = importlib.import_module("google.protobuf.json_format")
_messages: Any = importlib.import_module("kfp.pipeline_spec.pipeline_spec_pb2")

_TASK = re.compile(r"[a-z0-9]([a-z0-9-]{0,118}[a-z0-9])?")
_FITS: dict[str, Callable[[Any], bool]] = {
    "STRING": lambda value: isinstance(value, str),
    "BOOLEAN": lambda value: isinstance(value, bool),
    "NUMBER_INTEGER": lambda value: type(value) is int,
    "NUMBER_DOUBLE": lambda value: type(value) in (int, float),
    "LIST": lambda value: isinstance(value, list),
    "STRUCT": lambda value: isinstance(value, dict),
}


@dataclass(frozen=True)
class Documents:
    """A file as plain data: the PipelineSpec and, where there is one, the PlatformSpec."""

    spec: Spec
    platform: Spec | None


def read(text: str) -> Documents:
    """The documents of a file, parsed strictly as YAML and as the messages of Kubeflow."""
    found = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    assert len(found) in (1, 2)
    parse(found[0], _messages.PipelineSpec)
    if len(found) == 2:
        parse(found[1], _messages.PlatformSpec)
    return Documents(found[0], found[1] if len(found) == 2 else None)


def parse(data: Spec, message: Any) -> None:
    """Reads the data as the message, strictly: an unknown field raises."""
    _json_format.ParseDict(data, message())


def problems(documents: Documents) -> list[str]:
    """Everything that is wrong with the documents."""
    return list(_Verifier(documents).problems())


class _Verifier:
    def __init__(self, documents: Documents) -> None:
        self.spec, self.platform = documents.spec, documents.platform
        self.components: Spec = self.spec.get("components", {})
        self.executors: Spec = self.spec.get("deploymentSpec", {}).get("executors", {})

    def problems(self) -> Iterator[str]:
        if self.spec.get("schemaVersion") != "2.1.0":
            yield "wrong schemaVersion"
        if not _TASK.fullmatch(self.spec.get("pipelineInfo", {}).get("name", "")):
            yield "wrong pipeline name"
        yield from self._dag("root", self.spec["root"])
        used: list[str] = []
        for name, component in self.components.items():
            if ("dag" in component) == ("executorLabel" in component):
                yield f"{name} is neither a DAG nor a container"
            elif "dag" in component:
                yield from self._dag(name, component)
            else:
                used.append(component["executorLabel"])
        if sorted(used) != sorted(self.executors):
            yield "executors and components do not match"
        yield from self._tasks_apart()
        yield from self._containers()
        for label in self._platform_labels():
            if label not in self.executors:
                yield f"the platform knows {label}, which is not there"

    def _tasks_apart(self) -> Iterator[str]:
        dags = [
            one["dag"] for one in (self.spec["root"], *self.components.values()) if "dag" in one
        ]
        names = [name for dag in dags for name in dag["tasks"]]
        refs = [task["componentRef"]["name"] for dag in dags for task in dag["tasks"].values()]
        for name in names:
            if not _TASK.fullmatch(name):
                yield f"task name {name!r}"
        if len(set(names)) != len(names):
            yield "two tasks of one name"
        if sorted(refs) != sorted(self.components):
            yield "each component needs exactly one task"

    def _platform_labels(self) -> list[str]:
        if self.platform is None:
            return []
        found = self.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        return list(found)

    def _containers(self) -> Iterator[str]:
        seen: set[str] = set()
        for name, executor in self.executors.items():
            container = executor["container"]
            said = [*container["command"], *container["args"]]
            if not container["command"] or said.count("{{$}}") != 1:
                yield f"{name} does not get its ExecutorInput"
            if str(said) in seen:
                yield f"{name} has the arguments of another"
            seen.add(str(said))
        for text in _texts({**self.spec, "pipelineInfo": None}):
            if "{{" in text and text != "{{$}}":
                yield f"{text!r} would be replaced"
        # A description is only shown; what Kubernetes would make of it reaches nobody.
        for text in _texts({**self.spec, "pipelineInfo": None}, skipped="description"):
            if re.search(r"(?<!\$)\$\(", text):
                yield f"{text!r} would be expanded"

    def _dag(self, where: str, component: Spec) -> Iterator[str]:
        dag = component["dag"]
        if not dag.get("tasks"):
            yield f"{where} has no tasks"
            return
        waits: TopologicalSorter[str] = TopologicalSorter()
        for name, task in dag["tasks"].items():
            waits.add(name, *task.get("dependentTasks", []))
            for before in task.get("dependentTasks", []):
                if before not in dag["tasks"]:
                    yield f"{where}.{name} waits for {before}, which is not there"
            yield from self._task(f"{where}.{name}", task, component, waits, name)
        try:
            waits.prepare()
        except CycleError:
            yield f"{where} goes in a circle"
        yield from self._dag_outputs(where, component)

    def _task(
        self, where: str, task: Spec, outer: Spec, waits: TopologicalSorter[str], name: str
    ) -> Iterator[str]:
        component = self.components.get(task["componentRef"]["name"])
        if component is None:
            yield f"{where} is of a component that is not there"
            return
        for kind, type_of in (("parameters", _parameter_type), ("artifacts", _artifact_type)):
            given: Spec = task.get("inputs", {}).get(kind, {})
            asked: Spec = component.get("inputDefinitions", {}).get(kind, {})
            for key, source in given.items():
                if key not in asked:
                    yield f"{where} is given {key}, which it does not take"
                    continue
                found = self._source(source, kind, outer, type_of)
                if found is None:
                    yield f"{where}.{key} comes from nowhere"
                    continue
                producer, kind_found = found
                if producer is not None:
                    waits.add(name, producer)
                    if producer not in task.get("dependentTasks", []):
                        yield f"{where} does not wait for {producer}"
                if kind_found == "any":
                    continue
                if not _agree(kind_found, type_of(asked[key]), source):
                    yield f"{where}.{key} is {type_of(asked[key])}, given {kind_found}"
            for key, definition in asked.items():
                if key not in given and not definition.get("isOptional"):
                    yield f"{where} lacks {key}"

    def _source(
        self, source: Spec, kind: str, outer: Spec, type_of: Callable[[Spec], str]
    ) -> tuple[str | None, str] | None:
        """The task that a value comes from, if one does, and its type; None if it is not there."""
        if "runtimeValue" in source:
            return (None, "constant")
        key = source.get("componentInputParameter") or source.get("componentInputArtifact")
        if key is not None:
            definition = outer.get("inputDefinitions", {}).get(kind, {}).get(key)
            if definition is None:
                return None
            return (None, "any" if "parameterExpressionSelector" in source else type_of(definition))
        inner: Spec = source.get("taskOutputParameter") or source.get("taskOutputArtifact") or {}
        key = inner.get("outputParameterKey") or inner.get("outputArtifactKey")
        return self._output(inner.get("producerTask", ""), key or "", kind, outer, type_of)

    def _output(
        self, task: str, key: str, kind: str, outer: Spec, type_of: Callable[[Spec], str]
    ) -> tuple[str | None, str] | None:
        found = outer["dag"]["tasks"].get(task)
        reference = found["componentRef"]["name"] if found else ""
        component: Spec = self.components.get(reference, {})
        definition: Spec | None = component.get("outputDefinitions", {}).get(kind, {}).get(key)
        return None if definition is None else (task, type_of(definition))

    def _dag_outputs(self, where: str, component: Spec) -> Iterator[str]:
        for kind, type_of in (("parameters", _parameter_type), ("artifacts", _artifact_type)):
            promised: Spec = component.get("outputDefinitions", {}).get(kind, {})
            made: Spec = component["dag"].get("outputs", {}).get(kind, {})
            if list(promised) != list(made):
                yield f"{where} promises other {kind} than it makes"
                continue
            for key, definition in promised.items():
                one = made[key]
                selector = one.get("valueFromParameter") or one["artifactSelectors"][0]
                inner = selector.get("outputParameterKey") or selector.get("outputArtifactKey")
                found = self._output(selector["producerSubtask"], inner, kind, component, type_of)
                if found is None or found[1] != type_of(definition):
                    yield f"{where} does not make {key}"


def _parameter_type(definition: Spec) -> str:
    return str(definition["parameterType"])


def _artifact_type(definition: Spec) -> str:
    return str(definition["artifactType"]["schemaTitle"])


def _agree(found: str, asked: str, source: Spec) -> bool:
    if found != "constant":
        return found == asked
    return _FITS[asked](source["runtimeValue"]["constant"])


def _texts(data: object, skipped: str = "") -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in cast(Spec, data).items():
            yield key
            if key != skipped:
                yield from _texts(value, skipped)
    elif isinstance(data, list):
        items: list[object] = data  # pyright: ignore[reportUnknownVariableType] - items of any type
        for value in items:
            yield from _texts(value, skipped)


VALID: Spec = {
    "pipelineInfo": {"name": "two"},
    "schemaVersion": "2.1.0",
    "root": {
        "inputDefinitions": {"parameters": {"n": {"parameterType": "NUMBER_INTEGER"}}},
        "outputDefinitions": {"parameters": {"value": {"parameterType": "STRING"}}},
        "dag": {
            "tasks": {
                "first": {
                    "componentRef": {"name": "comp-first"},
                    "inputs": {
                        "parameters": {
                            "n": {"componentInputParameter": "n"},
                            "c": {"runtimeValue": {"constant": 0.5}},
                        }
                    },
                },
                "second": {
                    "componentRef": {"name": "comp-second"},
                    "dependentTasks": ["first"],
                    "inputs": {
                        "parameters": {
                            "text": {
                                "taskOutputParameter": {
                                    "producerTask": "first",
                                    "outputParameterKey": "value",
                                }
                            }
                        }
                    },
                },
            },
            "outputs": {
                "parameters": {
                    "value": {
                        "valueFromParameter": {
                            "producerSubtask": "first",
                            "outputParameterKey": "value",
                        }
                    }
                }
            },
        },
    },
    "components": {
        "comp-first": {
            "executorLabel": "exec-first",
            "inputDefinitions": {
                "parameters": {
                    "n": {"parameterType": "NUMBER_INTEGER"},
                    "c": {"parameterType": "NUMBER_DOUBLE"},
                }
            },
            "outputDefinitions": {"parameters": {"value": {"parameterType": "STRING"}}},
        },
        "comp-second": {
            "executorLabel": "exec-second",
            "inputDefinitions": {"parameters": {"text": {"parameterType": "STRING"}}},
        },
    },
    "deploymentSpec": {
        "executors": {
            "exec-first": {"container": {"image": "i", "command": ["a"], "args": ["1", "{{$}}"]}},
            "exec-second": {"container": {"image": "i", "command": ["a"], "args": ["2", "{{$}}"]}},
        }
    },
}

TASKS = "root.dag.tasks"
BROKEN: dict[str, tuple[str, Any]] = {
    "schema version": ("schemaVersion", "2.0.0"),
    "pipeline name": ("pipelineInfo.name", "Two_"),
    "dangling component": (f"{TASKS}.first.componentRef.name", "comp-third"),
    "dangling executor": ("components.comp-first.executorLabel", "exec-third"),
    "dangling producer": (
        f"{TASKS}.second.inputs.parameters.text.taskOutputParameter.producerTask",
        "third",
    ),
    "dangling output": (
        f"{TASKS}.second.inputs.parameters.text.taskOutputParameter.outputParameterKey",
        "other",
    ),
    "dangling input of the DAG": (
        f"{TASKS}.first.inputs.parameters.n.componentInputParameter",
        "m",
    ),
    "missing input": (f"{TASKS}.second.inputs.parameters", {}),
    "unknown input": (f"{TASKS}.first.inputs.parameters.m", {"runtimeValue": {"constant": 1}}),
    "type": ("components.comp-second.inputDefinitions.parameters.text.parameterType", "LIST"),
    "type of a constant": (f"{TASKS}.first.inputs.parameters.c.runtimeValue.constant", "x"),
    "order": (f"{TASKS}.second.dependentTasks", []),
    "order on nothing": (f"{TASKS}.second.dependentTasks", ["first", "third"]),
    "cycle": (f"{TASKS}.first.dependentTasks", ["second"]),
    "output of nothing": (
        "root.dag.outputs.parameters.value.valueFromParameter.producerSubtask",
        "third",
    ),
    "output of another type": ("root.outputDefinitions.parameters.value.parameterType", "LIST"),
    "empty": (TASKS, {}),
    "same arguments": ("deploymentSpec.executors.exec-second.container.args", ["1", "{{$}}"]),
    "no input": ("deploymentSpec.executors.exec-second.container.args", ["2"]),
    "template": (f"{TASKS}.first.taskInfo.name", "{{workflow.uid}}"),
    "shared component": (f"{TASKS}.second.componentRef.name", "comp-first"),
}


def test_a_valid_spec_has_no_problems() -> None:
    assert problems(read(yaml.safe_dump(VALID))) == []


@pytest.mark.parametrize("what", BROKEN)
def test_what_the_parsers_accept_is_found(what: str) -> None:
    place, value = BROKEN[what]
    broken = copy.deepcopy(VALID)
    *keys, last = place.split(".")
    at: Any = broken
    for key in keys:
        at = at.setdefault(key, {})
    at[last] = value
    assert problems(read(yaml.safe_dump(broken)))


def test_settings_of_a_missing_executor_are_found() -> None:
    executors = {"executors": {"exec-third": {"activeDeadlineSeconds": "1"}}}
    platform = {"platforms": {"kubernetes": {"deploymentSpec": executors}}}
    assert problems(Documents(VALID, platform))
    assert not problems(Documents(VALID, None))
