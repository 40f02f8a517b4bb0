"""A stand-in for Kubeflow's backend: it runs a spec as the driver and the launcher would.

There is no cluster here. What it does with inputs, conditions, loops and exits was read in the
driver's source (v2/driver, v2/component); conditions are decided by an implementation of CEL
that is not ours; each container is the runtime's own adapter, in this process.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from kubeflow_specs import Documents, Spec

from penstock_runtime.errors import BadRequest, StepFailed, StoreError
from penstock_runtime.hosts import kubeflow

_limit = sys.getrecursionlimit()
celpy: Any = importlib.import_module("celpy")  # it comes with few types
sys.setrecursionlimit(_limit)  # which it changes

COMPLETE, FAILED, SKIPPED, OMITTED = "COMPLETE", "FAILED", "SKIPPED", "OMITTED"


class BackendFailed(Exception):
    """The real backend would fail here, whatever the steps do."""


@dataclass
class Done:
    """What became of a task: its state, and what it gave."""

    state: str
    parameters: Spec = field(default_factory=dict[str, Any])
    artifacts: dict[str, list[Spec]] = field(default_factory=dict[str, list[Spec]])


@dataclass
class Backend:
    """One run of a spec; artifacts lie in a folder."""

    documents: Documents
    root: Path
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    states: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Each task that ended, in order, with its state."""

    failures: list[str] = field(default_factory=list[str])

    @property
    def spec(self) -> Spec:
        """The PipelineSpec."""
        return self.documents.spec

    def run(self, values: Spec) -> Done:
        """The whole pipeline."""
        root = self.spec["root"]
        definitions = root.get("inputDefinitions", {}).get("parameters", {})
        unknown = values.keys() - definitions.keys()
        assert not unknown, unknown
        for name, value in values.items():
            literals = definitions[name].get("literals")
            assert not literals or value in literals, (name, value)
        return self.dag(root, _defaults(root, _doubles(values)), {}, self.root)

    def dag(
        self, component: Spec, parameters: Spec, artifacts: dict[str, list[Spec]], folder: Path
    ) -> Done:
        """All tasks of a DAG, each when those it depends on have ended."""
        made: dict[str, Done] = {}
        waiting = dict(component["dag"]["tasks"])
        while waiting:
            ready = [
                name
                for name, task in waiting.items()
                if all(before in made for before in task.get("dependentTasks", []))
            ]
            assert ready, "the tasks wait for one another"
            for name in ready:
                task = waiting.pop(name)
                made[name] = self.task(name, task, parameters, artifacts, made, folder / name)
                self.states.append((name, made[name].state))
        if any(one.state == FAILED for one in made.values()):
            return Done(FAILED)
        return self.outputs(component, made)

    def outputs(self, component: Spec, made: dict[str, Done]) -> Done:
        """What a DAG gives of what its tasks gave."""
        outputs, found = component["dag"].get("outputs", {}), Done(COMPLETE)
        for name, one in outputs.get("parameters", {}).items():
            selectors = one.get("valueFromOneof", {}).get("parameterSelectors")
            for selector in selectors or [one["valueFromParameter"]]:
                key = selector["outputParameterKey"]
                if key in made[selector["producerSubtask"]].parameters:
                    found.parameters[name] = made[selector["producerSubtask"]].parameters[key]
                    break
        for name, one in outputs.get("artifacts", {}).items():
            for selector in one["artifactSelectors"]:
                key = selector["outputArtifactKey"]
                if key in made[selector["producerSubtask"]].artifacts:
                    found.artifacts[name] = made[selector["producerSubtask"]].artifacts[key]
                    break
        return found

    def task(
        self,
        name: str,
        task: Spec,
        outer: Spec,
        artifacts: dict[str, list[Spec]],
        made: dict[str, Done],
        folder: Path,
    ) -> Done:
        """One task, if it is to run."""
        before = [made[one].state for one in task.get("dependentTasks", [])]
        policy = task.get("triggerPolicy", {})
        if policy.get("strategy") != "ALL_UPSTREAM_TASKS_COMPLETED" and any(
            state != COMPLETE for state in before
        ):
            return Done(OMITTED)
        component = self.spec["components"][task["componentRef"]["name"]]
        values, files = self.inputs(task, component, outer, artifacts, made)
        condition = policy.get("condition")
        if condition and not decided(condition, values):
            return Done(SKIPPED)
        if "parameterIterator" in task:
            return self.loop(task["parameterIterator"], component, values, files, folder)
        values = _defaults(component, values)
        _checked(name, component, values)
        if "dag" in component:
            return self.dag(component, values, files, folder)
        attempts = 1 + task.get("retryPolicy", {}).get("maxRetryCount", 0)
        for attempt in range(attempts):
            done = self.container(component, values, files, folder / str(attempt))
            if done.state == COMPLETE:
                return done
        return Done(FAILED)

    def inputs(
        self,
        task: Spec,
        component: Spec,
        outer: Spec,
        artifacts: dict[str, list[Spec]],
        made: dict[str, Done],
    ) -> tuple[Spec, dict[str, list[Spec]]]:
        """What a task is given."""
        values: Spec = {}
        definitions = component.get("inputDefinitions", {}).get("parameters", {})
        for key, source in task.get("inputs", {}).get("parameters", {}).items():
            if "runtimeValue" in source:
                value = source["runtimeValue"]["constant"]
            elif "taskFinalStatus" in source:
                state = made[source["taskFinalStatus"]["producerTask"]].state
                value = {"state": state, "pipelineTaskName": "x", "error": {"message": ""}}
            elif "componentInputParameter" in source:
                if outer.get(source["componentInputParameter"]) is None:
                    if not definitions[key].get("isOptional"):
                        raise BackendFailed(f"{key} is null")
                    continue
                value = outer[source["componentInputParameter"]]
            else:
                inner = source["taskOutputParameter"]
                value = _given(made[inner["producerTask"]].parameters, inner["outputParameterKey"])
            selector = source.get("parameterExpressionSelector")
            values[key] = _doubles(value if selector is None else selected(selector, value))
        files: dict[str, list[Spec]] = {}
        for key, source in task.get("inputs", {}).get("artifacts", {}).items():
            if "componentInputArtifact" in source:
                files[key] = artifacts[source["componentInputArtifact"]]
            else:
                inner = source["taskOutputArtifact"]
                files[key] = _given(
                    made[inner["producerTask"]].artifacts, inner["outputArtifactKey"]
                )
        return values, files

    def loop(
        self,
        iterator: Spec,
        component: Spec,
        values: Spec,
        files: dict[str, list[Spec]],
        folder: Path,
    ) -> Done:
        """A DAG once for each item; what it gives is collected, the artifacts in one flat list."""
        source = iterator["items"]
        items = json.loads(source["raw"]) if "raw" in source else values[source["inputParameter"]]
        rounds: list[Done] = []
        for number, item in enumerate(_doubles(items)):
            inner = {**values, iterator["itemInput"]: item}
            _checked("a round", component, inner)
            rounds.append(self.dag(component, inner, files, folder / str(number)))
        if any(one.state == FAILED for one in rounds):
            return Done(FAILED)
        found = Done(COMPLETE)
        if not rounds:
            return found  # whoever collects from it fails
        definitions = component.get("outputDefinitions", {})
        for name in definitions.get("parameters", {}):
            found.parameters[name] = [one.parameters[name] for one in rounds]
        for name in definitions.get("artifacts", {}):
            found.artifacts[name] = [file for one in rounds for file in one.artifacts[name]]
        return found

    def container(
        self, component: Spec, values: Spec, files: dict[str, list[Spec]], folder: Path
    ) -> Done:
        """The adapter with the container's arguments and variables."""
        label = component["executorLabel"]
        container = self.spec["deploymentSpec"]["executors"][label]["container"]
        said = [*container["command"], *container["args"]]
        assert said[:4] == ["python3", "-m", "penstock_runtime", "kubeflow"]
        variables = {one["name"]: one["value"] for one in container.get("env", [])}
        request = executor_input(component, values, files, folder)
        text = json.dumps(request)
        arguments = [text if one == "{{$}}" else one for one in said[4:]]
        with patch.dict(os.environ, {**variables, **self.platform_of(label), **self.environ}):
            try:
                kubeflow.run(arguments)
            except (StepFailed, BadRequest, StoreError) as error:
                self.failures.append(str(error))
                return Done(FAILED)
        output = json.loads(Path(request["outputs"]["outputFile"]).read_text())
        outputs = component.get("outputDefinitions", {})
        assert set(output["parameterValues"]) == set(outputs.get("parameters", {}))
        assert set(output["artifacts"]) == set(outputs.get("artifacts", {}))
        made = {key: one["artifacts"] for key, one in output["artifacts"].items()}
        for key, definition in outputs.get("parameters", {}).items():
            _of_type(key, output["parameterValues"][key], definition["parameterType"])
        return Done(COMPLETE, output["parameterValues"], _doubles(made))

    def platform_of(self, label: str) -> dict[str, str]:
        """The variables that Kubernetes sets because of the platform document."""
        if self.documents.platform is None:
            return {}
        platform = self.documents.platform["platforms"]["kubernetes"]
        found = platform["deploymentSpec"]["executors"].get(label, {})
        variables: dict[str, str] = {}
        for one in found.get("fieldPathAsEnv", []):
            assert one["fieldPath"] == "metadata.labels['pipeline/runid']"
            variables[one["name"]] = self.run_id
        for secret in found.get("secretAsEnv", []):
            variables |= {key["envVar"]: "a secret value" for key in secret["keyToEnv"]}
        return variables


def executor_input(
    component: Spec, values: Spec, files: dict[str, list[Spec]], folder: Path
) -> Spec:
    """The ExecutorInput of a task, its outputs in a folder."""
    outputs = component.get("outputDefinitions", {})
    artifacts = {
        key: {
            "artifacts": [
                {
                    "name": key,
                    "type": {"schemaTitle": one["artifactType"]["schemaTitle"]},
                    "uri": str(folder / key),
                    "metadata": {},
                }
            ]
        }
        for key, one in outputs.get("artifacts", {}).items()
    }
    # The driver adds an artifact of its own.
    logs: Spec = {
        "artifacts": [{"name": "executor-logs", "uri": str(folder / "logs"), "metadata": {}}]
    }
    return {
        "inputs": {
            "parameterValues": values,
            "artifacts": {key: {"artifacts": some} for key, some in files.items()},
        },
        "outputs": {
            "parameters": {
                key: {"outputFile": str(folder / key)} for key in outputs.get("parameters", {})
            },
            "artifacts": {**artifacts, "executor-logs": logs},
            "outputFile": str(folder / "output_metadata.json"),
        },
    }


def decided(condition: str, values: Spec) -> bool:
    """A condition, by an implementation of CEL that is not ours."""
    environment = celpy.Environment()
    program = environment.program(environment.compile(condition))
    activation = {"inputs": celpy.json_to_cel({"parameter_values": values})}
    found = program.evaluate(activation)
    assert isinstance(found, bool | celpy.celtypes.BoolType), found
    return bool(found)


def selected(selector: str, value: Any) -> Any:
    """A part of a parameter: `parseJson(string_value)["a"][0]`."""
    word = "parseJson(string_value)"
    assert selector.startswith(word)
    environment = celpy.Environment()
    program = environment.program(environment.compile("value" + selector.removeprefix(word)))
    found = program.evaluate({"value": celpy.json_to_cel(value)})
    return json.loads(json.dumps(found, cls=celpy.CELJSONEncoder))


def _given(made: Mapping[str, Any], key: str) -> Any:
    if key not in made:
        raise BackendFailed(f"the output {key} is not there")
    return made[key]


def _doubles(value: Any) -> Any:
    """A Value of protobuf knows no int: numbers are doubles."""
    return json.loads(json.dumps(value), parse_int=float)


def _defaults(component: Spec, values: Spec) -> Spec:
    found = dict(values)
    for name, one in component.get("inputDefinitions", {}).get("parameters", {}).items():
        if found.get(name) is None and "defaultValue" in one:
            found[name] = _doubles(one["defaultValue"])
    return found


def _checked(name: str, component: Spec, values: Spec) -> None:
    definitions = component.get("inputDefinitions", {}).get("parameters", {})
    assert values.keys() <= definitions.keys(), (name, values.keys() - definitions.keys())
    for key, one in definitions.items():
        if values.get(key) is not None:
            _of_type(key, values[key], one["parameterType"])
        else:
            assert one.get("isOptional"), (name, key)


_CLASSES: dict[str, tuple[type, ...]] = {
    "STRING": (str,),
    "BOOLEAN": (bool,),
    "NUMBER_INTEGER": (float, int),
    "NUMBER_DOUBLE": (float, int),
    "LIST": (list,),
    "STRUCT": (dict,),
    "TASK_FINAL_STATUS": (dict,),
}


def _of_type(key: str, value: Any, kind: str) -> None:
    assert isinstance(value, _CLASSES[kind]), (key, value, kind)
    if kind != "BOOLEAN":
        assert not isinstance(value, bool), (key, value, kind)
