"""Reads `-p name=value` by the type of the parameter."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import cast

from penstock.cli.failures import WrongUsage
from penstock.ir.arguments import ArgumentError, arguments, check_arguments
from penstock.ir.constants import constant_fits
from penstock.ir.nodes import Class, PipelineIR
from penstock.ir.types import Type, brief
from penstock.ir.value_types import parsed

_BOOLS = {"true": True, "false": False}


def given_parameters(
    ir: PipelineIR, pairs: Sequence[str], *, all_needed: bool = True
) -> dict[str, object]:
    """The values by name, as JSON; raises `WrongUsage` for what no parameter can take.

    Unless `all_needed` is False, one that has no default must be among them.
    """
    parameters = {one.name: one for one in ir.parameters}
    classes = {one.name: one for one in ir.classes}
    given: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise WrongUsage(f"-p takes NAME=VALUE, not {pair[:80]!r}")
        if name in given:
            raise WrongUsage(f"-p {name} is given twice")
        parameter = parameters.get(name)
        kind = parsed(parameter.type) if parameter is not None else None
        given[name] = _read(name, text, kind or Type("Any"), classes)
    try:
        arguments(ir, given) if all_needed else check_arguments(ir, given)
    except ArgumentError as error:
        raise WrongUsage(str(error)) from None
    return given


def _read(name: str, text: str, kind: Type, classes: Mapping[str, Class]) -> object:
    readings: list[object] = []
    for read in (_as_text, _as_bool, _as_json):
        try:
            value = read(text)
        except ValueError:
            continue
        if constant_fits(value, kind, classes) and kind.name not in ("Any", "object"):
            readings.append(value)
    if not readings:
        return _any(text) if kind.name in ("Any", "object") else _misfit(name, text, kind, classes)
    # `str | int` and 5: what is written like a number is one, as in JSON and YAML.
    return readings[-1]


def _misfit(name: str, text: str, kind: Type, classes: Mapping[str, Class]) -> object:
    known = classes.get(kind.name)
    if known is not None and known.values:
        asked = f"one of {', '.join(str(json.loads(one)) for one in known.values)}"
    else:
        asked = brief(kind)
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    hint = "; write it as JSON" if kind.name in ("list", "dict", "tuple", "set") else ""
    raise WrongUsage(f"parameter {name!r} must be {asked}, not {shown!r}{hint}")


def _any(text: str) -> object:
    try:
        return _as_json(text)
    except ValueError:
        return text


def _as_text(text: str) -> object:
    text.encode()  # what is no UTF-8 cannot be recorded
    return text


def _as_bool(text: str) -> object:
    if text.lower() not in _BOOLS:
        raise ValueError(text)
    return _BOOLS[text.lower()]


def _as_json(text: str) -> object:
    try:
        value = cast(object, json.loads(text, parse_constant=_refused))
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()  # not 1e400, no half text
    except RecursionError:
        raise ValueError(text) from None
    return value


def _refused(name: str) -> object:
    raise ValueError(name)
