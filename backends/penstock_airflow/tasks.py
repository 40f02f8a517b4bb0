"""One operator per step, as text."""

from __future__ import annotations

import json
from collections.abc import Iterable

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Component, Loop, Step
from penstock.ir.values import Constant
from penstock_airflow import python_text as py
from penstock_airflow.references import is_artifact
from penstock_airflow.settings import is_rendered
from penstock_airflow.shared import Shared, line, source_comment


def task(step: Step, task_id: str, shared: Shared, indent: int, *, named: bool = True) -> str:
    """The statement `name = StepOperator(...)`, with the place of the step's call above it.

    Unless it is `named`, nothing waits for it, and it for nothing, in the function around it.
    """
    inner = indent + 4
    pad = " " * inner
    component = shared.names.components[step.component]
    loop = _mapped_by_itself(step, shared)
    operator = "StepOperator.partial" if loop else "StepOperator"
    target = f"{shared.labels.variable(step.id)} = " if named else ""
    out = [
        source_comment(step.span, indent),
        f"{' ' * indent}{target}{operator}(\n{pad}task_id={py.lit(task_id)},\n",
    ]
    image = shared.images.get(step.id, "")
    if image != shared.image:
        out += [line(key, node, pad) for key, node in shared.runner.image(image)]
    out.append(line("code", py.Literal(step.component), pad))
    out += [line(key, node, pad) for key, node in _inputs(step, component, shared)]
    out += [line(key, node, pad) for key, node in _place(step, shared)]
    out.append(shared.settings(step.options, inner))
    out += [line(key, node, pad) for key, node in _assets(step, shared)]
    out.append(shared.documentation(component, inner))
    out.append(f"{' ' * indent})")
    if loop:
        out.append(_expand(loop, shared, indent))
    elif step.on_exit:
        out.append(".as_teardown()")
    return "".join(out) + "\n"


def _mapped_by_itself(step: Step, shared: Shared) -> Loop | None:
    loop = next(iter(shared.flow.loops(step.scope)), None)
    return loop if loop and shared.flow.mapped[loop.id] != "group" else None


def _expand(loop: Loop, shared: Shared, indent: int) -> str:
    call = py.Call("expand", kwargs=(("item", items(loop, shared)),))
    return f").{py.render(call, column=indent + 2, indent=indent, suffix=' ')}"[1:]


def items(loop: Loop, shared: Shared) -> py.Node:
    """What a loop is expanded over: a task's list, or the list itself."""
    rounds = shared.flow.rounds.get(loop.id)
    if rounds is not None:
        return py.Name(shared.labels.variable(rounds.id))
    listed = loop.items
    if not isinstance(listed, Constant):
        raise TypeError("a list that is not known needs a task that lists it")
    return py.ListOf(tuple(_item(one) for one in json.loads(listed.text)))


def _item(value: object) -> py.Node:
    """One item, in a field that Airflow renders."""
    shown = py.Literal(value)
    return py.Call("literal", (shown,)) if item_is_rendered(value) else shown


def item_is_rendered(value: object) -> bool:
    """Whether Airflow would change any text inside."""
    if isinstance(value, str):
        return is_rendered(value)
    signs = ("{{", "{%", "{#", '.sh"', '.bash"', '.env"', '\\n"')
    return any(one in json.dumps(value) for one in signs)


def _inputs(step: Step, component: Component, shared: Shared) -> list[tuple[str, py.Node]]:
    """`artifacts={...}, parameters={...}`, and what goes with them."""
    names: Lookup = shared.names
    artifacts: list[tuple[str | int, py.Node]] = []
    parameters: list[tuple[str | int, py.Node]] = []
    for binding in step.inputs:
        kind = artifacts if is_artifact(binding.value, names) else parameters
        kind.append((binding.name, shared.references.find(binding.value, step.scope)))
    given = {binding.name for binding in step.inputs}
    fields = [one.name for one in component.inputs if one.field and one.name in given]
    found: list[tuple[str, py.Node]] = []
    if artifacts:
        found.append(("artifacts", py.DictOf(tuple(artifacts))))
    if parameters:
        found.append(("parameters", py.DictOf(tuple(parameters))))
    if fields:
        found.append(("fields", py.Literal(fields)))
    parts = shared.parts.get(step.id)
    if parts:
        plain = {name: [output, *path] for name, (output, path) in parts.items()}
        found.append(("projections", py.Literal(plain)))
    if step.options.env:
        found.append(("env", py.Literal(dict(step.options.env))))
    return found


def _place(step: Step, shared: Shared) -> list[tuple[str, py.Node]]:
    """What the loops and branches around the step make of it."""
    found: list[tuple[str, py.Node]] = []
    flow = shared.flow
    loops = flow.loops(step.scope)
    if loops and flow.mapped[loops[0].id] == "group":
        found.append(("item", py.Name("item")))
    if loops and flow.mapped[loops[0].id] == "flat":
        found.append(("nested", py.Literal(True)))
        found.append(("map_index_template", py.Literal("{{ task.item['items'] }}")))
    elif loops:
        found.append(("map_index_template", py.Literal("{{ task.item }}")))
    limit = _at_once(loops)
    if limit is not None:
        found.append(("max_active_tis_per_dagrun", py.Literal(limit)))
    if step.id in flow.guards:
        found.append(("only_if", py.Name(shared.labels.guard(flow.guards[step.id]))))
    if step.id in flow.rules:
        found.append(("trigger_rule", py.Literal(flow.rules[step.id])))
    return found


def _at_once(loops: tuple[Loop, ...]) -> int | None:
    """How many instances of a step may run at once: as many as all of its loops allow."""
    limits = [one.parallel for one in loops if one.parallel is not None]
    if not limits:
        return None
    found = 1
    for one in limits:
        found *= one
    return found


def _assets(step: Step, shared: Shared) -> list[tuple[str, py.Node]]:
    calls = asset_calls(shared.assets.get(step.id, ()), shared)
    return [("outlets", calls)] if calls.items else []


def asset_calls(names: Iterable[str], shared: Shared) -> py.ListOf:
    """What other DAGs can be scheduled on, for outputs of the pipeline."""
    kind = "Dataset" if shared.target.two else "Asset"
    places = (f"penstock://{shared.names.ir.name}/{one}" for one in names)
    return py.ListOf(tuple(py.Call(kind, (py.Literal(one),)) for one in places))
