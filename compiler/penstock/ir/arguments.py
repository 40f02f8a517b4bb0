"""The values that a run gives to a pipeline's parameters, checked before anything runs."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence

from penstock.ir.constants import constant_fits, violated
from penstock.ir.nodes import Class, Parameter, PipelineIR
from penstock.ir.types import brief
from penstock.ir.value_types import parsed


class ArgumentError(ValueError):
    """A parameter is unknown, missing, of a wrong type or out of its bounds."""


def check_arguments(ir: PipelineIR, given: Mapping[str, object]) -> None:
    """Raises `ArgumentError` if a value is not one that the parameter of its name may have."""
    known = {one.name: one for one in ir.parameters}
    for name, value in given.items():
        if name not in known:
            raise ArgumentError(_unknown(ir.name, name, list(known)))
        check_argument(known[name], value, ir.classes)


def arguments(ir: PipelineIR, given: Mapping[str, object]) -> dict[str, object]:
    """The value of every parameter, as JSON, defaults filled in; raises `ArgumentError`."""
    check_arguments(ir, given)
    missing = [one.name for one in ir.parameters if one.default is None and one.name not in given]
    if missing:
        names = " and ".join(map(repr, missing))
        plural = "s" if len(missing) > 1 else ""
        raise ArgumentError(f"pipeline {ir.name!r} needs a value for parameter{plural} {names}")
    values: dict[str, object] = {}
    for one in ir.parameters:
        if one.name in given:
            values[one.name] = _as_asked(given[one.name], one)
        elif one.default is not None:
            values[one.name] = _as_asked(json.loads(one.default), one)
    return values


def check_argument(parameter: Parameter, value: object, classes: Sequence[Class]) -> None:
    """Raises `ArgumentError` if the JSON value is not one that the parameter may have."""
    kind = parsed(parameter.type)
    known = {one.name: one for one in classes}
    if kind is not None and not constant_fits(value, kind, known):
        choices = known[kind.name].values if kind.name in known else ()
        asked = f"one of {', '.join(choices)}" if choices else brief(kind)
        raise ArgumentError(f"parameter {parameter.name!r} must be {asked}, not {_shown(value)}")
    try:
        broken = violated(value, parameter.constraints)
    except re.error:
        raise ArgumentError(
            f"the pattern of parameter {parameter.name!r} is no regular expression"
        ) from None
    if broken is not None:
        raise ArgumentError(f"parameter {parameter.name!r} is {_shown(value)}, must be {broken}")


def _as_asked(value: object, parameter: Parameter) -> object:
    # 1 and 1.0 are the same float: one spelling, so that both give the same records.
    if parameter.type == "float" and isinstance(value, int):
        return float(value)
    return value


def _unknown(pipeline: str, name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        hint = f"; did you mean {near[0]!r}?"
    else:
        hint = f"; it has {', '.join(known)}" if known else "; it has none"
    return f"pipeline {pipeline!r} has no parameter {name[:60]!r}{hint}"


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
