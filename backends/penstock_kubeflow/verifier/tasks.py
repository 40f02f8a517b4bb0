"""One task: what it is given, when it runs, how often, and with what policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from penstock_kubeflow.verifier.cel import BadCondition, check_condition
from penstock_kubeflow.verifier.faults import Fault, Where
from penstock_kubeflow.verifier.producers import Side, given_by
from penstock_kubeflow.verifier.values import (
    artifacts_agree,
    fits,
    parameter_type,
    types_agree,
)
from penstock_kubeflow.verifier.view import Data, View, get, listed, mapping

Problem = tuple[str, str]
_SOURCES = {
    "parameters": (
        "taskOutputParameter",
        "runtimeValue",
        "componentInputParameter",
        "taskFinalStatus",
    ),
    "artifacts": ("taskOutputArtifact", "componentInputArtifact"),
}


def check_task(view: View, where: Where, outer: Data, name: str, task: Data) -> Iterator[Fault]:
    """Everything about one task whose component is there."""
    component = view.component(task) or {}
    yield from _inputs(view, where, outer, name, task, component, "parameters")
    yield from _inputs(view, where, outer, name, task, component, "artifacts")
    yield from _condition(where, name, task, component, view)
    yield from _iterator(where, name, task, component)
    count = get(task, "retryPolicy").get("maxRetryCount")
    if count is not None and float(count) < 0:
        yield Fault(
            (*where, "retryPolicy"), f"{name} is tried {count} times", "use 0 or more retries"
        )


def _inputs(
    view: View,
    where: Where,
    outer: Data,
    name: str,
    task: Data,
    component: Data,
    side: Side,
) -> Iterator[Fault]:
    given = get(get(task, "inputs"), side)
    asked = get(get(component, "inputDefinitions"), side)
    iterated = {get(task, "parameterIterator").get("itemInput")}
    for key, source in given.items():
        at: Where = (*where, "inputs", side, key)
        if key not in asked and not _in_text(key, component):
            known = ", ".join(asked) or "nothing"
            yield Fault(at, f"{name} does not take {key!r}", f"its component takes {known}")
            continue
        for message, hint in _source(view, outer, name, task, source, asked.get(key, {}), side):
            yield Fault(at, f"{name}.{key}: {message}", hint)
    for key, definition in asked.items():
        optional = definition.get("isOptional") or "defaultValue" in definition
        if key not in given and not optional and key not in iterated:
            yield Fault(
                (*where, "inputs"), f"{name} is not given {key!r}", f"add it under inputs.{side}"
            )


def _in_text(key: str, component: Data) -> bool:
    """Whether the SDK has added an input for a text with values in it (an f-string)."""
    return key.startswith("pipelinechannel--") and "executorLabel" in component


def _source(
    view: View, outer: Data, name: str, task: Data, source: Data, asked: Data, side: Side
) -> Iterator[Problem]:
    kinds = [one for one in _SOURCES[side] if one in source]
    if not kinds:
        yield "it comes from nowhere", f"give it one of {', '.join(_SOURCES[side])}"
        return
    kind = kinds[0]
    if kind == "runtimeValue":
        yield from _constant(source[kind], asked, outer)
        return
    if kind == "taskFinalStatus":
        yield from _status(source[kind], task, asked)
        return
    if kind.startswith("componentInput"):
        key = source[kind]
        known = get(get(outer, "inputDefinitions"), side)
        if key not in known:
            yield f"the DAG takes no {key!r}", "add it to the inputDefinitions of the DAG"
            return
        found = mapping(known[key])
    else:
        producer = str(source[kind].get("producerTask", ""))
        key = source[kind].get(
            "outputParameterKey" if side == "parameters" else "outputArtifactKey"
        )
        made = given_by(view, outer, producer, str(key), side)
        if isinstance(made, tuple):
            yield made
            return
        found = made
        if producer not in listed(task, "dependentTasks"):
            yield f"{name} does not wait for {producer}", "add it to dependentTasks"
    if side == "artifacts":
        many, asked_many = bool(found.get("isArtifactList")), bool(asked.get("isArtifactList"))
        if many != asked_many:
            yield f"{'a list' if many else 'one artifact'} is given", "take what is given"
        elif not artifacts_agree(found, asked):
            yield "an artifact of another schema is given", "take the schema that is given"
    elif "parameterExpressionSelector" not in source and not types_agree(
        parameter_type(found), parameter_type(asked)
    ):
        yield (
            f"{parameter_type(found)} is given, and {parameter_type(asked)} asked",
            "make both the same type",
        )


def _constant(value: Data, asked: Data, outer: Data) -> Iterator[Problem]:
    if "runtimeParameter" in value:
        key = value["runtimeParameter"]
        if key not in get(get(outer, "inputDefinitions"), "parameters"):
            yield f"the DAG takes no {key!r}", "add it to the inputDefinitions of the DAG"
        return
    if "constantValue" in value:
        return
    constant = value.get("constant")
    if constant is None:
        yield "a constant of null fails when the task starts", "leave the input out"
        return
    kind = parameter_type(asked)
    if not fits(constant, kind):
        yield f"{str(constant)[:60]!r} is no {kind}", "write a value of the type"
        return
    literals = listed(asked, "literals")
    if literals and constant not in literals:
        yield f"{str(constant)[:60]!r} is none of its literals", f"use one of {literals}"


def _status(status: Data, task: Data, asked: Data) -> Iterator[Problem]:
    producer = status.get("producerTask")
    if producer not in listed(task, "dependentTasks")[:1]:
        yield (
            f"the status of {producer!r} is not known: only that of the first of dependentTasks is",
            "put it first in dependentTasks",
        )
    if parameter_type(asked) not in ("TASK_FINAL_STATUS", "STRUCT", None):
        yield f"a status is no {parameter_type(asked)}", "take a TASK_FINAL_STATUS"


def _condition(where: Where, name: str, task: Data, component: Data, view: View) -> Iterator[Fault]:
    condition = get(task, "triggerPolicy").get("condition")
    if not condition:
        return
    at: Where = (*where, "triggerPolicy", "condition")
    definitions = get(get(component, "inputDefinitions"), "parameters")
    given = {
        key: parameter_type(definitions.get(key))
        for key in (*get(get(task, "inputs"), "parameters"), *definitions)
    }
    try:
        check_condition(condition, given)
    except BadCondition as error:
        yield Fault(
            at, f"the condition of {name} cannot be decided: {error}", "write it in CEL over inputs"
        )
    executor = view.executors.get(component.get("executorLabel") or "")
    if isinstance(executor, dict) and "importer" in executor:
        yield Fault(at, f"{name} is an importer, which takes no condition", "put it into a DAG")


def _iterator(where: Where, name: str, task: Data, component: Data) -> Iterator[Fault]:
    if "artifactIterator" in task:
        yield Fault(
            (*where, "artifactIterator"),
            f"{name} loops over artifacts, which the backend does not implement",
            "loop over parameters",
        )
    limit = get(task, "iteratorPolicy").get("parallelismLimit")
    if limit is not None and float(limit) < 0:
        yield Fault((*where, "iteratorPolicy"), f"{name} runs {limit} rounds", "use 0 or more")
    iterator = get(task, "parameterIterator")
    if "parameterIterator" not in task:
        return
    at: Where = (*where, "parameterIterator")
    asked = get(get(component, "inputDefinitions"), "parameters")
    item = iterator.get("itemInput")
    if item not in asked:
        yield Fault(at, f"{name} does not take its item {item!r}", "add it to inputDefinitions")
    items = get(iterator, "items")
    if "raw" in items:
        problem = _raw(items["raw"], parameter_type(asked.get(str(item))))
        if problem:
            yield Fault((*at, "items"), f"the items of {name} {problem}", "write a JSON list")
    elif "inputParameter" in items:
        source = items["inputParameter"]
        if source not in get(get(task, "inputs"), "parameters"):
            yield Fault(
                (*at, "items"), f"{name} is not given its list {source!r}", "add it to its inputs"
            )
        elif parameter_type(asked.get(source)) not in ("LIST", "STRING", None):
            yield Fault((*at, "items"), f"the list of {name} is no LIST", "loop over a LIST")
    else:
        yield Fault(at, f"{name} loops over nothing", "give items.raw or items.inputParameter")
    if "dag" not in component:
        yield Fault(at, f"{name} repeats a container", "repeat a DAG")


def _raw(text: str, kind: str | None) -> str:
    try:
        items: Any = json.loads(text)
    except (ValueError, RecursionError):
        return "are no JSON"
    if not isinstance(items, list):
        return "are no list"
    checked: list[Any] = items  # pyright: ignore[reportUnknownVariableType] - JSON
    return "" if all(fits(one, kind) for one in checked) else f"are not all of type {kind}"
