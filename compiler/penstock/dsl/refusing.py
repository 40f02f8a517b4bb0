"""Every use of a value that Python offers and that a run-time value cannot have.

Each is reported at the user's line; it then gives a harmless stand-in, so that tracing goes on
and all problems are told together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

COMPUTED = "the value does not exist until the pipeline runs; compute it inside a step"


class Recorder(Protocol):
    """What run-time values need of the trace that they belong to."""

    def problem(self, code: str, message: str, *, label: str = "", hint: str = "") -> None:
        """Reports a problem at the line that the user's code is at."""
        ...

    def told(self, code: str) -> bool:
        """Whether the last problem is of this code and at the line that the user's code is at."""
        ...

    def repeated(self) -> None:
        """Stops a loop that a stand-in would keep going forever."""
        ...

    def used_as_bool(self) -> None:
        """Reports that the user's line took a run-time value as a Python bool."""
        ...

    def value(self, given: object) -> dict[str, object]:
        """What the user passed, as a plain value."""
        ...


class Refusing:
    """Every use of a run-time value that Python offers and a pipeline cannot have."""

    __slots__ = ("_trace",)
    _trace: Recorder

    def _stand_in(self) -> Any:
        """What a refused use gives, so that tracing goes on."""
        raise NotImplementedError

    def _refuse(self, code: str, message: str, label: str, hint: str) -> None:
        self._trace.problem(code, message, label=label, hint=hint)

    def __bool__(self) -> bool:
        self._trace.used_as_bool()
        return False

    def __format__(self, spec: str) -> str:
        self._refuse(
            "PS103",
            "this value does not exist until the pipeline runs",
            "turned into text",
            "pass the value to a step and build the text there",
        )
        return ""

    def __str__(self) -> str:
        return self.__format__("")

    def __len__(self) -> int:
        # `list(value)` asks for an iterator, and then how long it will be.
        if self._trace.told("PS105"):
            return 0
        self._refuse(
            "PS104",
            "the length of this value is not known until the pipeline runs",
            "asked for its length",
            "return the length from the step, or loop with `with each(...)`",
        )
        return 0

    def __iter__(self) -> Iterator[Any]:
        self._refuse(
            "PS105",
            "this value cannot be iterated over until the pipeline runs",
            "iterated over",
            "loop with `with each(value) as item:`; several outputs need a NamedTuple",
        )
        return iter(())

    def __contains__(self, item: object) -> bool:
        self._refuse(
            "PS108",
            "this value cannot be searched until the pipeline runs",
            "searched with `in`",
            COMPUTED,
        )
        return False

    def __call__(self, *args: object, **kwargs: object) -> Any:
        self._refuse("PS108", "a run-time value cannot be called", "called", COMPUTED)
        return self._stand_in()

    def __hash__(self) -> int:
        return id(self)

    def _number(self, label: str) -> None:
        self._refuse(
            "PS108",
            "this value cannot be turned into a number until the pipeline runs",
            label,
            COMPUTED,
        )

    def __int__(self) -> int:
        self._number("turned into an int")
        return 0

    def __index__(self) -> int:
        self._number("used as an index")
        return 0

    def __float__(self) -> float:
        self._number("turned into a float")
        return 0.0

    def __complex__(self) -> complex:
        self._number("turned into a complex number")
        return 0j

    def __setitem__(self, key: object, value: object) -> None:
        self._refuse("PS108", "a run-time value cannot be changed", "changed", COMPUTED)

    def __delitem__(self, key: object) -> None:
        self._refuse("PS108", "a run-time value cannot be changed", "changed", COMPUTED)

    def __enter__(self) -> Any:
        self._refuse("PS108", "a run-time value is no context manager", "entered", COMPUTED)
        return self._stand_in()

    def __exit__(self, *details: object) -> None:
        return None

    def __await__(self) -> Iterator[Any]:
        self._refuse("PS108", "a run-time value cannot be awaited", "awaited", COMPUTED)
        return iter(())


def _arithmetic(name: str) -> Callable[..., Any]:
    def refuse(self: Refusing, *others: object) -> Any:
        self._refuse(  # pyright: ignore[reportPrivateUsage] - a method made here, set below
            "PS106",
            "this value cannot be computed with until the pipeline runs",
            "used in arithmetic",
            "compute it inside a step and return the result",
        )
        return self._stand_in()  # pyright: ignore[reportPrivateUsage] - as above

    refuse.__name__ = name
    return refuse


for _name in [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "divmod",
    "pow",
    "matmul",
    "lshift",
    "rshift",
    "xor",
    "radd",
    "rsub",
    "rmul",
    "rtruediv",
    "rfloordiv",
    "rmod",
    "rdivmod",
    "rpow",
    "rmatmul",
    "rlshift",
    "rrshift",
    "rxor",
]:
    setattr(Refusing, f"__{_name}__", _arithmetic(f"__{_name}__"))
for _name in ("neg", "pos", "abs", "round", "trunc", "floor", "ceil"):
    setattr(Refusing, f"__{_name}__", _arithmetic(f"__{_name}__"))
