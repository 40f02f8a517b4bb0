"""Whether what a step is given fits into the environment that it travels in."""

from __future__ import annotations

import json
from collections.abc import Iterator

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup, all_options, inner_values
from penstock.ir.nodes import Step
from penstock.ir.values import Constant, FromStep, ListOf
from penstock.passes.model import Check, Log, check
from penstock_airflow.target import Target

LONGEST_VARIABLE = 131_071
"""Linux takes so many bytes for one variable, its name and a NUL included (execve(2))."""
LARGEST = {"docker": 1_500_000, "python": 1_500_000, "kubernetes": 900_000}
"""Bytes for all variables: a process gets 2 MB on most machines, a pod is an object of 1.5 MB."""
REFERENCE = 400
"""Bytes that the reference of a stored artifact takes at most in practice."""


def values_fit_environment(target: Target) -> Check:
    """The check that all that a step is given fits into its environment."""
    room = LARGEST[target.runner]

    @check(reports={"PS404"})
    def values_fit_environment(names: Lookup, log: Log) -> None:
        """What a step is given fits into the environment of its process."""
        # Every step is told the parameters of the run.
        defaults = sum(_size(one.default) for one in names.ir.parameters if one.default)
        for parameter in names.ir.parameters:
            size = _size(parameter.default or "")
            if size > room // 2:
                _too_large(log, f"the default of {parameter.name!r}", size, room, parameter.span)
        if defaults <= room:
            for step in names.ir.steps:
                size = defaults + sum(_sizes(step))
                if size > room:
                    _too_large(log, f"what {step.id!r} is given", size, room, step.span)
        for options, span in all_options(names):
            for name, value in options.env or ():
                size = len(name.encode()) + len(value.encode("utf-8", "surrogatepass")) + 2
                if size > LONGEST_VARIABLE:
                    _too_large(log, f"the variable {name!r}", size, LONGEST_VARIABLE, span)

    return values_fit_environment


def _sizes(step: Step) -> Iterator[int]:
    for name, value in step.options.env or ():
        yield len(name) + len(value)
    for binding in step.inputs:
        if isinstance(binding.value, Constant):
            yield _size(binding.value.text)
        elif isinstance(binding.value, ListOf):
            for one in inner_values(binding.value):
                if isinstance(one, Constant):
                    yield _size(one.text)
                elif isinstance(one, FromStep):
                    yield REFERENCE


def _size(text: str) -> int:
    """Bytes as JSON in ASCII; no character takes more than twelve, so most need no counting."""
    return len(text) if len(text) < 1_000 else len(json.dumps(json.loads(text)))


def _too_large(log: Log, what: str, size: int, room: int, span: Span | None) -> None:
    log.error(
        "PS404",
        at=span,
        message=f"{what} is too large for Airflow to pass on: {size:,} bytes",
        label=f"at most {room:,} bytes",
        hint="make or read it inside a step, so that it is stored as an artifact",
    )
