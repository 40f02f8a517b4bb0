"""Traces one call of a step: binds its inputs as Python would, and promises its outputs."""

from __future__ import annotations

from typing import Any, cast

from penstock.diagnostics import Span
from penstock.dsl.components import Source, define
from penstock.dsl.definition import Definition
from penstock.dsl.options import OptionError, plain_options
from penstock.dsl.promises import Done, Outputs, Promise
from penstock.dsl.tracing import Trace, text_of

Plain = dict[str, object]


def call(
    trace: Trace,
    source: Source,
    args: tuple[object, ...],
    kwargs: dict[str, object],
    *,
    at: Span,
    fields: dict[str, object] | None = None,
    options: dict[str, object] | None = None,
) -> Any:
    """Writes the call into the trace and returns promises in the shape of its result.

    What is missing or unknown is not refused here: a check finds it, with everything else.
    """
    definition = define(trace, source)
    inputs: Plain = {
        name: trace.value(value, f"{name!r}") for name, value in (fields or {}).items()
    }
    inputs.update(_bound(trace, definition, args, kwargs, at))
    step: Plain = {"call": definition.code}
    if inputs:
        step["inputs"] = inputs
    name = definition.name
    everywhere = {**source.options, **(options or {})}
    if options:
        try:
            plain = plain_options(options)  # type: ignore[arg-type]  # checked there
            if plain:
                step["options"] = plain
        except OptionError as error:
            trace.problem("PS127", str(error), span=at, hint="see `penstock explain PS127`")
    given = everywhere.get("name", name)
    own = bool(options and "name" in options)
    name = _name(trace, given, at, own=own)
    step["at"] = text_of(at)
    identity = trace.add_step(name, step, source.target)
    after = everywhere.get("after")
    if isinstance(after, list | tuple):
        befores = cast("list[object]", after)  # plain_options has looked
        trace.waiting.append((identity, trace.prefixes[-1], befores, at))
    return promised(trace, definition, identity)


def _name(trace: Trace, given: object, at: Span, *, own: bool) -> str:
    """The name to call the step by; one that is this call's own must not be taken."""
    from penstock.dsl.names import is_label

    if given == "<lambda>":
        return "lambda"  # that it is one is told already
    if not is_label(given):
        shown = repr(given) if len(repr(given)) < 60 else f"{repr(given)[:57]}..."
        trace.problem(
            "PS114",
            f"{shown} cannot be the name of a step",
            span=at,
            label="this name",
            hint="use letters, digits, `_`, `-` and `.`, starting with a letter, digit or `_`",
        )
        return "step"
    name = str(given)
    full = f"{trace.prefixes[-1]}{name}"
    if own and (full in trace.steps or full in trace.scopes):
        trace.problem(
            "PS115",
            f"the name {name!r} is taken",
            span=at,
            label="the second",
            hint="give one of them another name",
        )
    return name


def _bound(
    trace: Trace,
    definition: Definition,
    args: tuple[object, ...],
    kwargs: dict[str, object],
    at: Span,
) -> Plain:
    bound: Plain = {}
    if len(args) > len(definition.inputs) and not definition.takes_more:
        count = len(definition.inputs)
        trace.problem(
            "PS112",
            f"{definition.name} takes {count} input{'s' * (count != 1)}, {len(args)} were given",
            span=at,
            label="too many inputs",
            hint=f"its inputs are {', '.join(definition.inputs) or 'none'}",
        )
    for name, value in zip(definition.inputs, args, strict=False):
        bound[name] = trace.value(value, f"{name!r}")
    for name, value in kwargs.items():
        if name in bound:
            trace.problem(
                "PS112",
                f"{definition.name} was given {name!r} twice",
                span=at,
                label="given twice",
                hint="pass it by position or by name",
            )
        bound[name] = trace.value(value, f"{name!r}")
    return bound


def promised(trace: Trace, definition: Definition, identity: str) -> Any:
    """What the call gives while the pipeline is traced: a promise, several, or an end."""
    if not definition.outputs:
        return Done(trace, identity)
    promises = {
        name: Promise(
            trace,
            {"step": identity} if name == "value" else {"step": identity, "output": name},
            hint,
        )
        for name, hint in definition.outputs.items()
    }
    if definition.several:
        return Outputs(trace, identity, promises)
    return promises["value"]
