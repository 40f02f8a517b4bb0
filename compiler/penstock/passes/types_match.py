"""Checks that what is passed on is of the type that is asked."""

from __future__ import annotations

from penstock.diagnostics import Span
from penstock.ir.constants import constant_fits
from penstock.ir.lookup import Lookup, inner_values, scope_values
from penstock.ir.nodes import Branch, Loop, Nested
from penstock.ir.types import NONE, Type, a, brief, fits
from penstock.ir.value_types import item_type, parsed, part, type_of
from penstock.ir.values import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Constant,
    FromStep,
    ListOf,
    Not,
    Path,
    Truth,
    Value,
)
from penstock.passes.model import Log, check


@check(reports={"PS207"})
def types_are_types(names: Lookup, log: Log) -> None:
    """Every text that stands for a type can be read as one."""
    texts = [(one.type, one.span) for one in names.ir.parameters]
    for component in names.ir.components:
        texts += [(one.type, component.span) for one in component.inputs]
        texts += [(one.type, component.span) for one in component.outputs]
    texts += [(one.type, names.ir.span) for one in names.ir.outputs]
    texts += [(text, names.ir.span) for one in names.ir.classes for _, text in one.fields]
    for text, span in dict.fromkeys(texts):
        if parsed(text) is None:
            log.error(
                "PS207",
                at=span,
                message=f"{text[:80]!r} is no type",
                hint="write a type such as `int`, `list[str]` or `pandas.DataFrame`",
            )


@check(reports={"PS201", "PS202"})
def inputs_typed(names: Lookup, log: Log) -> None:
    """What a step is given is of the type that its input asks for."""
    for step in names.ir.steps:
        known = names.inputs(step.component)
        short = step.component.rpartition(":")[2]
        for binding in step.inputs:
            asked = known.get(binding.name)
            kind = parsed(asked.type) if asked else None
            if kind is not None:
                where = f"{binding.name!r} of {short}"
                _given(names, log, binding.value, kind, where, step.span)
    for scope in names.ir.scopes:
        if not isinstance(scope, Nested):
            continue
        types = {one.name: parsed(one.type) for one in scope.parameters}
        for binding in scope.inputs:
            kind = types.get(binding.name)
            if kind is not None:
                where = f"{binding.name!r} of pipeline {scope.pipeline}"
                _given(names, log, binding.value, kind, where, scope.span)


def _given(
    names: Lookup, log: Log, value: Value, kind: Type, where: str, span: Span | None
) -> None:
    if isinstance(value, Constant):
        given = value.value
        if not constant_fits(given, kind, names.classes):
            shown = value.text if len(value.text) <= 40 else f"{value.text[:37]}..."
            log.error(
                "PS202",
                at=span,
                message=f"{where} is {a(kind)}, but {shown} is none",
                label=f"{shown} given",
                hint=f"pass {a(kind)}",
            )
        return
    if isinstance(value, ListOf):
        _list_given(names, log, value, kind, where, span)
        return
    source = type_of(value, names)
    if not fits(source, kind, names.classes):
        made = _made(names, value)
        log.error(
            "PS201",
            at=span,
            message=f"{where} is {a(kind)}, but {a(source)} is given",
            label=f"{a(source)} is given",
            hint=f"pass {a(kind)}, or change the annotation on one side",
            notes=((made, f"the {brief(source)} comes from here"),) if made else (),
        )


def _list_given(
    names: Lookup, log: Log, value: ListOf, kind: Type, where: str, span: Span | None
) -> None:
    item = item_type(kind)
    if item is None:
        log.error(
            "PS201",
            at=span,
            message=f"{where} is {a(kind)}, but a list is given",
            label="a list is given",
            hint=f"pass one {brief(kind)}",
        )
        return
    for one in value.values:
        _given(names, log, one, item, f"an item of {where}", span)


def _made(names: Lookup, value: Value) -> Span | None:
    for inner in inner_values(value):
        if isinstance(inner, FromStep) and inner.step in names.steps:
            return names.steps[inner.step].span
    return None


@check(reports={"PS206"})
def loops_over_lists(names: Lookup, log: Log) -> None:
    """A loop goes over a list."""
    for scope in names.ir.scopes:
        if isinstance(scope, Loop):
            kind = type_of(scope.items, names)
            if item_type(kind) is None:
                log.error(
                    "PS206",
                    at=scope.span,
                    message=f"each(...) needs a list, but this is {a(kind)}",
                    label="no list",
                    hint="return a list from the step, or write one",
                )
            elif _is_stored(scope.items, names):
                log.error(
                    "PS206",
                    at=scope.span,
                    message=f"each(...) cannot count the items of this {brief(kind)}, "
                    "which is stored as an artifact",
                    label="stored, not passed on",
                    hint="annotate the step with a list of numbers or text, e.g. -> list[str]",
                )


def _is_stored(value: Value, names: Lookup) -> bool:
    """Whether a list is an artifact, whose content the orchestrator does not see."""
    if not isinstance(value, FromStep) or value.path or value.step not in names.steps:
        return False
    component = names.components.get(names.steps[value.step].component)
    outputs = component.outputs if component else ()
    return any(one.name == value.output and one.kind == "artifact" for one in outputs)


_NUMBERS = frozenset({"int", "float", "bool"})


@check(reports={"PS205"})
def conditions_typed(names: Lookup, log: Log) -> None:
    """What is compared can be compared, and a condition is a bool."""
    for scope in names.ir.scopes:
        if isinstance(scope, Branch) and scope.condition is not None:
            for one in _leaves(scope.condition):
                problem = _condition_problem(one, names)
                if problem is not None:
                    log.error(
                        "PS205",
                        at=scope.span,
                        message=problem,
                        label="cannot be decided",
                        hint="compare numbers with numbers and text with text; "
                        "pick a part with value['key'] first",
                    )


def _leaves(condition: Condition) -> list[Comparison | Truth]:
    match condition:
        case AllOf() | AnyOf():
            return [leaf for one in condition.conditions for leaf in _leaves(one)]
        case Not():
            return _leaves(condition.condition)
        case _:
            return [condition]


def _condition_problem(one: Comparison | Truth, names: Lookup) -> str | None:
    if isinstance(one, Truth):
        kind = type_of(one.value, names)
        if kind.name not in ("bool", "Any") and not _literal_bools(kind):
            return f"{a(kind)} is no condition by itself"
        return None
    left, right = type_of(one.left, names), type_of(one.right, names)
    for kind in (left, right):
        if not _scalar(kind, names):
            return f"{a(kind)} cannot be compared while the pipeline runs"
    if one.operator in ("==", "!="):
        return None
    if _group(left, names) & _group(right, names):
        return None
    return f"{a(left)} and {a(right)} have no order"


def _literal_bools(kind: Type) -> bool:
    return kind.name == "Literal" and all(isinstance(one, bool) for one in kind.values)


def _scalar(kind: Type, names: Lookup) -> bool:
    if kind.name == "|":
        return all(_scalar(member, names) for member in kind.args)
    known = names.classes.get(kind.name)
    return (
        kind.name in _NUMBERS | {"str", "Any", "Literal"}
        or kind == NONE
        or (known is not None and bool(known.values))
    )


def _group(kind: Type, names: Lookup) -> frozenset[str]:
    """Among which values there is an order: numbers, or text; an unknown may be both."""
    if kind.name == "Any":
        return frozenset({"number", "text"})
    if kind.name == "|":
        return frozenset(one for member in kind.args for one in _group(member, names))
    values: list[object] = list(kind.values)
    if kind.name in names.classes:
        values = [Constant(text=text).value for text in names.classes[kind.name].values]
    if values:
        return frozenset("text" if isinstance(one, str) else "number" for one in values)
    if kind.name in _NUMBERS:
        return frozenset({"number"})
    return frozenset({"text"}) if kind.name == "str" else frozenset()


@check(reports={"PS107"})
def parts_exist(names: Lookup, log: Log) -> None:
    """A part that is picked out of a value is there, as far as its type tells."""
    uses: list[tuple[Value, Span | None]] = [
        (one.value, step.span) for step in names.ir.steps for one in step.inputs
    ]
    uses += [(value, scope.span) for scope in names.ir.scopes for value in scope_values(scope)]
    uses += [(one.value, names.ir.span) for one in names.ir.outputs]
    for value, span in uses:
        for inner in inner_values(value):
            path: Path = getattr(inner, "path", ())
            if path:
                _part_exists(names, log, inner, path, span)


def _part_exists(names: Lookup, log: Log, value: Value, path: Path, span: Span | None) -> None:
    kind = type_of(value.model_copy(update={"path": ()}), names)
    for key in path:
        found = part(kind, key, names.classes)
        if found is None:
            log.error(
                "PS107",
                at=span,
                message=f"{a(kind)} has no part {key!r} that a pipeline can pick out",
                label="no such part",
                hint="return the part from the step as an output of its own",
            )
            return
        kind = found
