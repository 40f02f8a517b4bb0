"""Where an input's value comes from, and the conditions that branches test."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$")]
Identifier = Annotated[str, StringConstraints(pattern=r"^[^\W\d]\w{0,99}$")]
Path = tuple[str | int, ...]


class Node(BaseModel):
    """A frozen part of a pipeline; an unknown field is refused."""

    # Deferred: building the validators of every node on its own takes longer than a small compile.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class Constant(Node):
    """A value written in the pipeline, as JSON text, so that 1, 1.0 and true stay apart."""

    kind: Literal["value"] = "value"
    text: str

    @property
    def value(self) -> object:
        """The value itself, made anew at each call."""
        return json.loads(self.text)


class FromParameter(Node):
    """A pipeline parameter, or the part of it that `path` leads to."""

    kind: Literal["parameter"] = "parameter"
    parameter: Identifier
    path: Path = ()


class FromStep(Node):
    """An output of a step, or the part of it that `path` leads to."""

    kind: Literal["step"] = "step"
    step: Label
    output: Identifier = "value"
    path: Path = ()


class FromLoop(Node):
    """The item that a loop is at, or the part of it that `path` leads to."""

    kind: Literal["item"] = "item"
    loop: Label
    path: Path = ()


class Gathered(Node):
    """The list of what `value` was in each round of a loop, in item order."""

    kind: Literal["gather"] = "gather"
    value: Value
    loop: Label
    path: Path = ()


class OneOf(Node):
    """The value of whichever branch ran."""

    kind: Literal["one_of"] = "one_of"
    values: tuple[Value, ...]
    path: Path = ()


class ListOf(Node):
    """A list whose elements come from different places."""

    kind: Literal["list"] = "list"
    values: tuple[Value, ...]


class FinalStatus(Node):
    """How the run ended; only an exit step can take it."""

    kind: Literal["status"] = "status"


Value = Annotated[
    Constant | FromParameter | FromStep | FromLoop | Gathered | OneOf | ListOf | FinalStatus,
    Field(discriminator="kind"),
]

Operator = Literal["==", "!=", "<", "<=", ">", ">="]


class Comparison(Node):
    """Two values compared when the pipeline runs."""

    kind: Literal["compare"] = "compare"
    operator: Operator
    left: Value
    right: Value


class Truth(Node):
    """A value that is itself a bool."""

    kind: Literal["truth"] = "truth"
    value: Value


class AllOf(Node):
    """True when every condition is."""

    kind: Literal["all"] = "all"
    conditions: tuple[Condition, ...]


class AnyOf(Node):
    """True when at least one condition is."""

    kind: Literal["any"] = "any"
    conditions: tuple[Condition, ...]


class Not(Node):
    """True when the condition is not."""

    kind: Literal["not"] = "not"
    condition: Condition


Condition = Annotated[Comparison | Truth | AllOf | AnyOf | Not, Field(discriminator="kind")]
