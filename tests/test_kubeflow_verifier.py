"""The verifier finds what the server and the strict parsers accept and the backend fails on."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from goldens_support import golden_pipelines
from hypothesis import given
from hypothesis import strategies as st
from kubeflow_specs import Spec, compiled, read

from penstock.diagnostics import PipelineError
from penstock_kubeflow.verifier import Fault, Unreadable, faults_in
from penstock_kubeflow.verifier import read as read_spec


def parameter(kind: str, **more: Any) -> Spec:
    return {"parameterType": kind, **more}


def artifact(title: str = "system.Dataset", **more: Any) -> Spec:
    return {"artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}, **more}


def output_of(task: str, key: str) -> Spec:
    return {"taskOutputParameter": {"producerTask": task, "outputParameterKey": key}}


def file_of(task: str, key: str) -> Spec:
    return {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": key}}


def task(name: str, *after: str, inputs: Spec | None = None, **more: Any) -> Spec:
    found: Spec = {"componentRef": {"name": f"comp-{name}"}, "taskInfo": {"name": name}}
    if after:
        found["dependentTasks"] = list(after)
    return {**found, "inputs": inputs or {}, **more}


def container(*args: str, **more: Any) -> Spec:
    return {"container": {"image": "i", "command": ["python3"], "args": [*args, "{{$}}"], **more}}


VALID: Spec = {
    "pipelineInfo": {"name": "all"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "any",
    "root": {
        "inputDefinitions": {
            "parameters": {
                "n": parameter("NUMBER_INTEGER", defaultValue=3, isOptional=True),
                "mode": parameter("STRING", literals=["fast", "slow"]),
            }
        },
        "outputDefinitions": {"parameters": {"value": parameter("STRING")}},
        "dag": {
            "tasks": {
                "guarded": task(
                    "guarded",
                    inputs={
                        "parameters": {
                            "n": {"componentInputParameter": "n"},
                            "mode": {"componentInputParameter": "mode"},
                        }
                    },
                ),
                "exit": task(
                    "exit",
                    "guarded",
                    inputs={"parameters": {"s": {"taskFinalStatus": {"producerTask": "guarded"}}}},
                    triggerPolicy={"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
                ),
            },
            "outputs": {
                "parameters": {
                    "value": {
                        "valueFromParameter": {
                            "producerSubtask": "guarded",
                            "outputParameterKey": "text",
                        }
                    }
                }
            },
        },
    },
    "components": {
        "comp-exit": {
            "executorLabel": "exec-exit",
            "inputDefinitions": {
                "parameters": {"s": parameter("TASK_FINAL_STATUS", isOptional=True)}
            },
        },
        "comp-guarded": {
            "inputDefinitions": {
                "parameters": {"n": parameter("NUMBER_INTEGER"), "mode": parameter("STRING")}
            },
            "outputDefinitions": {"parameters": {"text": parameter("STRING")}},
            "dag": {
                "tasks": {
                    "make": task(
                        "make",
                        inputs={
                            "parameters": {
                                "n": {"componentInputParameter": "n"},
                                "c": {"runtimeValue": {"constant": 0.5}},
                            }
                        },
                        retryPolicy={"maxRetryCount": 2, "backoffDuration": "30s"},
                    ),
                    "loop": task(
                        "loop",
                        "make",
                        inputs={
                            "parameters": {"items": output_of("make", "list")},
                            "artifacts": {"data": file_of("make", "data")},
                        },
                        parameterIterator={
                            "itemInput": "items-loop-item",
                            "items": {"inputParameter": "items"},
                        },
                        iteratorPolicy={"parallelismLimit": 2},
                    ),
                    "join": task(
                        "join",
                        "loop",
                        inputs={
                            "parameters": {"all": output_of("loop", "sizes")},
                            "artifacts": {"files": file_of("loop", "files")},
                        },
                    ),
                    "branches": task(
                        "branches",
                        "join",
                        inputs={
                            "parameters": {
                                "size": output_of("join", "size"),
                                "mode": {"componentInputParameter": "mode"},
                            }
                        },
                    ),
                },
                "outputs": {
                    "parameters": {
                        "text": {
                            "valueFromParameter": {
                                "producerSubtask": "branches",
                                "outputParameterKey": "text",
                            }
                        }
                    }
                },
            },
        },
        "comp-make": {
            "executorLabel": "exec-make",
            "inputDefinitions": {
                "parameters": {"n": parameter("NUMBER_INTEGER"), "c": parameter("NUMBER_DOUBLE")}
            },
            "outputDefinitions": {
                "parameters": {"list": parameter("LIST")},
                "artifacts": {"data": artifact()},
            },
        },
        "comp-loop": {
            "inputDefinitions": {
                "parameters": {
                    "items": parameter("LIST"),
                    "items-loop-item": parameter("NUMBER_INTEGER"),
                },
                "artifacts": {"data": artifact()},
            },
            "outputDefinitions": {
                "parameters": {"sizes": parameter("LIST")},
                "artifacts": {"files": artifact(isArtifactList=True)},
            },
            "dag": {
                "tasks": {
                    "each": task(
                        "each",
                        inputs={
                            "parameters": {"item": {"componentInputParameter": "items-loop-item"}},
                            "artifacts": {"data": {"componentInputArtifact": "data"}},
                        },
                    )
                },
                "outputs": {
                    "parameters": {
                        "sizes": {
                            "valueFromParameter": {
                                "producerSubtask": "each",
                                "outputParameterKey": "size",
                            }
                        }
                    },
                    "artifacts": {
                        "files": {
                            "artifactSelectors": [
                                {"producerSubtask": "each", "outputArtifactKey": "file"}
                            ]
                        }
                    },
                },
            },
        },
        "comp-each": {
            "executorLabel": "exec-each",
            "inputDefinitions": {
                "parameters": {"item": parameter("NUMBER_INTEGER")},
                "artifacts": {"data": artifact()},
            },
            "outputDefinitions": {
                "parameters": {"size": parameter("NUMBER_INTEGER")},
                "artifacts": {"file": artifact()},
            },
        },
        "comp-join": {
            "executorLabel": "exec-join",
            "inputDefinitions": {
                "parameters": {"all": parameter("LIST")},
                "artifacts": {"files": artifact(isArtifactList=True)},
            },
            "outputDefinitions": {"parameters": {"size": parameter("NUMBER_DOUBLE")}},
        },
        "comp-branches": {
            "inputDefinitions": {
                "parameters": {"size": parameter("NUMBER_DOUBLE"), "mode": parameter("STRING")}
            },
            "outputDefinitions": {"parameters": {"text": parameter("STRING")}},
            "dag": {
                "tasks": {
                    "one": task(
                        "one",
                        inputs={"parameters": {"size": {"componentInputParameter": "size"}}},
                        triggerPolicy={"condition": "inputs.parameter_values['size'] > 0.5"},
                    ),
                    "other": task(
                        "other",
                        inputs={"parameters": {"size": {"componentInputParameter": "size"}}},
                        triggerPolicy={"condition": "!(inputs.parameter_values['size'] > 0.5)"},
                    ),
                },
                "outputs": {
                    "parameters": {
                        "text": {
                            "valueFromOneof": {
                                "parameterSelectors": [
                                    {"producerSubtask": "one", "outputParameterKey": "text"},
                                    {"producerSubtask": "other", "outputParameterKey": "text"},
                                ]
                            }
                        }
                    }
                },
            },
        },
        **{
            f"comp-{name}": {
                "executorLabel": f"exec-{name}",
                "inputDefinitions": {"parameters": {"size": parameter("NUMBER_DOUBLE")}},
                "outputDefinitions": {"parameters": {"text": parameter("STRING")}},
            }
            for name in ("one", "other")
        },
    },
    "deploymentSpec": {
        "executors": {
            f"exec-{name}": container(name)
            for name in ("exit", "make", "each", "join", "one", "other")
        }
    },
}
PLATFORM: Spec = {
    "platforms": {
        "kubernetes": {
            "deploymentSpec": {
                "executors": {
                    "exec-make": {
                        "secretAsEnv": [
                            {
                                "secretName": "db",
                                "keyToEnv": [{"secretKey": "k", "envVar": "K"}],
                            }
                        ],
                        "activeDeadlineSeconds": "60",
                        "imagePullPolicy": "Always",
                        "tolerations": [{"key": "gpu", "operator": "Exists"}],
                    }
                }
            }
        }
    }
}

GONE = object()
T = "root.dag.tasks"
G = "components.comp-guarded.dag.tasks"
C = "components"
X = "deploymentSpec.executors"
K = "platforms.kubernetes.deploymentSpec.executors.exec-make"
# What is changed, to what, and a word of the fault.
BROKEN: dict[str, tuple[str, Any, str]] = {
    "schema version": ("schemaVersion", "2.0.0", "schemaVersion"),
    "no schema version": ("schemaVersion", GONE, "schemaVersion"),
    "pipeline name": ("pipelineInfo.name", "All_", "cannot name a pipeline"),
    "no pipeline name": ("pipelineInfo.name", GONE, "cannot name a pipeline"),
    "long pipeline name": ("pipelineInfo.name", "a" * 200, "cannot name a pipeline"),
    "no root": ("root", GONE, "root is no DAG"),
    "unknown field": ("pipelineInfo.nam", "x", "unknown field 'nam'"),
    "unknown field of a task": (f"{G}.make.retries", 3, "unknown field 'retries'"),
    "unknown field of a container": (f"{X}.exec-make.container.cmd", ["a"], "'cmd'"),
    "wrong enum": (f"{T}.exit.triggerPolicy.strategy", "ALWAYS", "strategy"),
    "wrong duration": (f"{G}.make.retryPolicy.backoffDuration", "30", "Duration"),
    "wrong type of a field": (f"{X}.exec-make.container.image", 3, "image"),
    "text for a list": (f"{T}.exit.dependentTasks", "guarded", "no list"),
    "both of a choice": (f"{C}.comp-make.dag", {"tasks": {}}, "has both"),
    "two sources": (f"{G}.make.inputs.parameters.n.runtimeValue", {"constant": 1}, "has both"),
    "dangling component": (f"{T}.exit.componentRef.name", "comp-x", "'comp-x'"),
    "dangling executor": (f"{C}.comp-make.executorLabel", "exec-x", "'exec-x'"),
    "no implementation": (f"{C}.comp-make.executorLabel", GONE, "neither a DAG"),
    "dangling producer": (
        f"{G}.join.inputs.parameters.all.taskOutputParameter.producerTask",
        "x",
        "task 'x' is not there",
    ),
    "dangling output": (
        f"{G}.join.inputs.parameters.all.taskOutputParameter.outputParameterKey",
        "x",
        "no output 'x'",
    ),
    "dangling output artifact": (
        f"{G}.loop.inputs.artifacts.data.taskOutputArtifact.outputArtifactKey",
        "x",
        "no output 'x'",
    ),
    "dangling input of the DAG": (
        f"{T}.guarded.inputs.parameters.n.componentInputParameter",
        "m",
        "takes no 'm'",
    ),
    "dangling artifact of the DAG": (
        f"{C}.comp-loop.dag.tasks.each.inputs.artifacts.data.componentInputArtifact",
        "m",
        "takes no 'm'",
    ),
    "missing input": (f"{G}.join.inputs.parameters", GONE, "not given 'all'"),
    "missing artifact": (f"{G}.loop.inputs.artifacts", GONE, "not given 'data'"),
    "unknown input": (f"{G}.make.inputs.parameters.m", {"runtimeValue": {"constant": 1}}, "'m'"),
    "input from nowhere": (f"{G}.make.inputs.parameters.c", {}, "from nowhere"),
    "type": (f"{C}.comp-join.inputDefinitions.parameters.all.parameterType", "STRING", "LIST"),
    "type of an input": (
        f"{C}.comp-guarded.inputDefinitions.parameters.mode.parameterType",
        "BOOLEAN",
        "STRING is given",
    ),
    "type of a constant": (f"{G}.make.inputs.parameters.c.runtimeValue.constant", "x", "'x'"),
    "a constant of null": (f"{G}.make.inputs.parameters.c.runtimeValue.constant", None, "null"),
    "a runtime parameter": (
        f"{G}.make.inputs.parameters.c.runtimeValue",
        {"runtimeParameter": "x"},
        "takes no 'x'",
    ),
    "no type": (f"{C}.comp-make.inputDefinitions.parameters.c.parameterType", GONE, "no type"),
    "schema": (
        f"{C}.comp-make.outputDefinitions.artifacts.data.artifactType.schemaTitle",
        "system.Model",
        "another schema",
    ),
    "list of artifacts": (
        f"{C}.comp-join.inputDefinitions.artifacts.files.isArtifactList",
        False,
        "a list is given",
    ),
    "one artifact for a list": (
        f"{C}.comp-loop.inputDefinitions.artifacts.data.isArtifactList",
        True,
        "one artifact",
    ),
    "order": (f"{G}.join.dependentTasks", [], "does not wait for loop"),
    "order on nothing": (f"{G}.join.dependentTasks", ["loop", "x"], "waits for x"),
    "cycle": (f"{G}.make.dependentTasks", ["join"], "circle"),
    "waits for itself": (f"{G}.make.dependentTasks", ["make"], "circle"),
    "inside itself": (f"{C}.comp-loop.dag.tasks.each.componentRef.name", "comp-guarded", "itself"),
    "task name": (f"{T}.Exit_", task("exit", "guarded"), "cannot name a task"),
    "long task name": (f"{T}.{'a' * 130}", task("exit", "guarded"), "cannot name a task"),
    "empty": (T, {}, "no tasks"),
    "output of nothing": (
        "root.dag.outputs.parameters.value.valueFromParameter.producerSubtask",
        "x",
        "task 'x'",
    ),
    "output of no key": (
        "root.dag.outputs.parameters.value.valueFromParameter.outputParameterKey",
        "x",
        "no output 'x'",
    ),
    "output of another type": (
        "root.outputDefinitions.parameters.value.parameterType",
        "LIST",
        "not LIST",
    ),
    "promised output": ("root.dag.outputs", GONE, "does not make it"),
    "output that nobody promised": ("root.outputDefinitions", GONE, "does not have"),
    "nothing selected": ("root.dag.outputs.parameters.value", {}, "nothing is selected"),
    "one of nothing": (
        f"{C}.comp-branches.dag.outputs.parameters.text.valueFromOneof.parameterSelectors",
        [],
        "nothing is selected",
    ),
    "one of a missing arm": (
        f"{C}.comp-branches.dag.outputs.parameters.text.valueFromOneof.parameterSelectors",
        [{"producerSubtask": "third", "outputParameterKey": "text"}],
        "'third'",
    ),
    "condition": (
        f"{C}.comp-branches.dag.tasks.one.triggerPolicy.condition",
        "inputs.parameter_values['size'] >",
        "ends too early",
    ),
    "condition of words": (
        f"{C}.comp-branches.dag.tasks.one.triggerPolicy.condition",
        "size > 3",
        "'size' is not known",
    ),
    "condition on what is not given": (
        f"{C}.comp-branches.dag.tasks.one.triggerPolicy.condition",
        "inputs.parameter_values['x'] > 3.0",
        "not given 'x'",
    ),
    "condition of two types": (
        f"{C}.comp-branches.dag.tasks.one.triggerPolicy.condition",
        "inputs.parameter_values['size'] > 'a'",
        "cannot be compared",
    ),
    "condition that is no bool": (
        f"{C}.comp-branches.dag.tasks.one.triggerPolicy.condition",
        "inputs.parameter_values['size'] + 1.0",
        "neither true nor false",
    ),
    "item input": (f"{G}.loop.parameterIterator.itemInput", "x", "its item 'x'"),
    "list of a loop": (f"{G}.loop.parameterIterator.items.inputParameter", "x", "its list 'x'"),
    "nothing to loop over": (f"{G}.loop.parameterIterator.items", {}, "loops over nothing"),
    "raw items": (f"{G}.loop.parameterIterator.items", {"raw": "[1, 2"}, "no JSON"),
    "raw items of a type": (f"{G}.loop.parameterIterator.items", {"raw": '["a"]'}, "NUMBER"),
    "raw items that are no list": (f"{G}.loop.parameterIterator.items", {"raw": "{}"}, "no list"),
    "limit": (f"{G}.loop.iteratorPolicy.parallelismLimit", -1, "-1 rounds"),
    "loop over artifacts": (
        f"{G}.make.artifactIterator",
        {"itemInput": "x", "items": {"inputArtifact": "x"}},
        "does not implement",
    ),
    "loop of a container": (
        f"{G}.make.parameterIterator",
        {"itemInput": "n", "items": {"raw": "[1]"}},
        "repeats a container",
    ),
    "retries": (f"{G}.make.retryPolicy.maxRetryCount", -1, "-1 times"),
    "default": ("root.inputDefinitions.parameters.n.defaultValue", "x", "default of 'n'"),
    "fraction for a whole number": (
        "root.inputDefinitions.parameters.n.defaultValue",
        0.5,
        "default of 'n'",
    ),
    "literals": ("root.inputDefinitions.parameters.mode.literals", [1], "literals of 'mode'"),
    "default among literals": (
        "root.inputDefinitions.parameters.mode.defaultValue",
        "x",
        "none of its literals",
    ),
    "exit of nothing": (f"{T}.exit.dependentTasks", GONE, "waits for nothing"),
    "exits alone": (
        f"{T}.guarded.triggerPolicy",
        {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
        "exit tasks alone",
    ),
    "status of another": (
        f"{T}.exit.inputs.parameters.s.taskFinalStatus.producerTask",
        "x",
        "status of 'x'",
    ),
    "status as text": (
        f"{C}.comp-exit.inputDefinitions.parameters.s.parameterType",
        "STRING",
        "no STRING",
    ),
    "no image": (f"{X}.exec-make.container.image", GONE, "no image"),
    "no command": (f"{X}.exec-make.container", {"image": "i"}, "neither command nor args"),
    "nothing to run": (f"{X}.exec-make", {}, "runs nothing"),
    "resolver": (f"{X}.exec-make", {"resolver": {}}, "no resolvers"),
    "custom job": (f"{X}.exec-make", {"customJob": {"customJob": {}}}, "no custom jobs"),
    "pre-cache check": (f"{X}.exec-make.container.lifecycle", {}, "preCacheCheck"),
    "placeholder": (
        f"{X}.exec-make.container.args",
        ["{{$.inputs.parameters['x']}}"],
        "no 'x'",
    ),
    "placeholder of old": (
        f"{X}.exec-make.container.args",
        ["{{$.outputs.output_file}}"],
        "does not replace",
    ),
    "placeholder of metadata": (
        f"{X}.exec-make.container.args",
        ["{{$.inputs.artifacts['x'].metadata['y']}}"],
        "does not replace",
    ),
    "concat": (f"{X}.exec-make.container.args", ['{"Concat": ["a"]}'], "Concat"),
    "variable": (f"{X}.exec-make.container.env", [{"name": "a b", "value": ""}], "'a b'"),
    "cpu": (f"{X}.exec-make.container.resources", {"resourceCpuLimit": "two"}, "'two'"),
    "memory": (f"{X}.exec-make.container.resources", {"memoryLimit": -1}, "-1"),
    "device": (f"{X}.exec-make.container.resources", {"accelerator": {"count": "1"}}, "nameless"),
    "importer": (f"{X}.exec-make", {"importer": {}}, "imports nothing"),
    "importer in a loop": (
        f"{X}.exec-each",
        {"importer": {"artifactUri": {"constant": "s3://x"}}},
        "inside a loop",
    ),
    "one container, two interfaces": (f"{X}.exec-join", container("make"), "one container"),
    "reserved output": (
        f"{C}.comp-make.outputDefinitions.artifacts.executor-logs",
        artifact(),
        "adds itself",
    ),
}
BROKEN_PLATFORM: dict[str, tuple[str, Any, str]] = {
    "another executor": (
        "platforms.kubernetes.deploymentSpec.executors.exec-x",
        {"imagePullPolicy": "Always"},
        "'exec-x'",
    ),
    "another platform": ("platforms.nomad", {}, "'nomad'"),
    "unknown setting": (f"{K}.nodeSelectors", {}, "unknown field 'nodeSelectors'"),
    "wrong shape": (f"{K}.secretAsEnv", {"secretName": "db"}, "no list"),
    "pull policy": (f"{K}.imagePullPolicy", "always", "pull policy"),
    "secret": (f"{K}.secretAsEnv", [{"secretName": "My_DB"}], "'My_DB'"),
    "no secret": (f"{K}.secretAsEnv", [{"keyToEnv": []}], "names nothing"),
    "no path": (f"{K}.secretAsVolume", [{"secretName": "db"}], "mountPath"),
    "effect": (f"{K}.tolerations", [{"key": "a", "effect": "Never"}], "effect"),
    "deadline": (f"{K}.activeDeadlineSeconds", "0", "deadline"),
    "deadline of words": (f"{K}.activeDeadlineSeconds", "soon", "int64"),
}


def changed(data: Spec, place: str, value: Any) -> Spec:
    """A copy with one part changed, added, or taken away."""
    broken = copy.deepcopy(data)
    *keys, last = place.split(".")
    at: Any = broken
    for key in keys:
        at = at.setdefault(key, {})
    if value is GONE:
        del at[last]
    else:
        at[last] = value
    return broken


def errors(*documents: Spec) -> list[Fault]:
    return [one for one in faults_in(list(documents)) if one.severity == "error"]


def test_a_valid_spec_has_no_faults() -> None:
    assert list(faults_in([VALID, PLATFORM])) == []
    read(yaml.safe_dump_all([VALID, PLATFORM]))


@pytest.mark.parametrize("what", BROKEN)
def test_what_the_parsers_accept_is_found(what: str) -> None:
    place, value, word = BROKEN[what]
    found = errors(changed(VALID, place, value))
    assert any(word in one.message for one in found), [one.message for one in found]
    assert all(one.hint and one.message[0] != " " for one in found)


@pytest.mark.parametrize("what", BROKEN_PLATFORM)
def test_what_the_server_drops_without_a_word_is_found(what: str) -> None:
    place, value, word = BROKEN_PLATFORM[what]
    found = errors(VALID, changed(PLATFORM, place, value))
    assert any(word in one.message and one.document == 1 for one in found), found


def test_two_exit_tasks_of_one_task_are_found() -> None:
    other = changed(VALID, f"{T}.again", VALID["root"]["dag"]["tasks"]["exit"])
    assert any("last one wins" in one.message for one in errors(other))
    waiting = changed(VALID, f"{T}.again", task("exit", "guarded", "exit"))
    assert any("exit task exit" in one.message for one in errors(waiting))


@pytest.mark.parametrize("documents", [[], [VALID, PLATFORM, PLATFORM], [None], [[]], ["x"], [3]])
def test_what_is_no_spec_is_told(documents: list[Any]) -> None:
    assert len(list(faults_in(documents))) == 1


# -- every reference of what penstock emits


def references(data: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places of all texts that name something else in a spec."""
    words = {
        "producerTask",
        "producerSubtask",
        "outputParameterKey",
        "outputArtifactKey",
        "componentInputParameter",
        "componentInputArtifact",
        "executorLabel",
        "inputParameter",
        "itemInput",
    }
    if isinstance(data, dict):
        for key, value in cast("Spec", data).items():
            if key in words or (key == "name" and where[-1:] == ("componentRef",)):
                yield (*where, key)
            else:
                yield from references(value, (*where, key))
    elif isinstance(data, list):
        for number, value in enumerate(cast("list[object]", data)):
            if where[-1:] == ("dependentTasks",):
                yield (*where, number)
            else:
                yield from references(value, (*where, number))


def emitted() -> list[Spec]:
    found: list[Spec] = []
    for _, ir in golden_pipelines():
        try:
            found.append(compiled(ir).spec)
        except PipelineError:
            continue
    return found


def test_each_reference_of_emitted_specs_is_followed() -> None:
    count = 0
    for spec in emitted():
        for place in references(spec):
            broken: Any = copy.deepcopy(spec)
            at: Any = broken
            for key in place[:-1]:
                at = at[key]
            at[place[-1]] = "nothing-of-that-name"
            assert errors(broken), place
            count += 1
    assert count > 150


def test_each_input_and_dependency_of_emitted_specs_is_needed() -> None:
    count = 0
    for spec in emitted():
        dags = [("root", spec["root"])]
        dags += [(name, one) for name, one in spec["components"].items() if "dag" in one]
        for where, dag in dags:
            for name, one in dag["dag"]["tasks"].items():
                component = spec["components"][one["componentRef"]["name"]]
                definitions = component.get("inputDefinitions", {})
                for side in ("parameters", "artifacts"):
                    for key in one.get("inputs", {}).get(side, {}):
                        if definitions[side][key].get("isOptional"):
                            continue
                        broken: Any = copy.deepcopy(spec)
                        level = broken["root"] if where == "root" else broken["components"][where]
                        del level["dag"]["tasks"][name]["inputs"][side][key]
                        assert errors(broken), (where, name, key)
                        count += 1
    assert count > 60


# -- reading


def test_the_line_of_each_part_is_known() -> None:
    text = yaml.safe_dump(VALID, sort_keys=False)
    [document] = read_spec(text)
    assert document.data == VALID
    place = ("root", "dag", "tasks", "exit", "dependentTasks")
    assert "dependentTasks" in text.splitlines()[document.line(place) - 1]
    assert document.line((*place, 7, "x")) == document.line(place)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a: [1, 2", "no YAML"),
        ("a: 1\na: 2", "stands twice"),
        ("a: &x [1]\nb: *x", "alias"),
        ("a: !!python/object:os.system x", "tag"),
        ("a: " + "[" * 5000, "no YAML|deep"),
        ("? [1]\n: 2", "is no text"),
        ("\0", "no YAML"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, word: str) -> None:
    with pytest.raises(Unreadable, match=word):
        read_spec(text)


def test_json_is_read_as_well() -> None:
    [document] = read_spec(json.dumps(VALID, indent="\t"))
    assert document.data == VALID


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_odd_data_makes_no_traceback(data: Any) -> None:
    for place in ("root", "components", "deploymentSpec", "root.dag.tasks.exit", "pipelineInfo"):
        list(faults_in([changed(VALID, place, data)]))
    list(faults_in([data, data]))


def test_sizes_are_warned_of() -> None:
    big = changed(VALID, f"{G}.make.inputs.parameters.c.runtimeValue", {"constantValue": {}})
    tasks = {
        f"make{n}": VALID["components"]["comp-guarded"]["dag"]["tasks"]["make"] for n in range(700)
    }
    big["components"]["comp-guarded"]["dag"]["tasks"] |= tasks
    warned = [one for one in faults_in([big]) if one.severity == "warning"]
    assert any("one argument" in one.message for one in warned)


def test_the_specs_of_the_goldens_are_valid(tmp_path: Path) -> None:
    folder = Path(__file__).parent / "goldens" / "kubeflow"
    files = list(folder.glob("*/*.yaml"))
    assert files
    for file in files:
        documents = [one.data for one in read_spec(file.read_text("utf-8"))]
        assert list(faults_in(documents)) == [], file
