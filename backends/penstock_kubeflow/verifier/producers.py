"""What the tasks of a DAG give."""

from __future__ import annotations

from typing import Literal

from penstock_kubeflow.verifier.view import Data, View, get, mapping

Side = Literal["parameters", "artifacts"]


def given_by(
    view: View, component: Data, task: str, key: str, side: Side
) -> Data | tuple[str, str]:
    """The definition of a task's output, or what is wrong and what to do."""
    tasks = get(get(component, "dag"), "tasks")
    if task not in tasks:
        return f"the task {task!r} is not there", "name a task of the same DAG"
    producer = view.component(tasks[task])
    if producer is None:
        return f"the component of {task!r} is not there", "add it under components"
    outputs = get(get(producer, "outputDefinitions"), side)
    if key not in outputs:
        known = ", ".join(outputs) or "none"
        return f"{task} has no output {key!r} among its {side}", f"it has {known}"
    return mapping(outputs[key])
