"""Tasks: one call of a component in a DAG."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from functools import lru_cache

from penstock.ir.nodes import Component, Loop, Retry, Step
from penstock.ir.values import Constant, Path
from penstock.ir.yamldump import Flow, FlowList
from penstock_kubeflow.components import Spec, present
from penstock_kubeflow.names import LOOP_ITEM
from penstock_kubeflow.ports import Kind
from penstock_kubeflow.threads import Seen

# Argo counts this window from the start of the first attempt, stops a step that runs when it
# ends, and tries no more: an hour, as the SDK has it, would stop a long training.
_RETRY_WINDOW = "31536000s"


_CACHED = {cache: Flow(enableCache=cache) for cache in (False, True)}


def step_task(
    step: Step, name: str, inputs: Spec, after: Iterable[str], *, cache: bool, exits: bool
) -> Spec:
    """The task that runs a step; an exit step waits for its tasks whatever became of them."""
    found = dag_task(name, inputs, after)
    return found | present(
        cachingOptions=_CACHED[cache],
        retryPolicy=_retry_policy(step.options.retry),
        triggerPolicy=Flow(strategy="ALL_UPSTREAM_TASKS_COMPLETED") if exits else {},
    )


def dag_task(name: str, inputs: Spec, after: Iterable[str]) -> Spec:
    """The task of a component; backends before 2.16 look it up by the name in `taskInfo`."""
    return present(
        taskInfo=Flow(name=name),
        componentRef=Flow(name=f"comp-{name}"),
        dependentTasks=FlowList(after),
        inputs=inputs,
    )


def arm_policy(condition: str) -> Spec:
    """When the task of an arm runs; the arm without a condition needs none."""
    return {"triggerPolicy": {"condition": condition}} if condition else {}


def loop_policy(loop: Loop, list_input: str) -> Spec:
    """What the task of a loop goes through, and how many rounds at a time."""
    if isinstance(loop.items, Constant):
        items: Spec = {"raw": json.dumps(loop.items.value, ensure_ascii=False)}
    else:
        items = {"inputParameter": list_input}
    found: Spec = {"parameterIterator": Flow(itemInput=LOOP_ITEM, items=Flow(items))}
    if loop.parallel is not None:
        found["iteratorPolicy"] = Flow(parallelismLimit=loop.parallel)
    return found


def cached(step: Step, component: Component) -> bool:
    """Whether Kubeflow may reuse the outputs of an earlier run of the step.

    As the user says. Otherwise only where it is safe: the image is named by its content, since
    the backend does not see what is behind a tag, and the step is not run for its effect, as
    exit steps are.
    """
    if step.options.cache is not None:
        return step.options.cache
    image = step.options.image
    made = bool(component.outputs) and not step.on_exit
    return made and (image is None or "@sha256:" in image)


def _retry_policy(retry: Retry | None) -> Spec:
    if retry is None or not retry.times:
        return {}
    return Flow(
        maxRetryCount=retry.times,
        backoffDuration=f"{math.ceil(retry.delay)}s",
        backoffFactor=retry.backoff,
        backoffMaxDuration=_RETRY_WINDOW,
    )


def constant_input(value: object) -> Spec:
    """A parameter whose value is written in the pipeline."""
    return Flow(runtimeValue=Flow(constant=value))


def status_input(task: str) -> Spec:
    """How a task has ended."""
    return Flow(taskFinalStatus=Flow(producerTask=task))


@lru_cache(maxsize=1024)
def threaded_input(kind: Kind, seen: Seen, path: Path = ()) -> Spec:
    """An input that comes from a task or from the DAG's own inputs; equal ones are one object."""
    if kind == "artifact":
        if seen.kind == "input":
            return Flow(componentInputArtifact=seen.key)
        key = Flow(producerTask=seen.task, outputArtifactKey=seen.key)
        return Flow(taskOutputArtifact=key)
    if seen.kind == "task":
        key = Flow(producerTask=seen.task, outputParameterKey=seen.key)
        found: Spec = Flow(taskOutputParameter=key)
    else:
        found = Flow(componentInputParameter=seen.key)
    if path:
        found["parameterExpressionSelector"] = selector(path)
    return found


def selector(path: Path) -> str:
    """The expression that picks a part out of a parameter's value."""
    return "parseJson(string_value)" + "".join(f"[{_key(key)}]" for key in path)


def _key(key: str | int) -> str:
    # The expression language reads JSON's escapes; Argo must not find its own marks in a key.
    text = json.dumps(key, ensure_ascii=False)
    return text if isinstance(key, int) else text.replace("{", "\\u007b").replace("$", "\\u0024")


def task_inputs(inputs: Iterable[tuple[str, Kind, Spec]]) -> Spec:
    """The inputs of a task, artifacts and parameters apart."""
    artifacts: Spec = {}
    parameters: Spec = {}
    for name, kind, spec in inputs:
        (artifacts if kind == "artifact" else parameters)[name] = spec
    return present(artifacts=artifacts, parameters=parameters)
