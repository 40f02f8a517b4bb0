"""Steps: a function with `@step`, or a class whose fields are hyper-parameters.

Outside of a pipeline both are what they look like: the function runs, the object's `run` runs.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from types import FunctionType
from typing import (
    Any,
    ClassVar,
    Generic,
    ParamSpec,
    Self,
    TypeVar,
    Unpack,
    cast,
    dataclass_transform,
    overload,
)

from penstock.dsl.calls import call
from penstock.dsl.components import Source
from penstock.dsl.fields import class_defaults, class_fields
from penstock.dsl.options import OPTION_NAMES, Resources, Retry, Secret, StepOptions
from penstock.dsl.tracing import trace_at

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class StepFunction(Generic[P, R_co]):
    """A function that is a step: an ordinary call outside of a pipeline, a traced one inside."""

    __penstock_step__: ClassVar[bool] = True
    """By this the runtime, which does not know the language, tells it from other decorators."""

    def __init__(
        self,
        function: Callable[P, R_co],
        options: StepOptions,
        per_call: StepOptions | None = None,
    ) -> None:
        self.__wrapped__ = function
        self._options = options
        self._per_call = per_call
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        traced = trace_at()
        if traced is None:
            return self.__wrapped__(*args, **kwargs)
        trace, at = traced
        function = cast(FunctionType, self.__wrapped__)
        source = Source(
            target=function,
            function=function,
            name=function.__name__,
            role="step",
            options=self._options,
            fields={},
            defaults={},
        )
        options = cast("dict[str, object] | None", self._per_call)
        return cast(R_co, call(trace, source, args, kwargs, at=at, options=options))

    def options(self, **options: Unpack[StepOptions]) -> StepFunction[P, R_co]:
        """The same step with other options; this one stays as it is."""
        merged: StepOptions = {**(self._per_call or {}), **options}
        return StepFunction(self.__wrapped__, self._options, merged)

    def __repr__(self) -> str:
        return f"<step {self.__wrapped__.__qualname__}>"


@overload
def step(function: Callable[P, R], /) -> StepFunction[P, R]: ...


@overload
def step(**options: Unpack[StepOptions]) -> Callable[[Callable[P, R]], StepFunction[P, R]]: ...


def step(
    function: Callable[P, R] | None = None, /, **options: Unpack[StepOptions]
) -> StepFunction[P, R] | Callable[[Callable[P, R]], StepFunction[P, R]]:
    """Makes a function a step of pipelines: `@step` or `@step(requires=["pandas"], retries=2)`.

    Raises TypeError for what is no function, and for an option that does not exist.
    """
    unknown = sorted(options.keys() - set(OPTION_NAMES))
    if unknown:
        raise TypeError(f"@step has no option {unknown[0]!r}; it has {', '.join(OPTION_NAMES)}")

    def wrap(function: Callable[P, R]) -> StepFunction[P, R]:
        if not isinstance(function, FunctionType):
            raise TypeError("@step is for functions; a class becomes a step by its base, e.g. Step")
        return StepFunction(function, options)

    return wrap if function is None else wrap(function)


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field,))
class Step:
    """Base of step classes: annotated attributes are fields, `run` does the work.

    Options are class attributes without annotation, such as `requires = ["scikit-learn"]`.
    """

    _role: ClassVar[str] = "step"
    image: ClassVar[str | None] = None
    requires: ClassVar[Sequence[str] | None] = None
    packages: ClassVar[Sequence[str] | None] = None
    resources: ClassVar[Resources | None] = None
    retries: ClassVar[int | Retry | None] = None
    timeout: ClassVar[float | str | timedelta | None] = None
    cache: ClassVar[bool | None] = None
    env: ClassVar[Mapping[str, str] | None] = None
    secrets: ClassVar[Sequence[Secret] | None] = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in class_fields(cls):
            if name in _RESERVED:
                raise TypeError(
                    f"{cls.__name__} cannot have a field {name!r}, which is a word of penstock's; "
                    "rename the field, or write an option without annotation"
                )
        dataclasses.dataclass(kw_only=True, eq=False)(cls)
        setattr(cls, "__init__", _lenient(cls.__init__))  # noqa: B010 - mypy refuses the plain form
        run = cls.__dict__.get("run")
        if isinstance(run, staticmethod | classmethod):
            raise TypeError(f"`run` of {cls.__name__} must be an ordinary method with `self`")
        if isinstance(run, FunctionType):
            setattr(cls, "run", _traced(run))  # noqa: B010 - subclasses say what run takes

    def options(self, **options: Unpack[StepOptions]) -> Self:
        """The same step with other options; this one stays as it is."""
        changed = object.__new__(type(self))
        vars(changed).update(vars(self))
        vars(changed)["_per_call"] = {**vars(self).get("_per_call", {}), **options}
        return changed


# `name` and `after` are said per call, so they may be fields.
_RESERVED = frozenset(OPTION_NAMES) - {"name", "after"} | {"options", "run"}


def _lenient(init: Callable[..., None]) -> Callable[..., None]:
    """Inside a pipeline a wrong field is reported with everything else, not raised."""

    @functools.wraps(init)
    def __init__(self: Step, *args: object, **fields: object) -> None:
        traced = trace_at()
        if traced is None:
            init(self, *args, **fields)
            return
        trace, at = traced
        known = trace.fields(type(self))
        cls = type(self).__name__
        if args:
            trace.problem(
                "PS112",
                f"the fields of {cls} are given by name",
                span=at,
                label="given by position",
                hint=f"its fields are {', '.join(known) or 'none'}",
            )
        for name in fields.keys() - known.keys():
            trace.problem(
                "PS112",
                f"{cls} has no field {name!r}",
                span=at,
                label="unknown field",
                hint=f"its fields are {', '.join(known) or 'none'}",
            )
        vars(self).update({name: value for name, value in fields.items() if name in known})

    return __init__


def _traced(run: FunctionType) -> Callable[..., Any]:
    @functools.wraps(run)
    def traced_run(self: Step, *args: object, **kwargs: object) -> Any:
        traced = trace_at()
        if traced is None:
            return run(self, *args, **kwargs)
        trace, at = traced
        cls = type(self)
        fields = trace.fields(cls)
        source = Source(
            target=cls,
            function=run,
            name=cls.__name__,
            role=cls._role,  # pyright: ignore[reportPrivateUsage] - a step class of ours
            options=_class_options(cls),
            fields=fields,
            defaults=class_defaults(cls),
        )
        state = vars(self)
        return call(
            trace,
            source,
            args,
            kwargs,
            at=at,
            fields={name: state[name] for name in fields if name in state},
            options=state.get("_per_call"),
        )

    return traced_run


def _class_options(cls: type[Step]) -> StepOptions:
    found = {
        name: getattr(cls, name, None) for name in OPTION_NAMES if name not in ("name", "after")
    }
    return cast(StepOptions, {name: value for name, value in found.items() if value is not None})
