"""Whether Python can read each constant."""

from __future__ import annotations

import json

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup, inner_values
from penstock.ir.values import Constant
from penstock.passes.model import Log, check

DEEPEST = 60
"""How deep a constant may be nested, so that Python can read it among the brackets around it."""


@check(reports={"PS404"})
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
        "PS404",
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
