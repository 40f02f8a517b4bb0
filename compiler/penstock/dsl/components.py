"""What a step function or step class looks like from outside: its code, inputs and outputs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from penstock.diagnostics import Span
from penstock.dsl.code import check_code
from penstock.dsl.definition import Definition
from penstock.dsl.names import module_of
from penstock.dsl.options import OptionError, StepOptions, plain_options
from penstock.dsl.places import project_root
from penstock.dsl.tracing import Trace, plain_value, text_of
from penstock_runtime.hints import SignatureError, hints_of, is_namedtuple, unwrapped
from penstock_runtime.hints import plain as plain_hint
from penstock_runtime.parameters import is_parameter
from penstock_runtime.signature import SINGLE_OUTPUT, outputs_of
from penstock_runtime.unstorable import refusal

Plain = dict[str, object]
_NO_DEFAULT = inspect.Parameter.empty


@dataclass(frozen=True)
class Source:
    """The user's own objects behind a component: a function, or a class with its `run`."""

    target: object
    function: Any  # a FunctionType; as a field, pyright takes it for a bound method
    name: str
    role: str
    options: StepOptions
    fields: dict[str, Any]
    defaults: dict[str, object]


def define(trace: Trace, source: Source) -> Definition:
    """The component's definition; written into the trace when it is met for the first time."""
    known = trace.definitions.get(id(source.target))
    if known is None:
        known = _definition(trace, source)
        trace.definitions[id(source.target)] = known
    return known


def _definition(trace: Trace, source: Source) -> Definition:
    function: FunctionType = source.function
    at = trace.places.definition(_own(function).__code__)
    code = f"{module_of(source.target)}:{getattr(source.target, '__qualname__', source.name)}"
    check_code(trace, source.target, function, source.name)
    hints, outputs = _hints(trace, function, at)
    _storable(trace, source, outputs, at)
    if source.fields:
        _resolved(trace, source.target, at)
    inputs, types = _inputs(trace, source, hints, at)
    plain: Plain = {}
    if source.role != "step":
        plain["role"] = source.role
    description = _description(source)
    if description:
        plain["description"] = description
    plain["inputs"] = types
    plain["outputs"] = {
        name: {"parameter" if is_parameter(hint) else "artifact": trace.types.text(hint)}
        for name, hint in outputs.items()
    }
    try:
        options = plain_options(source.options)
    except OptionError as error:
        trace.problem("PS127", str(error), span=at, hint="see `penstock explain PS127`")
        options = {}
    if options:
        plain["options"] = options
    plain["at"] = text_of(at)
    if code in trace.components and trace.components[code] != plain:
        code = _apart(trace, code, source.name, at)
    trace.components[code] = plain
    return Definition(
        name=source.name,
        code=code,
        inputs=tuple(inputs),
        fields=tuple(source.fields),
        outputs=outputs,
        several=is_namedtuple(plain_hint(hints.get("return"))),
        hints=hints,
        takes_more=bool(function.__code__.co_flags & inspect.CO_VARARGS),
    )


def _description(source: Source) -> str | None:
    """The docstring that the user wrote: a base's, or the one dataclasses make, is not it."""
    own = source.target.__doc__
    if own is None or (isinstance(source.target, type) and own.startswith(f"{source.name}(")):
        return None
    return inspect.cleandoc(own)


def _apart(trace: Trace, code: str, name: str, at: Span) -> str:
    """Two components under one name: only the last can be imported where the step runs."""
    trace.problem(
        "PS302",
        f"step {name!r} cannot be imported: its module has another {name!r} now",
        span=at,
        hint="give each step function a name of its own",
    )
    return f"{code}_again"


def _storable(trace: Trace, source: Source, outputs: dict[str, Any], at: Span) -> None:
    """Reports outputs that would be found impossible to store when the work is done."""
    own = _own(source.function)
    if inspect.isgeneratorfunction(own) or inspect.iscoroutinefunction(own):
        made = "yields its values" if inspect.isgeneratorfunction(own) else "is `async`"
        trace.problem(
            "PS214",
            f"step {source.name!r} {made}: what a call gives cannot be stored",
            span=at,
            hint="let it be a plain function that returns its result",
        )
        return
    for name, hint in outputs.items():
        refused = None if is_parameter(hint) else refusal(hint)
        if refused is not None:
            what = "" if name == SINGLE_OUTPUT else f" as {name!r}"
            trace.problem(
                "PS214",
                f"step {source.name!r} returns a {refused.type}{what}, which cannot be stored",
                span=at,
                label=refused.reason,
                hint=refused.hint,
            )


def _hints(trace: Trace, function: FunctionType, at: Span) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        return hints_of(function), outputs_of(function)
    except SignatureError as error:
        _unresolved(trace, error, at)
        return {}, {"value": Any}


def _resolved(trace: Trace, cls: object, at: Span) -> None:
    """Reports a field whose annotation cannot be resolved."""
    try:
        hints_of(cast(type, cls))
    except SignatureError as error:
        _unresolved(trace, error, at)


def _unresolved(trace: Trace, error: SignatureError, at: Span) -> None:
    trace.problem(
        "PS209",
        str(error).partition(";")[0],
        span=at,
        hint="import the type at module level, not under TYPE_CHECKING",
    )


def _own(function: Callable[..., object]) -> FunctionType:
    """The user's function behind decorators of theirs."""
    return cast(FunctionType, unwrapped(function))


def _inputs(
    trace: Trace, source: Source, hints: dict[str, Any], at: Span
) -> tuple[list[str], Plain]:
    names: list[str] = []
    types: Plain = {}
    for name, hint in source.fields.items():
        types[name] = _input(trace, hint, source.defaults.get(name, _NO_DEFAULT), field=True)
    parameters = list(inspect.signature(source.function).parameters.values())
    if source.target is not source.function and parameters:
        parameters = parameters[1:]  # self
    for one in parameters:
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD, one.POSITIONAL_ONLY):
            trace.problem(
                "PS130",
                f"step {source.name!r} takes {one.name!r} without a name of its own",
                span=at,
                hint="give every input a name; take several values as one list",
            )
            if one.kind is one.POSITIONAL_ONLY:
                names.append(one.name)
            continue
        if one.name in types:
            trace.problem(
                "PS131",
                f"{source.name!r} has a field and an input that are both called {one.name!r}",
                span=at,
                hint="rename one of them",
            )
            names.append(one.name)
            continue
        names.append(one.name)
        types[one.name] = _input(trace, hints.get(one.name, Any), one.default, field=False)
    return names, types


def _input(trace: Trace, hint: Any, default: object, *, field: bool) -> object:
    text = trace.types.text(hint)
    if default is _NO_DEFAULT and not field:
        return text
    plain: Plain = {"type": text}
    if default is not _NO_DEFAULT:
        plain.update(_default(default))
    if field:
        plain["field"] = True
    return plain


def _default(default: object) -> Plain:
    """A default that JSON can hold; any other stays in the code, and the input may be left out."""
    try:
        return {"default": plain_value(default.value if isinstance(default, Enum) else default)}
    except (TypeError, ValueError, RecursionError):
        return {"optional": True}


def module_root(function: Callable[..., object]) -> Path:
    """The folder that the function's places are told from."""
    file = _own(function).__code__.co_filename
    return Path.cwd() if file.startswith("<") else project_root(file)
