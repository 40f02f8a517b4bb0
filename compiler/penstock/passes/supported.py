"""What a pipeline uses, against what a backend can express."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from penstock.diagnostics import Span
from penstock.features import Feature, Support
from penstock.ir.lookup import Lookup, inner_values, scope_values
from penstock.ir.nodes import Branch, Loop, Nested, Options, PipelineIR, Step
from penstock.ir.values import (
    Constant,
    FinalStatus,
    FromLoop,
    FromParameter,
    FromStep,
    Gathered,
    ListOf,
    OneOf,
    Value,
)
from penstock.passes.model import Check, Log, check

Use = tuple[Feature, Span | None]


def supported(backend: str, supports: Mapping[Feature, Support]) -> Check:
    """The check that the backend can express all that the pipeline uses."""

    @check(reports={"PS401"})
    def supported(names: Lookup, log: Log) -> None:
        """Everything the pipeline uses must have a place on the target."""
        refused = {feature for feature, support in supports.items() if not support.works}
        for feature, span in uses(names):
            if feature not in refused:
                continue
            support = supports[feature]
            if support.how == "never":
                message = f"{backend} cannot express {feature.value}: {support.why}"
            else:
                message = (
                    f"penstock does not compile {feature.value} to {backend} yet: {support.why}"
                )
            log.error(
                "PS401",
                at=span or names.ir.span,
                message=message,
                label=f"uses {feature.value}",
                hint="`penstock backends` shows what each target can express",
            )

    return supported


def uses(names: Lookup) -> Iterator[Use]:
    """Every feature that the pipeline uses, each time with its place."""
    ir = names.ir
    yield from _pipeline_uses(ir)
    for scope in ir.scopes:
        if isinstance(scope, Branch):
            yield Feature.BRANCH, scope.span
        elif isinstance(scope, Loop):
            yield from _loop_uses(scope, names)
        else:
            yield from _nested_uses(scope)
        for value in scope_values(scope):
            yield from _value_uses(value, scope.span, names)
    for component in ir.components:
        if len(component.outputs) > 1:
            yield Feature.SEVERAL_OUTPUTS, component.span
        yield from _option_uses(component.options, component.span)
    for step in ir.steps:
        yield from _step_uses(step, names)
    for output in ir.outputs:
        yield from _value_uses(output.value, ir.span, names)


def _pipeline_uses(ir: PipelineIR) -> Iterator[Use]:
    yield Feature.SEQUENCE, ir.span
    for parameter in ir.parameters:
        yield Feature.PARAMETER, parameter.span
        if parameter.constraints.model_fields_set:
            yield Feature.CONSTRAINT, parameter.span
    if ir.schedule is not None:
        yield Feature.SCHEDULE, ir.span
    if ir.tags or ir.owner or ir.description:
        yield Feature.CATALOG, ir.span
    yield from _option_uses(ir.options, ir.span)


def _loop_uses(scope: Loop, names: Lookup) -> Iterator[Use]:
    match scope.items:
        case Constant():
            yield Feature.LOOP_STATIC, scope.span
        case FromParameter():
            yield Feature.LOOP_PARAMETER, scope.span
        case _:
            yield Feature.LOOP_OUTPUT, scope.span
    if scope.parallel is not None:
        yield Feature.PARALLEL, scope.span
    if any(isinstance(outer, Loop) for outer in names.enclosing(scope.parent)):
        yield Feature.LOOP_NESTED, scope.span


def _nested_uses(scope: Nested) -> Iterator[Use]:
    yield Feature.NESTED, scope.span
    yield from _option_uses(scope.options, scope.span)


def _step_uses(step: Step, names: Lookup) -> Iterator[Use]:
    if step.after:
        yield Feature.ORDER, step.span
    if step.on_exit:
        yield Feature.EXIT, step.span
    yield from _option_uses(step.options, step.span)
    for binding in step.inputs:
        yield from _value_uses(binding.value, step.span, names)


def _value_uses(value: Value, span: Span | None, names: Lookup) -> Iterator[Use]:
    for inner in inner_values(value):
        match inner:
            case FromStep() | FromParameter() | FromLoop() if inner.path:
                yield Feature.PROJECTION, span
            case Gathered():
                yield Feature.GATHER, span
                if inner.path:
                    yield Feature.PROJECTION, span
            case OneOf():
                yield Feature.ONE_OF, span
                if inner.path:
                    yield Feature.PROJECTION, span
            case ListOf():
                yield Feature.LIST_INPUT, span
            case FinalStatus():
                yield Feature.RUN_STATUS, span
            case _:
                pass


def _option_uses(options: Options, span: Span | None) -> Iterator[Use]:
    if options.retry is not None and options.retry.times:
        yield Feature.RETRY, span
        if options.retry.delay or options.retry.backoff != 1:
            yield Feature.RETRY_BACKOFF, span
    if options.timeout is not None:
        yield Feature.TIMEOUT, span
    if options.cache is not None:
        yield Feature.CACHE, span
    if options.env:
        yield Feature.ENV, span
    if options.secrets:
        yield Feature.SECRET, span
    if options.image or options.packages:
        yield Feature.IMAGE, span
    resources = options.resources
    if resources is not None:
        if resources.cpu is not None or resources.memory or resources.disk:
            yield Feature.RESOURCES, span
        if resources.gpu or resources.gpu_type:
            yield Feature.GPU, span
