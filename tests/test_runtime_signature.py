"""What a signature means: outputs, parameters, and JSON in both directions."""

import math
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NewType, Optional

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_runtime import Metrics, RunStatus
from penstock_runtime.signature import (
    SignatureError,
    coerce,
    fields_of,
    inputs_of,
    is_parameter,
    outputs_of,
    to_json,
)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1


class Odd(Enum):
    PAIR = (1, 2)


class Two(NamedTuple):
    first: int
    second: "list[bytes]"


@dataclass
class Point:
    x: float
    colour: Colour = Colour.RED


Rate = NewType("Rate", float)


def test_outputs() -> None:
    def several(a: int) -> Two: ...  # type: ignore[empty-body]  # only its signature is read
    def one(a: int) -> Annotated[list[int], "note"]: ...  # type: ignore[empty-body]  # as above
    def none() -> None: ...
    def bare(a): ...  # type: ignore[no-untyped-def]  # that it is untyped is the test  # pyright: ignore[reportUnknownParameterType, reportMissingParameterType]

    assert outputs_of(several) == {"first": int, "second": list[bytes]}
    assert outputs_of(one) == {"value": Annotated[list[int], "note"]}
    assert outputs_of(none) == {}
    assert outputs_of(bare) == {"value": Any}  # pyright: ignore[reportUnknownArgumentType]  # untyped on purpose
    assert inputs_of(bare) == {"a": Any}  # pyright: ignore[reportUnknownArgumentType]  # untyped on purpose


def test_inputs_and_fields_of_a_class() -> None:
    class Fit:
        C: float = 1.0
        name: ClassVar[str] = "fit"
        _hidden: int = 0

        def run(self, data: bytes, colour: "Colour" = Colour.RED) -> None: ...

    assert fields_of(Fit) == {"C": float}
    assert inputs_of(Fit.run) == {"data": bytes, "colour": Colour}


def test_an_annotation_that_cannot_be_resolved_is_named() -> None:
    def step(good: int, data: "Frame") -> "list[int]": ...  # type: ignore[name-defined, empty-body]  # the mistake  # noqa: F821  # pyright: ignore[reportUndefinedVariable, reportUnknownParameterType]

    with pytest.raises(SignatureError, match=r"step: cannot resolve `data: Frame` \(NameError"):
        inputs_of(step)  # pyright: ignore[reportUnknownArgumentType]  # as above


@pytest.mark.parametrize(
    "hint",
    [
        int, float, str, bool, None, Colour, Level, RunStatus, Rate,
        Literal["a", 1, None], Literal[Colour.RED],
        list[int], dict[str, float], dict[str, list[dict[str, int | None]]],
        Optional[int],  # noqa: UP045 - both spellings count
        list[int | str], Annotated[float, "x"], list[Annotated[int, "x"]],
        dict[Literal["a"], int], dict[Colour, int],
    ],
)  # fmt: skip
def test_parameters(hint: object) -> None:
    assert is_parameter(hint)


@pytest.mark.parametrize(
    "hint",
    [
        Any, object, list, dict, tuple, tuple[int, ...], set[int], bytes, Metrics, Point, Odd,
        dict[int, int], dict[str, Any], list[bytes], int | bytes, Two, "int", Literal[b"x"],
    ],
)  # fmt: skip
def test_artifacts(hint: object) -> None:
    assert not is_parameter(hint)


@pytest.mark.parametrize(
    ("value", "hint", "wanted"),
    [
        (1, float, 1.0),
        (3.0, int, 3),
        ("red", Colour, Colour.RED),
        (1, Level, Level.LOW),
        (1.0, Level, Level.LOW),
        (["red", None], list[Colour | None], [Colour.RED, None]),
        ({"blue": 1}, dict[Colour, float], {Colour.BLUE: 1.0}),
        ([1, "a"], tuple[int, str], (1, "a")),
        ([1, 2], tuple[float, ...], (1.0, 2.0)),
        ([1, 2], set[int], {1, 2}),
        ("succeeded", RunStatus, RunStatus.SUCCEEDED),
        (1, Literal[1, "x"], 1),
        (2, int | float, 2),
        (2.0, int | float, 2.0),
        (2, float | int, 2),
        ({"x": 1, "colour": "blue"}, Point, Point(1.0, Colour.BLUE)),
        ({"a": 1}, Metrics, Metrics(a=1)),
        ({"a": [1]}, Any, {"a": [1]}),
        (1, Annotated[Rate, "x"], 1.0),
        (None, int | None, None),
    ],
)
def test_coerce(value: object, hint: object, wanted: object) -> None:
    made = coerce(value, hint)
    assert made == wanted
    assert type(made) is type(wanted)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("1", int), (1.5, int), (True, int), (1, bool), (True, float), (1, str), (None, int),
        ("green", Colour), (True, Literal[1]), ([1, 2, 3], tuple[int, str]),
        ({"a": "x"}, dict[str, int]), (10**400, float),
        (math.inf, int), (math.nan, int), ("x", list[str]), ({"y": 1}, Point), (1.5, Level),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(value: object, hint: object) -> None:
    with pytest.raises(TypeError):
        coerce(value, hint)


def test_the_place_is_named() -> None:
    with pytest.raises(TypeError, match=r"at \['a'\]\[1\]: expected int, got str 'x'"):
        coerce({"a": [1, "x"]}, dict[str, list[int]])
    with pytest.raises(TypeError, match=r"at \['a'\]\[0\]: nan is not"):
        to_json({"a": [math.nan]})


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, b"x", {1: 2}, object(), {1}, np.array([1.0]), [object()]]
)
def test_what_is_no_parameter_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        to_json(value)


def test_to_json_makes_plain_values() -> None:
    given = {
        "e": Colour.RED,
        "n": np.int64(3),
        "f": np.float64(0.5),
        "b": np.bool_(True),
        "t": (1,),
    }
    made = to_json(given)
    assert made == {"e": "red", "n": 3, "f": 0.5, "b": True, "t": [1]}
    assert [type(v) for v in made.values()] == [str, int, float, bool, list]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)  # fmt: skip


@given(_JSON)
def test_json_is_its_own_json(value: object) -> None:
    assert repr(to_json(value)) == repr(value)
    assert repr(coerce(value, Any)) == repr(value)


@given(st.lists(st.sampled_from(Colour) | st.none()))
def test_enums_survive_json(value: "list[Colour | None]") -> None:
    assert coerce(to_json(value), list[Colour | None]) == value
