"""Run by the Python of the kfp environment: executes specs by `kfp.local` in containers.

usage: kubeflow_local.py JOBS.json ANSWER.json

A spec is loaded by `kfp.components.load_component_from_file` and called; each container is made,
started and read by kfp.local itself. What it cannot do, or does wrongly, is done here in its
place: which task runs when and how often (it gives conditions to Python's `eval`, knows loops by
names that only its own compiler writes, picks a part by its first text key alone, and takes an
artifact from one branch only), and that the outputs of a round replace those of the one before.
"""

from __future__ import annotations

import json
import sys
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")
celpy: Any = import_module("celpy")
kfp: Any = import_module("kfp")
local: Any = import_module("kfp.local")
io: Any = import_module("kfp.local.io")
status: Any = import_module("kfp.local.status").Status
enhanced: Any = import_module("kfp.local.orchestrator.enhanced_dag_orchestrator")
plain: Any = import_module("kfp.local.orchestrator.dag_orchestrator")
executor: Any = import_module("kfp.local.orchestrator.task_executor")
utils: Any = import_module("kfp.local.orchestrator.orchestrator_utils").OrchestratorUtils
to_python: Any = import_module("kfp.local.executor_output_utils").pb2_value_to_python

COMPLETED = 2
"""ALL_UPSTREAM_TASKS_COMPLETED."""


def run_dag(**given: Any) -> Any:
    """A DAG, task by task; what kfp.local calls for the root."""
    component, arguments = given["dag_component_spec"], given["dag_arguments"]
    store = io.IOStore()
    for name, value in utils.join_user_inputs_and_defaults(
        dag_arguments=arguments, dag_inputs_spec=_with_defaults(component)
    ).items():
        store.put_parent_input(name, value)
    states: dict[str, str] = {}
    waiting = dict(component.dag.tasks)
    while waiting:
        ready = [n for n, task in waiting.items() if set(task.dependent_tasks) <= states.keys()]
        assert ready, "the tasks wait for one another"
        for name in ready:
            states[name] = run_task(name, waiting.pop(name), states, store, given)
            store.put_task_status(name, states[name])
    if "FAILED" in states.values():
        return {}, status.FAILURE
    return outputs_of(component, store), status.SUCCESS


def _with_defaults(component: Any) -> Any:
    """The inputs without those that have no default: kfp.local fails on them."""
    found = type(component.input_definitions)()
    for name, one in component.input_definitions.parameters.items():
        if one.HasField("default_value"):
            found.parameters[name].CopyFrom(one)
    return found


def run_task(name: str, task: Any, states: dict[str, str], store: Any, given: Any) -> str:
    """One task, if it is to run; its state."""
    anyway = task.trigger_policy.strategy == COMPLETED
    if not anyway and any(states[one] != "SUCCEEDED" for one in task.dependent_tasks):
        return "SKIPPED"
    arguments = arguments_of(task, store)
    if task.trigger_policy.condition and not decided(task.trigger_policy.condition, arguments):
        return "SKIPPED"
    component = given["components"][task.component_ref.name]
    if task.WhichOneof("iterator"):
        outputs, ended = run_loop(name, task, arguments, component, given)
    elif component.WhichOneof("implementation") == "dag":
        outputs, ended = run_dag(
            **{**given, "dag_component_spec": component, "dag_arguments": arguments}
        )
    else:
        names = ("pipeline_resource_name", "components", "executors", "pipeline_root", "runner")
        outputs, ended = executor.execute_single_task(
            task_name=name,
            task_spec=task,
            io_store=store,
            unique_pipeline_id=given["unique_pipeline_id"],
            fail_stack=given["fail_stack"],
            **{one: given[one] for one in names},
        )
    if ended == status.FAILURE:
        given["fail_stack"].append(name)
        return "FAILED"
    for key, value in outputs.items():
        store.put_task_output(name, key, value)
    return "SUCCEEDED"


def run_loop(name: str, task: Any, arguments: Any, component: Any, given: Any) -> Any:
    """A DAG once for each item, each round in a folder of its own."""
    iterator = task.parameter_iterator
    if iterator.items.WhichOneof("kind") == "raw":
        items = json.loads(iterator.items.raw)
    else:
        items = arguments[iterator.items.input_parameter]
    found: dict[str, list[Any]] = {}
    for number, item in enumerate(items):
        outputs, ended = run_dag(
            **{
                **given,
                "dag_component_spec": component,
                "dag_arguments": {**arguments, iterator.item_input: item},
                "pipeline_resource_name": f"{given['pipeline_resource_name']}/{name}.{number}",
            }
        )
        if ended == status.FAILURE:
            return {}, status.FAILURE
        for key, value in outputs.items():
            found.setdefault(key, []).append(value)
    return found, status.SUCCESS


def arguments_of(task: Any, store: Any) -> dict[str, Any]:
    """What a task is given; an input that is None is left out."""
    found: dict[str, Any] = {}
    value: Any
    for name, one in task.inputs.parameters.items():
        kind = one.WhichOneof("kind")
        if kind == "runtime_value":
            value = to_python(one.runtime_value.constant)
        elif kind == "task_output_parameter":
            source = one.task_output_parameter
            value = store.get_task_output(source.producer_task, source.output_parameter_key)
        elif kind == "component_input_parameter":
            try:
                value = store.get_parent_input(one.component_input_parameter)
            except ValueError:
                continue
        else:
            state = store.get_task_status(one.task_final_status.producer_task)
            value = {"state": state, "pipelineTaskName": "x", "error": {}}
        if one.parameter_expression_selector:
            value = selected(one.parameter_expression_selector, value)
        if value is not None:
            found[name] = value
    for name, one in task.inputs.artifacts.items():
        if one.WhichOneof("kind") == "task_output_artifact":
            source = one.task_output_artifact
            found[name] = store.get_task_output(source.producer_task, source.output_artifact_key)
        else:
            found[name] = store.get_parent_input(one.component_input_artifact)
    return found


def outputs_of(component: Any, store: Any) -> dict[str, Any]:
    """What a DAG gives: of several sources the one that was made."""
    found: dict[str, Any] = {}
    outputs = component.dag.outputs
    for name, one in outputs.parameters.items():
        if one.WhichOneof("kind") == "value_from_oneof":
            keys = one.value_from_oneof.parameter_selectors
        else:
            keys = [one.value_from_parameter]
        found[name] = first_made(
            [(key.producer_subtask, key.output_parameter_key) for key in keys], store
        )
    for name, one in outputs.artifacts.items():
        found[name] = first_made(
            [(key.producer_subtask, key.output_artifact_key) for key in one.artifact_selectors],
            store,
        )
    return found


def first_made(keys: list[tuple[str, str]], store: Any) -> Any:
    """The first of the outputs that is there."""
    for task, key in keys:
        try:
            return store.get_task_output(task, key)
        except ValueError:
            continue
    raise ValueError(f"none of {keys} was made")


def decided(condition: str, arguments: dict[str, Any]) -> bool:
    """A condition, by an implementation of CEL."""
    environment = celpy.Environment()
    program = environment.program(environment.compile(condition))
    numbers = json.loads(json.dumps(_plain(arguments)), parse_int=float)
    return bool(program.evaluate({"inputs": celpy.json_to_cel({"parameter_values": numbers})}))


def _plain(arguments: dict[str, Any]) -> dict[str, Any]:
    """The values that a condition may look at; artifacts, and lists of them, are none."""
    return {n: value for n, value in arguments.items() if isinstance(value, str | int | float)}


def selected(selector: str, value: Any) -> Any:
    """A part of a parameter, by all its keys."""
    keys = selector.removeprefix("parseJson(string_value)")[1:-1].split("][")
    for key in keys:
        value = value[json.loads(key)]
    return value


def main() -> None:
    """Runs each job, `{"spec", "values", "root"}`, and writes what the pipelines gave."""
    jobs = json.loads(Path(sys.argv[1]).read_bytes())
    enhanced.run_enhanced_dag = plain.run_dag = run_dag
    utils.make_task_arguments = staticmethod(task_arguments)
    answers: list[Any] = []
    for job in jobs:
        local.init(
            runner=local.DockerRunner(network_mode="none"),
            pipeline_root=job["root"],
            raise_on_error=True,
        )
        component = kfp.components.load_component_from_file(job["spec"])
        task = component(**job["values"])
        answers.append({name: _shown(value) for name, value in task.outputs.items()})
    Path(sys.argv[2]).write_text(json.dumps(answers))


@dataclass
class _Task:
    """A task as far as its inputs are asked for."""

    inputs: Any


def task_arguments(task_inputs_spec: Any, io_store: Any) -> dict[str, Any]:
    """What kfp.local asks for before it starts a container."""
    return arguments_of(_Task(task_inputs_spec), io_store)


def _shown(value: Any) -> Any:
    if isinstance(value, list):
        items: list[Any] = list(value)  # pyright: ignore[reportUnknownArgumentType] - of any type
        return [_shown(one) for one in items]
    return value.metadata["digest"] if hasattr(value, "uri") else value


if __name__ == "__main__":
    main()
