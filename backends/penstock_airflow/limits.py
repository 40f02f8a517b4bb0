"""Checks for what Airflow, or its DockerOperator, cannot do with an option, schedule or value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup, inner_values
from penstock.ir.nodes import Nested, Options, Retry
from penstock.ir.values import Constant, FromStep, ListOf, Value
from penstock.passes.model import Log, check
from penstock_airflow.values import is_artifact

LONGEST_VALUE = 131_071 - len("PENSTOCK_ARTIFACT_") - 200
"""Linux takes 131,071 bytes for one variable, its name included; an input's name has 200."""
REFERENCE = 400
"""Bytes that the reference of a stored artifact takes at most in practice."""
DEEPEST = 60
"""How deep a constant may be nested, so that Python can read it among the brackets around it."""

_TAG = 100
_LONGEST_PERIOD = 10 * 365 * 86400


@check(reports={"PS403"})
def schedule_complete(names: Lookup, log: Log) -> None:
    """A run that nobody starts has a value for each parameter, and a first day to catch up from."""
    schedule = names.ir.schedule
    if schedule is None:
        return
    for parameter in names.ir.parameters:
        if parameter.default is None:
            log.error(
                "PS403",
                at=parameter.span or names.ir.span,
                message=f"a scheduled run has no value for parameter {parameter.name!r}",
                label="no default",
                hint=f"give {parameter.name!r} a default, or leave out the schedule",
            )
    if schedule.catchup and schedule.start is None:
        log.error(
            "PS403",
            at=names.ir.span,
            message="catchup=True without a start: Airflow would not know the first run",
            hint="write Schedule(..., catchup=True, start='2026-01-31')",
        )


@check(reports={"PS404"})
def values_fit_environment(names: Lookup, log: Log) -> None:
    """Each value that travels as an environment variable is small enough for one."""
    for parameter in names.ir.parameters:
        if parameter.default is not None:
            _small(log, f"the default of {parameter.name!r}", parameter.default, parameter.span)
    for component in names.ir.components:
        for one in component.inputs:
            if one.default is not None:
                _small(log, f"the default of {one.name!r}", one.default, component.span)
    for step in names.ir.steps:
        for binding in step.inputs:
            if isinstance(binding.value, Constant):
                _small(log, repr(binding.name), binding.value.text, step.span)
            elif isinstance(binding.value, ListOf):
                _list_small(log, binding.name, binding.value, step.span)
    for options, span in _all_options(names):
        for name, value in options.env or ():
            _small(log, f"the variable {name!r}", value, span)


def _small(log: Log, what: str, text: str, span: Span | None) -> None:
    if len(text) < 1000:
        size = 0
    else:
        size = len(json.dumps(text)) + 4  # what Python's json makes of it, at most
    if size > LONGEST_VALUE:
        _too_large(log, what, f"{size:,} bytes", span)


def _list_small(log: Log, name: str, value: ListOf, span: Span | None) -> None:
    inner = list(inner_values(value))
    references = sum(isinstance(one, FromStep) for one in inner)
    constants = sum(len(json.dumps(one.text)) for one in inner if isinstance(one, Constant))
    if references * REFERENCE + constants > LONGEST_VALUE:
        _too_large(log, repr(name), f"a list of {references} values", span)


def _too_large(log: Log, what: str, size: str, span: Span | None) -> None:
    log.error(
        "PS404",
        at=span,
        message=f"{what} is too large for Airflow to pass on: {size}",
        label="an environment variable holds 131,071 bytes",
        hint="make or read it inside a step, so that it is stored as an artifact",
    )


@check(reports={"PS405"})
def options_expressible(names: Lookup, log: Log) -> None:
    """Each option is one that Airflow and its DockerOperator have."""
    for options, span in _all_options(names):
        for message, hint in _inexpressible(options):
            log.error("PS405", at=span, message=message, hint=hint)
    for tag in names.ir.tags:
        if not 0 < len(tag) <= _TAG:
            log.error(
                "PS405",
                at=names.ir.span,
                message=f"a tag of {len(tag)} characters; Airflow takes 1 to {_TAG}",
                hint="write a shorter tag",
            )
    start = names.ir.schedule.start if names.ir.schedule else None
    if start is not None and date.fromisoformat(start).year < 1900:
        log.error(
            "PS405",
            at=names.ir.span,
            message=f"Airflow has no schedule that starts in {start}",
            hint="write a later first day",
        )


def _inexpressible(options: Options) -> Iterator[tuple[str, str]]:
    resources = options.resources
    if resources is not None and resources.disk is not None:
        yield "DockerOperator cannot reserve disk", "leave out disk, or use another target"
    if resources is not None and resources.gpu_type is not None:
        yield (
            "DockerOperator cannot choose the type of a GPU",
            "leave out gpu_type, and send the step to a worker that has such a GPU",
        )
    if options.retry is not None:
        yield from _retry(options.retry)
    if options.timeout is not None and options.timeout > _LONGEST_PERIOD:
        yield f"a timeout of {options.timeout:g} seconds is more than ten years", "shorten it"
    for name, value in options.env or ():
        if name.startswith("PENSTOCK_"):
            yield f"the variable {name!r} is penstock's own on Airflow", "give it another name"
        if "\0" in value:
            yield f"the variable {name!r} holds a NUL, which no process can get", "remove it"
    for secret in options.secrets or ():
        if secret.env.startswith("PENSTOCK_"):
            yield f"the variable {secret.env!r} is penstock's own on Airflow", "use another env="
    if options.image is not None and not options.image.strip():
        yield "an image without a name", "name an image"


def _retry(retry: Retry) -> Iterator[tuple[str, str]]:
    if retry.backoff not in (1, 2):
        yield (
            f"Airflow before 3.2 can only double the delay of a retry, not multiply it by "
            f"{retry.backoff:g}",
            "write backoff=2, or leave it out for the same delay each time",
        )
    if retry.delay > _LONGEST_PERIOD:
        yield f"a delay of {retry.delay:g} seconds is more than ten years", "shorten it"


@check(reports={"PS406"})
def lists_of_one_kind(names: Lookup, log: Log) -> None:
    """A list holds stored artifacts or small values, not both, and lists of artifacts are flat."""
    for step in names.ir.steps:
        for binding in step.inputs:
            value = binding.value
            if isinstance(value, ListOf) and _mixed(value, names):
                log.error(
                    "PS406",
                    at=step.span,
                    message=f"the list {binding.name!r} holds stored artifacts among other values",
                    hint="pass the artifacts as one list of their own, and the rest beside it",
                )


def _mixed(value: ListOf, names: Lookup) -> bool:
    """A flat list of artifacts is one whole; so is any list without artifacts."""
    if any(isinstance(one, ListOf) for one in value.values) or not is_artifact(value, names):
        return any(_stored(one, names) for one in inner_values(value))
    return False


def _stored(value: Value, names: Lookup) -> bool:
    return isinstance(value, FromStep) and is_artifact(value, names)


@check(reports={"PS407"})
def constants_shallow(names: Lookup, log: Log) -> None:
    """Python can read each constant: it is not nested too deeply."""
    for step in names.ir.steps:
        for binding in step.inputs:
            for value in inner_values(binding.value):
                if isinstance(value, Constant):
                    _shallow(log, repr(binding.name), value.text, step.span)
    for component in names.ir.components:
        for one in component.inputs:
            _shallow(log, f"the default of {one.name!r}", one.default or "", component.span)
    for parameter in names.ir.parameters:
        _shallow(log, f"the default of {parameter.name!r}", parameter.default or "", parameter.span)


def _shallow(log: Log, what: str, text: str, span: Span | None) -> None:
    if text.count("[") + text.count("{") < DEEPEST or _depth(json.loads(text)) < DEEPEST:
        return
    log.error(
        "PS407",
        at=span,
        message=f"{what} is nested more than {DEEPEST} deep",
        hint="build such a value inside a step",
    )


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level:
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] - JSON
            elif isinstance(one, list):
                inner += one  # pyright: ignore[reportUnknownArgumentType] - JSON
        depth, level = depth + 1, inner
    return depth


@check(reports={"PS408"})
def cache_unused(names: Lookup, log: Log) -> None:
    """Tells that a step which may take its result from the cache runs on Airflow each time."""
    for options, span in _all_options(names):
        if options.cache:
            log.warning(
                "PS408",
                at=span,
                message="Airflow runs a step each time: cache=True has no effect there",
            )


def _all_options(names: Lookup) -> Iterator[tuple[Options, Span | None]]:
    yield names.ir.options, names.ir.span
    for component in names.ir.components:
        yield component.options, component.span
    for scope in names.ir.scopes:
        if isinstance(scope, Nested):
            yield scope.options, scope.span
    for step in names.ir.steps:
        yield step.options, step.span
