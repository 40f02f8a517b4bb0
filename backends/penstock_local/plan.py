"""What a run would do, without doing it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from penstock.images import images_of
from penstock.ir import values as ir_values
from penstock.ir.arguments import ArgumentError, arguments
from penstock.ir.graph import in_order
from penstock.ir.lookup import Lookup, lookup
from penstock.ir.nodes import Branch, Loop, PipelineIR, Scope, Step
from penstock.ir.write import plan_digest
from penstock.runner import CannotRun, PlannedReuse, PlannedStep, RunOptions, RunPlan
from penstock_local.foresight import foresee
from penstock_local.resuming import recorded_parameters, same_parameters
from penstock_local.unenforced import unenforced
from penstock_runtime.errors import StoreError
from penstock_runtime.opening import open_store
from penstock_runtime.store import Store


def plan(ir: PipelineIR, parameters: Mapping[str, object], options: RunOptions) -> RunPlan:
    """The steps in the order in which one worker would take them; raises `CannotRun`."""
    store = _existing(options)
    before = recorded_parameters(store, options.resume)
    try:
        values = arguments(ir, same_parameters(before, parameters, options.resume))
    except ArgumentError as error:
        raise CannotRun(str(error)) from None
    names = lookup(ir)
    images = images_of(ir)
    foreseen = foresee(ir, values, options, store)
    steps = sorted(in_order(ir), key=lambda step: step.on_exit)
    return RunPlan(
        pipeline=ir.name,
        digest=plan_digest(options.written or ir),
        parameters=values,
        steps=tuple(_planned(images[step.id], step, names, values, foreseen) for step in steps),
        notes=unenforced(ir, options.executor, options.store),
    )


def _existing(options: RunOptions) -> Store | None:
    """The store, if there is one: a plan makes nothing."""
    try:
        return open_store(options.store, create=False)
    except StoreError:
        if options.resume is not None:
            raise
        return None


def _planned(
    image: str,
    step: Step,
    names: Lookup,
    parameters: Mapping[str, object],
    foreseen: Mapping[str, tuple[PlannedReuse, ...]],
) -> PlannedStep:
    return PlannedStep(
        step=step.id,
        code=step.component,
        image=image,
        inputs={one.name: in_words(one.value, parameters) for one in step.inputs},
        when=tuple(_when(step, names, parameters)),
        reuse=foreseen.get(step.id, ()),
    )


def _when(step: Step, names: Lookup, parameters: Mapping[str, object]) -> Iterator[str]:
    if step.on_exit:
        yield "at the end"
    for scope in reversed(list(names.enclosing(step.scope))):
        if text := _scope_in_words(scope, parameters):
            yield text


def _scope_in_words(scope: Scope, parameters: Mapping[str, object]) -> str:
    if isinstance(scope, Loop):
        at_once = f", {scope.parallel} at once" if scope.parallel else ""
        return f"each of {in_words(scope.items, parameters)}{at_once}"
    if isinstance(scope, Branch):
        if scope.condition is None:
            return f"otherwise of {scope.chain}"
        return f"when {_condition_in_words(scope.condition, parameters)}"
    return ""


def in_words(value: ir_values.Value, parameters: Mapping[str, object]) -> str:
    """Where a value comes from, as short as the user would say it."""
    match value:
        case ir_values.Constant():
            return _short(value.value)
        case ir_values.FromParameter():
            if value.path:
                return value.parameter + _path(value.path)
            return _short(parameters[value.parameter])
        case ir_values.FromStep():
            output = "" if value.output == "value" else f".{value.output}"
            return f"{value.step}{output}{_path(value.path)}"
        case ir_values.FromLoop():
            return f"item of {value.loop}{_path(value.path)}"
        case ir_values.Gathered():
            return f"all {in_words(value.value, parameters)}{_path(value.path)}"
        case ir_values.OneOf():
            inside = " or ".join(in_words(one, parameters) for one in value.values)
            return f"({inside}){_path(value.path)}" if value.path else inside
        case ir_values.ListOf():
            return f"[{', '.join(in_words(one, parameters) for one in value.values)}]"
        case _:
            return "how the run ended"


def _condition_in_words(one: ir_values.Condition, parameters: Mapping[str, object]) -> str:
    match one:
        case ir_values.Comparison():
            left, right = in_words(one.left, parameters), in_words(one.right, parameters)
            return f"{left} {one.operator} {right}"
        case ir_values.Truth():
            return in_words(one.value, parameters)
        case ir_values.Not():
            return f"not ({_condition_in_words(one.condition, parameters)})"
        case _:
            word = " and " if isinstance(one, ir_values.AllOf) else " or "
            return word.join(f"({_condition_in_words(c, parameters)})" for c in one.conditions)


def _path(path: ir_values.Path) -> str:
    return "".join(f"[{key!r}]" for key in path)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."
