"""Tasks, and what leads from one to the other: references, types, order, outputs of DAGs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from penstock_kubeflow.names import LONGEST_TASK
from penstock_kubeflow.verifier.faults import Fault, Where, told
from penstock_kubeflow.verifier.producers import Side, given_by
from penstock_kubeflow.verifier.tasks import check_task
from penstock_kubeflow.verifier.values import artifacts_agree, parameter_type, types_agree
from penstock_kubeflow.verifier.view import Data, View, component_of, get, listed

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_LONGEST_PIPELINE = 128


def check_structure(view: View) -> Iterator[Fault]:
    """Everything about the graph of a spec."""
    yield from _top(view)
    yield from _components(view)
    for where, component in view.dags():
        yield from _dag(view, where, component)
    yield from _inside_itself(view)


def _top(view: View) -> Iterator[Fault]:
    spec = view.spec
    if spec.get("schemaVersion") != "2.1.0":
        yield Fault(
            ("schemaVersion",),
            f"schemaVersion is {spec.get('schemaVersion')!r}",
            "the server takes 2.1.0 alone",
        )
    name = get(spec, "pipelineInfo").get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _LONGEST_PIPELINE:
        yield Fault(
            ("pipelineInfo", "name"),
            f"{name!r} cannot name a pipeline",
            "use lower-case letters, digits and dashes: it becomes part of Kubernetes names",
        )
    if "dag" not in get(spec, "root"):
        yield Fault(("root",), "the root is no DAG", "write root.dag.tasks")


def _components(view: View) -> Iterator[Fault]:
    for name, component in view.components.items():
        where: Where = ("components", name)
        label = component.get("executorLabel")
        if "dag" not in component and not label:
            yield Fault(
                where, f"{name} is neither a DAG nor a container", "give it dag or executorLabel"
            )
        if label and label not in view.executors:
            yield Fault(
                (*where, "executorLabel"),
                f"the executor {label!r} of {name} is not there",
                "add it under deploymentSpec.executors",
            )


def _dag(view: View, where: Where, component: Data) -> Iterator[Fault]:
    tasks = get(get(component, "dag"), "tasks")
    if not tasks:
        yield Fault((*where, "dag"), f"{told(where)} has no tasks", "a DAG runs one task or more")
        return
    waits: TopologicalSorter[str] = TopologicalSorter()
    for name, task in tasks.items():
        at = (*where, "dag", "tasks", name)
        if not _NAME.fullmatch(name) or len(name) > LONGEST_TASK:
            yield Fault(
                at,
                f"{name!r} cannot name a task",
                f"use at most {LONGEST_TASK} lower-case letters, digits and dashes",
            )
        before = listed(task, "dependentTasks")
        waits.add(name, *before)
        for one in before:
            if one not in tasks:
                yield Fault(
                    (*at, "dependentTasks"),
                    f"{name} waits for {one}, which is not there",
                    "name a task of the same DAG",
                )
        if view.component(task) is None:
            yield Fault(
                (*at, "componentRef"),
                f"the component {component_of(task)!r} of {name} is not there",
                "add it under components",
            )
            continue
        yield from check_task(view, at, component, name, task)
    try:
        waits.prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        yield Fault(
            (*where, "dag", "tasks"),
            f"{told(where)} goes in a circle: {circle}",
            "remove one of these dependentTasks",
        )
    yield from _exits(where, tasks)
    yield from _outputs(view, where, component, "parameters")
    yield from _outputs(view, where, component, "artifacts")


def _exits(where: Where, tasks: Data) -> Iterator[Fault]:
    """An exit task is a hook of Argo on the task it waits for."""
    exits = {name: task for name, task in tasks.items() if is_exit(task)}
    if exits and len(exits) == len(tasks):
        yield Fault(
            (*where, "dag", "tasks"),
            f"{told(where)} has exit tasks alone",
            "put what they wait for beside them",
        )
    hooked: dict[str, str] = {}
    for name, task in exits.items():
        at = (*where, "dag", "tasks", name)
        before = listed(task, "dependentTasks")
        if not before:
            yield Fault(at, f"the exit task {name} waits for nothing", "give it dependentTasks")
        for one in before[:1]:
            if one in hooked:
                yield Fault(
                    at,
                    f"{name} and {hooked[one]} are both exit tasks of {one}: the last one wins",
                    "put one of them and its task into a DAG of their own",
                )
            hooked[one] = name
    for name, task in tasks.items():
        for one in listed(task, "dependentTasks"):
            if one in exits:
                yield Fault(
                    (*where, "dag", "tasks", name, "dependentTasks"),
                    f"{name} waits for the exit task {one}, which is no node that runs",
                    "wait for what the exit task waits for",
                )


def is_exit(task: Data) -> bool:
    """Whether a task runs whatever became of those before it."""
    return get(task, "triggerPolicy").get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED"


def _outputs(view: View, where: Where, component: Data, side: Side) -> Iterator[Fault]:
    promised = get(get(component, "outputDefinitions"), side)
    made = get(get(get(component, "dag"), "outputs"), side)
    at: Where = (*where, "dag", "outputs", side)
    for name in promised.keys() - made.keys():
        yield Fault(
            (*where, "outputDefinitions", side, name),
            f"{told(where)} promises the output {name!r} and does not make it",
            f"add it under {told(at)}",
        )
    for name in made.keys() - promised.keys():
        yield Fault(
            (*at, name),
            f"{told(where)} makes {name!r}, which outputDefinitions does not have",
            "add it there",
        )
    in_list = len(where) > 1 and where[1] in view.looped
    for name in (one for one in made if one in promised):
        selectors = _selectors(made[name], side)
        if not selectors:
            yield Fault((*at, name), f"nothing is selected for {name!r}", "name a task's output")
        for one in selectors:
            problem = _selected(view, component, one, promised[name], side, in_list)
            if problem:
                yield Fault((*at, name), f"the output {name!r}: {problem[0]}", problem[1])


def _selectors(made: Data, side: Side) -> list[Data]:
    if side == "artifacts":
        return listed(made, "artifactSelectors")
    if "valueFromOneof" in made:
        return list(get(made, "valueFromOneof").get("parameterSelectors") or [])
    return [get(made, "valueFromParameter")] if "valueFromParameter" in made else []


def _selected(
    view: View, component: Data, selector: Data, promised: Data, side: Side, in_list: bool
) -> tuple[str, str] | None:
    task = str(selector.get("producerSubtask", ""))
    key = str(selector.get("outputParameterKey" if side == "parameters" else "outputArtifactKey"))
    found = given_by(view, component, task, key, side)
    if isinstance(found, tuple):
        return found
    if side == "parameters":
        given, asked = parameter_type(found), parameter_type(promised)
        if types_agree(given, asked) or (in_list and asked == "LIST"):
            return None
        return f"{task} gives {given}, not {asked}", "make both the same type"
    many, asked_many = bool(found.get("isArtifactList")), bool(promised.get("isArtifactList"))
    if many != asked_many and not (in_list and asked_many):
        return f"{task} gives {'a list' if many else 'one artifact'}", "make both lists, or none"
    if not artifacts_agree(found, promised):
        return f"{task} gives an artifact of another schema", "make both the same schema"
    return None


def _inside_itself(view: View) -> Iterator[Fault]:
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for where, component in view.dags():
        for task in get(get(component, "dag"), "tasks").values():
            sorter.add(str(where[-1]) if len(where) > 1 else "", component_of(task))
    try:
        sorter.prepare()
    except CycleError as error:
        inner = next(one for one in error.args[1] if one)
        yield Fault(
            ("components", inner), f"{inner} is inside itself", "a DAG cannot run its own component"
        )
