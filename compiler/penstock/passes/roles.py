"""Checks the contracts of the machine-learning roles."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ir.known import DATA_TYPES
from penstock.ir.lookup import Lookup, inner_values
from penstock.ir.nodes import Component, Output, Step
from penstock.ir.types import Type
from penstock.ir.value_types import METRICS, parsed
from penstock.ir.values import Constant, FromParameter, FromStep, Value
from penstock.passes.model import Log, check


@check(reports={"PS210", "PS211", "PS213"})
def roles_kept(names: Lookup, log: Log) -> None:
    """A component takes and yields what its role promises."""
    for component in names.ir.components:
        found = _broken(component, names)
        if found is not None:
            code, what, hint = found
            log.error(
                code,
                at=component.span,
                message=f"{component.code.rpartition(':')[2]} {what}",
                hint=hint,
            )


def _broken(component: Component, names: Lookup) -> tuple[str, str, str] | None:
    outputs, taken = component.outputs, list(_artifact_inputs(component, names))
    match component.role:
        case "trainer":
            if not any(_could_be_model(one, names) for one in outputs):
                hint = "annotate `run` with the model's type, e.g. -> LogisticRegression"
                return "PS210", "is a trainer that yields no model", hint
        case "evaluator":
            if not any(_type(one).name == METRICS for one in outputs):
                return "PS211", "is an evaluator that yields no Metrics", "return Metrics(auc=...)"
            if not any(_could_hold_model(one, names) for one in taken):
                return "PS211", "is an evaluator that takes no model", "take the trained model"
        case "inference":
            if not any(_could_hold_model(one, names) for one in taken):
                return "PS213", "is an inference step that takes no model", "take the model"
        case "data_source":
            if not outputs:
                return "PS213", "is a data source that yields nothing", "return the data"
        case "split":
            if len(outputs) < 2:
                hint = "return a NamedTuple such as Split(train, test)"
                return "PS213", "is a split that yields a single output", hint
        case "preprocess" | "tokenizer":
            if not outputs:
                return "PS213", f"is a {component.role} step that yields nothing", "return the data"
        case _:
            pass
    return None


def _type(one: Output) -> Type:
    return parsed(one.type) or Type("Any")


def _artifact_inputs(component: Component, names: Lookup) -> Iterator[Type]:
    for one in component.inputs:
        kind = parsed(one.type)
        if kind is not None and not one.field:
            yield kind


def _could_be_model(one: Output, names: Lookup) -> bool:
    kind = _type(one)
    return one.kind == "artifact" and kind.name != METRICS and not _is_data(kind, names)


_SCALARS = frozenset({"int", "float", "bool", "str", "None", "Literal", "bytes"})


def _could_hold_model(kind: Type, names: Lookup) -> bool:
    if kind.name == "|":
        return any(_could_hold_model(member, names) for member in kind.args)
    if kind.name in _SCALARS or kind.name == METRICS:
        return False
    known = names.classes.get(kind.name)
    if known is not None and known.values:
        return False
    if kind.name in ("dict", "list", "tuple") and kind.args:
        return any(_could_hold_model(member, names) for member in kind.args)
    return not _is_data(kind, names)


def _is_data(kind: Type, names: Lookup) -> bool:
    known = names.classes.get(kind.name)
    if kind.name in ("dict", "list", "tuple", "set") and not kind.args:
        return False
    return kind.name in DATA_TYPES - {"pathlib.Path", "bytes"} or (
        known is not None and bool(DATA_TYPES.intersection(known.bases))
    )


@check(reports={"PS212"})
def scored_on_other_data(names: Lookup, log: Log) -> None:
    """A model is not judged by the very data that it was trained on."""
    for step in names.ir.steps:
        component = names.components.get(step.component)
        if component is None or component.role != "evaluator":
            continue
        given = {_identity(one.value): one.name for one in step.inputs if _is_stored(one.value)}
        for trainer in _trainers(step, names):
            for binding in trainer.inputs:
                if _is_stored(binding.value) and _identity(binding.value) in given:
                    log.error(
                        "PS212",
                        at=step.span,
                        message=f"{step.id} judges the model by the data that "
                        f"{trainer.id} trained it on",
                        label=f"{given[_identity(binding.value)]!r} is the training data",
                        hint="split the data first, and score on the part kept apart",
                        notes=((trainer.span, "trained here"),) if trainer.span else (),
                    )


def _trainers(step: Step, names: Lookup) -> Iterator[Step]:
    for binding in step.inputs:
        for inner in inner_values(binding.value):
            if isinstance(inner, FromStep) and inner.step in names.steps:
                made = names.steps[inner.step]
                component = names.components.get(made.component)
                if component is not None and component.role == "trainer":
                    yield made


def _is_stored(value: Value) -> bool:
    return not isinstance(value, Constant | FromParameter)


def _identity(value: Value) -> str:
    return value.model_dump_json()
