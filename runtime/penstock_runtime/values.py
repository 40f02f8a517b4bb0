"""The kinds of value that penstock itself gives to users."""

import math
from collections.abc import Iterator, Mapping
from enum import StrEnum
from numbers import Real


class RunStatus(StrEnum):
    """How a run ended; an exit handler's parameter of this type receives it."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Metrics(Mapping[str, float]):
    """A read-only mapping from the name of a metric to its value.

    `Metrics(auc=0.91)` or `Metrics({"auc": 0.91})`. Values are real numbers (NumPy's
    included) and become `float`; raises TypeError for anything else.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, float] | None = None, /, **named: float) -> None:
        given = {**(values or {}), **named}
        self._values = {_name(name): _number(name, value) for name, value in given.items()}

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        if all(name.isidentifier() for name in self._values):
            return f"Metrics({', '.join(f'{k}={v!r}' for k, v in self._values.items())})"
        return f"Metrics({self._values!r})"


class HTML(str):
    """A report as HTML; a step that returns one has it kept, and shown, as a page."""

    __slots__ = ()


class Markdown(str):
    """A report as Markdown; a step that returns one has it kept, and shown, as a page."""

    __slots__ = ()


def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a metric is a str, not {type(name).__name__}")
    if not name:
        raise ValueError("the name of a metric may not be empty")
    return name


def _number(name: object, value: object) -> float:
    # A bool is a Real in Python, but a metric that is True is nearly always a mistake.
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(
            f"metric {name!r} must be a real number, not {type(value).__name__}; "
            "write float(...) around it"
        )
    return float(value)


def plain_number(value: float) -> float | str:
    """A metric as JSON can hold it: `NaN` and the infinities become their names."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
