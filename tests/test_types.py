"""Types as text: what fits where, as Python has it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.ir.constants import constant_fits, violated
from penstock.ir.nodes import Class, Constraints
from penstock.ir.types import Type, TypeTextError, a, brief, fits, literal, parse, show
from penstock.ir.value_types import item_type, part, type_of_constant

CLASSES = {
    "zoo.Cat": Class(name="zoo.Cat", bases=("zoo.Animal",)),
    "zoo.Walks": Class(name="zoo.Walks", protocol=True),
    "zoo.Colour": Class(name="zoo.Colour", values=('"red"', "3")),
    "zoo.Home": Class(name="zoo.Home", fields=(("street", "str"), ("number", "int"))),
    "zoo.Plot": Class(name="zoo.Plot", bases=("matplotlib.figure.Figure",)),
    "zoo.Numbers": Class(name="zoo.Numbers", bases=("collections.abc.Sequence",)),
}

FITS = [
    ("int", "int"),
    ("int", "float"),
    ("bool", "int"),
    ("bool", "float"),
    ("int", "int | None"),
    ("None", "int | None"),
    ("int | str", "str | int | None"),
    ("Any", "int"),
    ("pandas.DataFrame", "Any"),
    ("pandas.DataFrame", "object"),
    ("list[int]", "list[float]"),
    ("list[int]", "list"),
    ("list", "list[int]"),
    ("list[int]", "Sequence[int]"),
    ("dict[str, int]", "Mapping[str, float]"),
    ("tuple[int, int]", "tuple[float, ...]"),
    ("tuple[int, int]", "Sequence[int]"),
    ("tuple[int, ...]", "tuple[int, int]"),
    ("Literal['a', 'b']", "str"),
    ("Literal['a']", "Literal['b', 'a']"),
    ("Literal[1]", "float"),
    ("Literal[None]", "str | None"),
    ("zoo.Cat", "zoo.Animal"),
    ("list[zoo.Cat]", "Iterable[zoo.Animal]"),
    ("zoo.Cat", "zoo.Walks"),
    ("zoo.Numbers", "Sequence[int]"),
    ("matplotlib.figure.Figure", "bytes"),
    ("zoo.Plot", "pathlib.Path | None"),
]

MISFITS = [
    ("float", "int"),
    ("str", "int"),
    ("int", "str"),
    ("int", "bool"),
    ("int | None", "int"),
    ("int | str", "int"),
    ("list[str]", "list[int]"),
    ("list[int]", "int"),
    ("dict[str, str]", "dict[str, int]"),
    ("tuple[int, str]", "tuple[int, ...]"),
    ("tuple[int]", "tuple[int, int]"),
    ("Literal['a', 'b']", "Literal['a']"),
    ("Literal[1]", "Literal[True]"),
    ("str", "Literal['a']"),
    ("zoo.Animal", "zoo.Cat"),
    ("zoo.Cat", "zoo.Dog"),
    ("pandas.DataFrame", "numpy.ndarray"),
    ("set[int]", "list[int]"),
    ("matplotlib.figure.Figure", "str"),
    ("bytes", "matplotlib.figure.Figure"),
]


@pytest.mark.parametrize(("source", "target"), FITS)
def test_fits(source: str, target: str) -> None:
    assert fits(parse(source), parse(target), CLASSES)


@pytest.mark.parametrize(("source", "target"), MISFITS)
def test_does_not_fit(source: str, target: str) -> None:
    assert not fits(parse(source), parse(target), CLASSES)


NAMES = st.sampled_from(["int", "float", "str", "bool", "None", "Any", "zoo.Cat", "a.b.C"])
LITERALS = st.lists(
    st.one_of(st.text(max_size=20), st.integers(), st.booleans(), st.none()),
    min_size=1,
    max_size=4,
).map(literal)
TYPES = st.recursive(
    st.one_of(NAMES.map(Type), LITERALS),
    lambda inner: st.one_of(
        inner.map(lambda one: Type("list", (one,))),
        st.tuples(inner, inner).map(lambda two: Type("dict", two)),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: Type("tuple", tuple(some))),
    ),
    max_leaves=8,
)


@given(TYPES)
def test_text_reads_back(kind: Type) -> None:
    assert parse(show(kind)) == kind


@given(TYPES)
def test_everything_fits_itself(kind: Type) -> None:
    assert fits(kind, kind, CLASSES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "int(",
        "f(x)",
        "a or b",
        "[int]",
        "lambda: 1",
        "x" * 10001,
        "list[" * 200,
        "'int'",
        "__import__('os')",
        "Literal[1.5]",
        "Literal[x]",
        "int\nstr",
        "\x00",
    ],
)
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(TypeTextError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("int", "an int"), ("list[str]", "a list[str]"), ("pandas.DataFrame", "a DataFrame")],
)
def test_said_with_an_article(text: str, said: str) -> None:
    assert a(parse(text)) == said


def test_brief_names_members() -> None:
    assert brief(parse("zoo.Cat | None")) == "Cat | None"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "int"),
        (1, "float"),
        (True, "bool"),
        ([1, 2.5], "list[float]"),
        ([[1], []], "list[list[int]]"),
        ({"a": 1}, "dict[str, int]"),
        (None, "int | None"),
        ([1, "a"], "tuple[int, str]"),
        ("red", "zoo.Colour"),
        (3, "zoo.Colour"),
        ("a", "Literal['a']"),
        ([1], "Sequence[int]"),
        ({}, "Mapping[str, int]"),
        (object, "Any"),
    ],
)
def test_constant_fits(value: object, text: str) -> None:
    assert constant_fits(value, parse(text), CLASSES)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "int"),
        (1.0, "int"),
        ("1", "int"),
        (1, "bool"),
        (1, "str"),
        ([1, "a"], "list[int]"),
        ({"a": "b"}, "dict[str, int]"),
        (None, "int"),
        ([1], "tuple[int, int]"),
        ("blue", "zoo.Colour"),
        (3.0, "zoo.Colour"),
        (True, "Literal[1]"),
        ("path", "pandas.DataFrame"),
        (5, "list[int]"),
    ],
)
def test_constant_does_not_fit(value: object, text: str) -> None:
    assert not constant_fits(value, parse(text), CLASSES)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)
        ),
        max_leaves=8,
    )
)
def test_a_constant_fits_its_own_type(value: object) -> None:
    value = json.loads(json.dumps(value))
    assert constant_fits(value, type_of_constant(value), {})


@pytest.mark.parametrize(
    ("value", "constraints", "broken"),
    [
        (0, Constraints(ge=1), "at least 1"),
        (1, Constraints(ge=1), None),
        (1, Constraints(gt=1), "greater than 1"),
        (2, Constraints(le=1), "at most 1"),
        (1, Constraints(lt=1), "less than 1"),
        (0.3, Constraints(multiple_of=0.1), None),
        (0.35, Constraints(multiple_of=0.1), "a multiple of 0.1"),
        ("ab", Constraints(min_length=3), "of length 3 or more"),
        ([1, 2], Constraints(max_length=1), "of length 1 or less"),
        ("ab", Constraints(pattern="^b"), "matched by '^b'"),
        ("ab", Constraints(pattern="b"), None),
        (True, Constraints(ge=5), None),
        (None, Constraints(ge=5), None),
    ],
)
def test_violated(value: object, constraints: Constraints, broken: str | None) -> None:
    assert violated(value, constraints) == broken


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("list[int]", "int"),
        ("list", "Any"),
        ("Sequence[str]", "str"),
        ("tuple[int, str]", "int | str"),
        ("tuple[int, ...]", "int"),
        ("list[int] | list[str]", "int | str"),
        ("Any", "Any"),
    ],
)
def test_item_type(text: str, item: str) -> None:
    found = item_type(parse(text))
    assert found is not None
    assert show(found) == item


@pytest.mark.parametrize("text", ["int", "str", "dict[str, int]", "list[int] | int"])
def test_no_items(text: str) -> None:
    assert item_type(parse(text)) is None


@pytest.mark.parametrize(
    ("text", "key", "kind"),
    [
        ("penstock.Metrics", "auc", "float"),
        ("dict[str, int]", "a", "int"),
        ("list[str]", 0, "str"),
        ("tuple[int, str]", 1, "str"),
        ("zoo.Home", "number", "int"),
        ("Any", "x", "Any"),
    ],
)
def test_part(text: str, key: str | int, kind: str) -> None:
    found = part(parse(text), key, CLASSES)
    assert found is not None
    assert show(found) == kind


@pytest.mark.parametrize(
    ("text", "key"),
    [("int", "a"), ("list[int]", "a"), ("tuple[int]", 5), ("zoo.Home", "city"), ("str", 0)],
)
def test_no_such_part(text: str, key: str | int) -> None:
    assert part(parse(text), key, CLASSES) is None
