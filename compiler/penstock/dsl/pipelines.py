"""Pipelines: a function whose body says which steps there are and what they pass on."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import Enum
from types import FunctionType
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    ParamSpec,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    overload,
)

from penstock.diagnostics import PipelineError, Span
from penstock.dsl.annotations import constraints_of, wrong_bound
from penstock.dsl.components import module_root
from penstock.dsl.options import (
    OptionError,
    Resources,
    Retry,
    Schedule,
    Secret,
    StepOptions,
    plain_options,
    plain_schedule,
)
from penstock.dsl.promises import Done, Outputs, Poison, Promise
from penstock.dsl.tracing import Trace, plain_value, text_of, trace_at
from penstock.garbage import collection_paused
from penstock_runtime.hints import SignatureError, hints_of, is_namedtuple
from penstock_runtime.parameters import is_parameter
from penstock_runtime.signature import outputs_of

if TYPE_CHECKING:
    from penstock.ir.nodes import PipelineIR

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
Plain = dict[str, object]

_OWN_OPTIONS = ("name", "schedule", "tags", "owner", "description")


class PipelineOptions(TypedDict, total=False):
    """The options of a pipeline, and those that its steps have unless they say otherwise."""

    name: str
    schedule: str | Schedule
    tags: Sequence[str]
    owner: str
    description: str
    image: str
    requires: Sequence[str]
    packages: Sequence[str]
    resources: Resources
    retries: int | Retry
    timeout: float | str | timedelta
    cache: bool
    env: dict[str, str]
    secrets: Sequence[Secret]


class Pipeline(Generic[P, R_co]):
    """A pipeline: called inside another it nests there; by itself it is compiled or run."""

    def __init__(self, function: Callable[P, R_co], options: PipelineOptions) -> None:
        self.__wrapped__ = function
        self._options = options
        functools.update_wrapper(self, function)

    @property
    def name(self) -> str:
        """The pipeline's name: the option of that name, else the function's."""
        return str(self._options.get("name", self.__wrapped__.__name__))

    def __repr__(self) -> str:
        return f"<pipeline {self.name}>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        traced = trace_at()
        if traced is None:
            raise RuntimeError(
                f"pipeline {self.name!r} is not called by itself; run it with "
                f"`penstock run FILE:{self.__wrapped__.__name__}`, or call it inside a pipeline"
            )
        trace, at = traced
        return cast(R_co, _nested(self, trace, at, args, kwargs))

    def trace(self) -> PipelineIR:
        """Runs the body once, without any step, and returns the pipeline as data.

        Raises `PipelineError` with all problems that were found on the way.
        """
        with collection_paused():
            return self._traced()

    def _traced(self) -> PipelineIR:
        from penstock.dsl.building import built

        trace = Trace(module_root(self.__wrapped__))
        at = trace.places.definition(cast(FunctionType, self.__wrapped__).__code__)
        head = _head(self, trace, at)
        hints, parameters = _parameters(self, trace, at)
        head["parameters"] = parameters
        promises = {
            name: Promise(trace, {"parameter": name}, hints.get(name, Any)) for name in parameters
        }
        trace.pipelines.append(self)
        with trace:
            try:
                result = self.__wrapped__(**promises)  # type: ignore[call-arg, arg-type]  # by its names
            except Exception:
                if trace.problems:
                    # What the user's code raised follows from a stand-in for a reported value.
                    raise PipelineError(tuple(trace.problems)) from None
                raise
            outputs = _returned(self, trace, result, at)
        return built(trace, head, outputs)

    @property
    def plain_options(self) -> PipelineOptions:
        """The options as they were given."""
        return self._options


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...


@overload
def pipeline(**options: Unpack[PipelineOptions]) -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...


def pipeline(
    function: Callable[P, R] | None = None, /, **options: Unpack[PipelineOptions]
) -> Pipeline[P, R] | Callable[[Callable[P, R]], Pipeline[P, R]]:
    """Makes a function a pipeline: `@pipeline` or `@pipeline(schedule="0 6 * * 1")`.

    Raises TypeError for what is no function, and for an option that does not exist.
    """
    known = PipelineOptions.__annotations__
    unknown = sorted(options.keys() - known.keys())
    if unknown:
        raise TypeError(f"@pipeline has no option {unknown[0]!r}; it has {', '.join(known)}")

    def wrap(function: Callable[P, R]) -> Pipeline[P, R]:
        if not isinstance(function, FunctionType) or _is_lazy(function):
            raise TypeError("@pipeline is for functions, without `async` and `yield`")
        return Pipeline(function, options)

    return wrap if function is None else wrap(function)


def _is_lazy(function: FunctionType) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function)


def _head(one: Pipeline[..., Any], trace: Trace, at: Span) -> Plain:
    """What is said of the whole pipeline."""
    from penstock.dsl.names import is_label

    options = one.plain_options
    name: object = options.get("name", one.__wrapped__.__name__)
    if not is_label(name):
        trace.problem(
            "PS114",
            f"{str(name)[:60]!r} cannot be the name of a pipeline",
            span=at,
            hint="use letters, digits, `_`, `-` and `.`, starting with a letter, digit or `_`",
        )
        name = "pipeline"
    head: Plain = {"name": name, "at": text_of(at)}
    description = options.get("description") or inspect.getdoc(one.__wrapped__)
    if description:
        head["description"] = description
    if "owner" in options:
        head["owner"] = str(options["owner"])
    tags = options.get("tags")
    if tags:
        head["tags"] = [str(tag) for tag in tags]
    head["options"] = _defaults(one, trace, at)
    schedule = options.get("schedule")
    if schedule is not None:
        try:
            head["schedule"] = plain_schedule(schedule)
        except OptionError as error:
            trace.problem("PS127", str(error), span=at, hint="see `penstock explain PS127`")
    return head


def _defaults(one: Pipeline[..., Any], trace: Trace, at: Span) -> Plain:
    """The options that the pipeline's steps have unless they say otherwise."""
    given = {key: value for key, value in one.plain_options.items() if key not in _OWN_OPTIONS}
    try:
        return plain_options(cast(StepOptions, given))
    except OptionError as error:
        trace.problem("PS127", str(error), span=at, hint="see `penstock explain PS127`")
        return {}


def _parameters(
    one: Pipeline[..., Any], trace: Trace, at: Span
) -> tuple[dict[str, Any], dict[str, Plain]]:
    try:
        hints = hints_of(one.__wrapped__)
    except SignatureError as error:
        trace.problem(
            "PS209",
            str(error).partition(";")[0],
            span=at,
            hint="import the type at module level, not under TYPE_CHECKING",
        )
        hints = {}
    header = trace.places.header(cast(FunctionType, one.__wrapped__).__code__)
    found: dict[str, Plain] = {}
    for parameter in inspect.signature(one.__wrapped__).parameters.values():
        name, hint = parameter.name, hints.get(parameter.name, Any)
        place = header.parameter(name)
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD and (
            parameter.kind is not parameter.KEYWORD_ONLY
        ):
            trace.problem(
                "PS130",
                f"pipeline {one.name!r} takes {name!r} without a name of its own",
                span=place,
                hint="give every parameter a name; take several values as one list",
            )
            continue
        plain: Plain = {"type": trace.types.text(hint), "at": text_of(place)}
        typeable = hint is Any or is_parameter(hint) or bool(trace.pipelines)
        if not typeable:
            trace.problem(
                "PS208",
                f"parameter {name!r} is a {plain['type']}, which nobody can type in",
                span=place,
                hint="take a path, a name or a number, and load the data in a step",
            )
        bounds = constraints_of(hint)
        wrong = wrong_bound(bounds)
        if wrong is not None:
            trace.problem(
                "PS204",
                f"the bounds of {name!r} mean nothing: {wrong}",
                span=place,
                hint="mend the bounds in Field(...)",
            )
        plain.update(bounds)
        if parameter.default is not parameter.empty:
            default = parameter.default
            value = default.value if isinstance(default, Enum) else default
            try:
                plain["default"] = plain_value(value)
            except (TypeError, ValueError, RecursionError):
                if typeable:
                    _no_parameter(trace, name, default, place)
        found[name] = plain
    return hints, found


def _no_parameter(trace: Trace, name: str, default: object, place: Span) -> None:
    trace.problem(
        "PS203",
        f"the default of {name!r} is a {type(default).__name__}, which is no parameter",
        span=place,
        hint="use a number, text, bool, or a list or dict of those",
    )


def _returned(one: Pipeline[..., Any], trace: Trace, result: object, at: Span) -> dict[str, Plain]:
    """What the pipeline gives back, by name; the annotation tells the types."""
    values = _named(trace, result, one.name, at)
    try:
        hints = outputs_of(one.__wrapped__)
    except SignatureError:
        hints = {}
    return {
        name: {"type": trace.types.text(hints.get(name, Any)), "from": trace.value(value, at=at)}
        for name, value in values.items()
        if not isinstance(value, Poison)
    }


def _named(trace: Trace, result: object, name: str, at: Span) -> dict[str, object]:
    if result is None or isinstance(result, Done):
        return {}
    if isinstance(result, Promise):
        return {"value": result}
    if isinstance(result, Outputs):
        return dict(result._promises)  # pyright: ignore[reportPrivateUsage] - ours
    kind: type = type(result)  # pyright: ignore[reportUnknownVariableType] - any object
    if is_namedtuple(kind):
        values: dict[str, object] = cast(Any, result)._asdict()
        if all(isinstance(value, Promise) for value in values.values()):
            return values
    returned = kind.__name__
    trace.problem(
        "PS125",
        f"pipeline {name!r} returns a {returned}, not values of its steps",
        span=at,
        hint="return what a step gave, a NamedTuple of such values, or nothing",
    )
    return {}


def _nested(
    one: Pipeline[..., Any],
    trace: Trace,
    at: Span,
    args: tuple[object, ...],
    kwargs: dict[str, object],
) -> Any:
    if one in trace.pipelines:
        trace.problem(
            "PS126",
            f"pipeline {one.name!r} calls itself",
            span=at,
            label="called inside itself",
            hint="loop with `with each(...)`; a pipeline has a fixed size",
        )
        return Poison(trace)
    hints, parameters = _parameters(one, trace, at)
    inputs = _nested_inputs(one, trace, list(parameters), args, kwargs, at)
    scope: Plain = {"pipeline": one.name if _head_name_ok(one) else "pipeline"}
    description = one.plain_options.get("description") or inspect.getdoc(one.__wrapped__)
    if description:
        scope["description"] = description
    scope |= {"parameters": parameters, "inputs": inputs, "options": _defaults(one, trace, at)}
    identity = trace.enter(str(scope["pipeline"]), scope, at)
    trace.prefixes.append(f"{identity}.")
    trace.pipelines.append(one)
    try:
        arguments = {
            name: Promise(trace, _given(inputs, parameters, name), hints.get(name, Any))
            for name in parameters
        }
        result = one.__wrapped__(**arguments)
    finally:
        trace.pipelines.pop()
        trace.prefixes.pop()
        trace.leave()
    if result is None or isinstance(result, Done):
        return Done(trace, identity)
    if isinstance(result, Promise | Outputs):
        return result
    return Outputs(trace, identity, _named(trace, result, one.name, at))


def _head_name_ok(one: Pipeline[..., Any]) -> bool:
    from penstock.dsl.names import is_label

    return is_label(one.name)


def _given(inputs: Plain, parameters: dict[str, Plain], name: str) -> Plain:
    given = inputs.get(name)
    if isinstance(given, dict):
        return cast(Plain, given)
    return {"value": parameters[name].get("default")}


def _nested_inputs(
    one: Pipeline[..., Any],
    trace: Trace,
    names: list[str],
    args: tuple[object, ...],
    kwargs: dict[str, object],
    at: Span,
) -> Plain:
    bound: Plain = {}
    if len(args) > len(names):
        trace.problem(
            "PS112",
            f"pipeline {one.name!r} takes {len(names)} inputs, {len(args)} were given",
            span=at,
            label="too many inputs",
            hint=f"its parameters are {', '.join(names) or 'none'}",
        )
    for name, value in (*zip(names, args, strict=False), *kwargs.items()):
        if name not in names or name in bound:
            trace.problem(
                "PS112",
                f"pipeline {one.name!r} "
                + (f"was given {name!r} twice" if name in bound else f"has no parameter {name!r}"),
                span=at,
                label="given twice" if name in bound else "unknown input",
                hint=f"its parameters are {', '.join(names) or 'none'}",
            )
            continue
        bound[name] = trace.value(value, f"{name!r}")
    return bound
