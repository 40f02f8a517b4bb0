"""Whether each value fits into the environment variable that it travels in."""

from __future__ import annotations

import json

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup, all_options, inner_values
from penstock.ir.values import Constant, FromStep, ListOf
from penstock.passes.model import Log, check

LONGEST_VALUE = 131_071 - len("PENSTOCK_ARTIFACT_") - 200
"""Linux takes 131,071 bytes for one variable, its name included; an input's name has 200."""
REFERENCE = 400
"""Bytes that the reference of a stored artifact takes at most in practice."""


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
    for options, span in all_options(names):
        for name, value in options.env or ():
            _small(log, f"the variable {name!r}", value, span)


def _small(log: Log, what: str, text: str, span: Span | None) -> None:
    # No character takes more than twelve; most texts need not be counted.
    if len(text) * 12 < LONGEST_VALUE:
        return
    size = len(json.dumps(text))
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
