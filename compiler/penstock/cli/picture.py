"""What a pipeline looks like: its steps, parameters and scopes as shapes, its data as arrows."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.diagnostics import Span
from penstock.ir.lookup import condition_values, inner_values, lookup
from penstock.ir.nodes import Branch, Loop, Nested, PipelineIR, Scope, Step
from penstock.ir.values import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Constant,
    FromLoop,
    FromParameter,
    FromStep,
    Gathered,
    ListOf,
    Not,
    OneOf,
    Truth,
    Value,
)
from penstock_records.picture import Arrow, Box, Node, Picture


def picture_of(ir: PipelineIR) -> Picture:
    """The picture's shapes; drawing them is for `penstock_records.picture`."""
    names = lookup(ir)
    nodes = [
        Node(f"parameter:{one.name}", one.name, one.type, role="parameter") for one in ir.parameters
    ]
    arrows: dict[tuple[str, str, str], list[str]] = {}
    for step in ir.steps:
        component = names.components[step.component]
        nodes.append(
            Node(
                step.id,
                step.id,
                _place(step.span),
                role="exit" if step.on_exit else component.role,
                scope=step.scope,
            )
        )
        for source, label in _sources(step):
            arrows.setdefault((source, step.id, "data"), []).append(label)
        for other in step.after:
            for before in _ends(ir, other):
                if (before, step.id, "data") not in arrows:
                    arrows.setdefault((before, step.id, "order"), [])
    firsts: dict[str | None, str] = {}
    for step in ir.steps:
        firsts.setdefault(step.scope, step.id)
    for scope in ir.scopes:
        first = firsts.get(scope.id)
        if first is not None and isinstance(scope, Branch | Loop):
            kind = "branch" if isinstance(scope, Branch) else "data"
            for source in _looked_at(scope):
                if (source, first, "data") not in arrows:
                    arrows.setdefault((source, first, kind), [])
    return Picture(
        title=ir.name,
        subtitle=(ir.description or "").strip().split("\n")[0],
        nodes=tuple(nodes),
        arrows=tuple(
            Arrow(source, target, ", ".join(dict.fromkeys(filter(None, labels))), kind=kind)
            for (source, target, kind), labels in arrows.items()
        ),
        boxes=tuple(Box(one.id, _title(one), _kind(one), parent=one.parent) for one in ir.scopes),
    )


def _place(span: Span | None) -> str:
    return f"{span.file.rpartition('/')[2]}:{span.line}" if span else ""


def _sources(step: Step) -> Iterator[tuple[str, str]]:
    for binding in step.inputs:
        for inner in inner_values(binding.value):
            if isinstance(inner, FromStep):
                output = [inner.output] if inner.output != "value" else []
                yield inner.step, ".".join([*output, *map(str, inner.path)])
            elif isinstance(inner, FromParameter):
                yield f"parameter:{inner.parameter}", ""


def _looked_at(scope: Branch | Loop) -> Iterator[str]:
    if isinstance(scope, Loop):
        values: list[Value] = [scope.items]
    else:
        values = list(condition_values(scope.condition)) if scope.condition else []
    for value in values:
        for inner in inner_values(value):
            if isinstance(inner, FromStep):
                yield inner.step
            elif isinstance(inner, FromParameter):
                yield f"parameter:{inner.parameter}"


def _ends(ir: PipelineIR, name: str) -> list[str]:
    inside = [step.id for step in ir.steps if step.scope == name]
    return inside[-1:] or [name]


def _kind(scope: Scope) -> str:
    if isinstance(scope, Nested):
        return "pipeline"
    if isinstance(scope, Loop):
        return "each"
    if scope.condition is None:
        return "otherwise"
    return "when" if scope.chain == scope.id else "elsewhen"


def _title(scope: Scope) -> str:
    if isinstance(scope, Nested):
        return scope.id
    if isinstance(scope, Loop):
        limit = f", {scope.parallel} at a time" if scope.parallel else ""
        return f"each {_short(scope.items)}{limit}"
    if scope.condition is None:
        return "otherwise"
    return f"{_kind(scope)} {_said(scope.condition)}"


def _said(condition: Condition) -> str:
    match condition:
        case Comparison():
            return f"{_short(condition.left)} {condition.operator} {_short(condition.right)}"
        case Truth():
            return _short(condition.value)
        case Not():
            return f"not ({_said(condition.condition)})"
        case AllOf():
            return " and ".join(map(_said, condition.conditions))
        case AnyOf():
            return " or ".join(map(_said, condition.conditions))


def _short(value: Value) -> str:
    match value:
        case Constant():
            return value.text if len(value.text) <= 40 else f"{value.text[:39]}…"
        case FromParameter():
            return ".".join([value.parameter, *map(str, value.path)])
        case FromStep():
            output = [] if value.output == "value" else [value.output]
            return ".".join([value.step, *output, *map(str, value.path)])
        case FromLoop():
            return ".".join(["item", *map(str, value.path)])
        case Gathered():
            return f"all {_short(value.value)}"
        case OneOf() | ListOf():
            return ", ".join(map(_short, value.values))
        case _:
            return "status"
