"""Writes a pipeline as plain data, in the shape that `plain` reads and people do too."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from penstock.diagnostics import Span
from penstock.ir.nodes import (
    Binding,
    Branch,
    Class,
    Component,
    Image,
    Input,
    Loop,
    Nested,
    Options,
    Parameter,
    PipelineIR,
    Scope,
    Step,
)
from penstock.ir.plain import FORMAT
from penstock.ir.values import (
    AllOf,
    Comparison,
    Condition,
    Constant,
    FinalStatus,
    FromLoop,
    FromParameter,
    FromStep,
    Gathered,
    ListOf,
    Not,
    Truth,
    Value,
)
from penstock.ir.yamldump import Flow, FlowList

_Plain = dict[str, object]


def to_plain(ir: PipelineIR, *, spans: bool = True) -> _Plain:
    """The pipeline as nested dicts and lists.

    Without `spans` no trace of where it was written, and nothing of its images: an edit of a
    step's code makes another image, but not another plan.
    """
    return _Writer(spans).pipeline(ir)


def plan_digest(ir: PipelineIR) -> str:
    """`sha256:…` of the pipeline's canonical JSON; places and paths do not enter it."""
    text = json.dumps(
        to_plain(ir, spans=False), ensure_ascii=True, allow_nan=False, separators=(",", ":")
    )
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def value_plain(value: Value) -> Flow:
    """One value, as in `{step: load}`."""
    flow = Flow()
    if isinstance(value, FromStep):
        flow["step"] = value.step
        if value.output != "value":
            flow["output"] = value.output
    elif isinstance(value, Constant):
        flow["value"] = value.value
        return flow
    elif isinstance(value, FromParameter):
        flow["parameter"] = value.parameter
    elif isinstance(value, FromLoop):
        flow["item"] = value.loop
    elif isinstance(value, Gathered):
        flow["gather"] = value_plain(value.value)
        flow["over"] = value.loop
    elif isinstance(value, ListOf):
        flow["list"] = FlowList(value_plain(item) for item in value.values)
        return flow
    elif isinstance(value, FinalStatus):
        flow["status"] = "run"
        return flow
    else:
        flow["one_of"] = FlowList(value_plain(item) for item in value.values)
    if value.path:
        flow["key"] = FlowList(value.path)
    return flow


def condition_plain(condition: Condition) -> Flow:
    """One condition, as in `{compare: [{parameter: n}, ">", {value: 3}]}`."""
    if isinstance(condition, Comparison):
        sides = (value_plain(condition.left), condition.operator, value_plain(condition.right))
        return Flow(compare=FlowList(sides))
    if isinstance(condition, Truth):
        return Flow(truth=value_plain(condition.value))
    if isinstance(condition, Not):
        return Flow({"not": condition_plain(condition.condition)})
    parts = FlowList(condition_plain(part) for part in condition.conditions)
    return Flow(all=parts) if isinstance(condition, AllOf) else Flow(any=parts)


def span_text(span: Span) -> str:
    """`churn.py:38:17-38:29`; just `churn.py:38` where columns are not known."""
    if not span.col:
        return f"{span.file}:{span.line}"
    return f"{span.file}:{span.line}:{span.col}-{span.end_line}:{span.end_col}"


class _Writer:
    def __init__(self, spans: bool) -> None:
        self._spans = spans

    def pipeline(self, ir: PipelineIR) -> _Plain:
        plain: _Plain = {"penstock": FORMAT, "name": ir.name}
        if ir.description:
            plain["description"] = ir.description
        if ir.owner is not None:
            plain["owner"] = ir.owner
        if ir.tags:
            plain["tags"] = FlowList(ir.tags)
        if ir.schedule is not None:
            plain["schedule"] = Flow(ir.schedule.model_dump(exclude_defaults=True))
        self._options(plain, ir.options)
        if ir.parameters:
            plain["parameters"] = {one.name: self._parameter(one) for one in ir.parameters}
        if ir.components:
            plain["components"] = {one.code: self._component(one) for one in ir.components}
        if ir.scopes:
            plain["scopes"] = {one.id: self._scope(one) for one in ir.scopes}
        plain["steps"] = {one.id: self._step(one) for one in ir.steps}
        if ir.outputs:
            plain["outputs"] = {
                one.name: Flow({"type": one.type, "from": value_plain(one.value)})
                for one in ir.outputs
            }
        if ir.classes:
            plain["classes"] = {one.name: _class(one) for one in ir.classes}
        if self._spans and ir.images:
            plain["images"] = {one.name: _image(one) for one in ir.images}
        self._at(plain, ir.span)
        return plain

    def _at(self, plain: _Plain, span: Span | None) -> None:
        if self._spans and span is not None:
            plain["at"] = span_text(span)

    def _parameter(self, parameter: Parameter) -> Flow:
        plain = Flow(type=parameter.type)
        if parameter.default is not None:
            plain["default"] = json.loads(parameter.default)
        plain.update(parameter.constraints.model_dump(exclude_none=True))
        if parameter.description:
            plain["description"] = parameter.description
        self._at(plain, parameter.span)
        return plain

    def _component(self, component: Component) -> _Plain:
        plain: _Plain = {}
        if component.role != "step":
            plain["role"] = component.role
        if component.description:
            plain["description"] = component.description
        if component.inputs:
            plain["inputs"] = {one.name: _input(one) for one in component.inputs}
        if component.outputs:
            plain["outputs"] = {one.name: Flow({one.kind: one.type}) for one in component.outputs}
        self._options(plain, component.options)
        self._at(plain, component.span)
        return plain

    def _scope(self, scope: Scope) -> _Plain:
        plain: _Plain = {}
        if isinstance(scope, Loop):
            plain["each"] = value_plain(scope.items)
            if scope.parallel is not None:
                plain["parallel"] = scope.parallel
        elif isinstance(scope, Branch):
            if scope.condition is None:
                plain["otherwise"] = scope.chain
            elif scope.chain == scope.id:
                plain["when"] = condition_plain(scope.condition)
            else:
                plain["elsewhen"] = condition_plain(scope.condition)
                plain["of"] = scope.chain
        else:
            self._nested(plain, scope)
        if scope.parent is not None:
            plain["in"] = scope.parent
        self._at(plain, scope.span)
        return plain

    def _nested(self, plain: _Plain, scope: Nested) -> None:
        plain["pipeline"] = scope.pipeline
        if scope.description:
            plain["description"] = scope.description
        if scope.parameters:
            plain["parameters"] = {one.name: self._parameter(one) for one in scope.parameters}
        if scope.inputs:
            plain["inputs"] = _bindings(scope.inputs)
        self._options(plain, scope.options)

    def _step(self, step: Step) -> _Plain:
        plain: _Plain = {"call": step.component}
        if step.scope is not None:
            plain["in"] = step.scope
        if step.inputs:
            plain["inputs"] = _bindings(step.inputs)
        if step.after:
            plain["after"] = FlowList(step.after)
        if step.on_exit:
            plain["on_exit"] = True
        self._options(plain, step.options)
        self._at(plain, step.span)
        return plain

    def _options(self, plain: _Plain, options: Options) -> None:
        if options is _NOTHING or options == _NOTHING:
            return
        found = options.model_dump(exclude_none=True, exclude_defaults=True)
        for key in ("requires", "packages"):
            if key in found:
                found[key] = FlowList(found[key])
        for key in ("resources", "retry"):
            if key in found:
                found[key] = Flow(found[key])
        if "env" in found:
            found["env"] = Flow(found["env"])
        if "secrets" in found:
            found["secrets"] = [Flow(secret) for secret in found["secrets"]]
        plain["options"] = found


_NOTHING = Options()


def _bindings(bindings: Iterable[Binding]) -> _Plain:
    return {one.name: value_plain(one.value) for one in bindings}


def _input(one: Input) -> object:
    if one.default is None and not one.optional and not one.field:
        return one.type
    plain = Flow(type=one.type)
    if one.default is not None:
        plain["default"] = json.loads(one.default)
    if one.optional:
        plain["optional"] = True
    if one.field:
        plain["field"] = True
    return plain


def _image(one: Image) -> _Plain:
    plain: _Plain = {"base": one.base, "python": one.python, "platform": one.platform}
    for name, texts in (("packages", one.packages), ("requires", one.requires)):
        if texts:
            plain[name] = list(texts)
    plain |= {"penstock": one.penstock, "source": one.source, "steps": FlowList(one.steps)}
    if one.pushed is not None:
        plain["pushed"] = one.pushed
    return plain


def _class(one: Class) -> _Plain:
    plain: _Plain = {}
    if one.bases:
        plain["bases"] = FlowList(one.bases)
    if one.values:
        plain["values"] = FlowList(json.loads(text) for text in one.values)
    if one.fields:
        plain["fields"] = Flow(one.fields)
    if one.protocol:
        plain["protocol"] = True
    return plain
