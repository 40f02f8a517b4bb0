"""Parameters of a run: read from the command line by type, and checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from local_project import Project

from penstock.cli.failures import WrongUsage
from penstock.cli.run_parameters import given_parameters
from penstock.cli.targets import load_target
from penstock.ir.arguments import ArgumentError, arguments
from penstock.ir.nodes import PipelineIR

TYPES = """
class Mode(Enum):
    FAST = "fast"
    SLOW = "slow"

@step
def use(
    n: int, x: float, s: str, b: bool, xs: list[float], d: dict[str, int], mode: Mode,
    word: Literal["a", "b"], maybe: int | None,
) -> None: ...

@pipeline
def types(
    n: int,
    x: Annotated[float, Field(ge=0, le=1)] = 0.5,
    s: Annotated[str, Field(pattern="^[a-z0-9 ]*$", max_length=9)] = "",
    b: bool = False,
    xs: Annotated[list[float], Field(min_length=1)] = [1.0],
    d: dict[str, int] = {},
    mode: Mode = Mode.FAST,
    word: Literal["a", "b"] = "a",
    maybe: int | None = None,
):
    use(n, x, s, b, xs, d, mode, word, maybe)
"""


@pytest.fixture(scope="module")
def ir(tmp_path_factory: pytest.TempPathFactory) -> PipelineIR:
    project = Project(tmp_path_factory.mktemp("types"))
    return load_target(str(project.write(TYPES))).ir


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("x=1", 1),
        ("x=1e-3", 0.001),
        ("s=12", "12"),
        ("s=true", "true"),
        ("s=", ""),
        ("b=true", True),
        ("b=False", False),
        ("xs=[1, 2.5]", [1, 2.5]),
        ('d={"a": 1}', {"a": 1}),
        ("mode=slow", "slow"),
        ("word=b", "b"),
        ("maybe=3", 3),
        ("maybe=null", None),
    ],
)
def test_text_is_read_by_the_parameters_type(ir: PipelineIR, text: str, value: object) -> None:
    given = given_parameters(ir, ["n=1", text])
    found = given[text.partition("=")[0]]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "needs a value for parameter 'n'"),
        (["n"], "NAME=VALUE"),
        (["n=1", "n=2"], "given twice"),
        (["n=1.5"], "parameter 'n' must be int, not '1.5'"),
        (["n=true"], "must be int"),
        (["n=1", "m=2"], "no parameter 'm'"),
        (["n=1", "mod=fast"], "did you mean 'mode'?"),
        (["n=1", "x=2"], "parameter 'x' is 2, must be at most 1"),
        (["n=1", "x=nan"], "must be float"),
        (["n=1", "x=1e400"], "must be float"),
        (["n=1", "s=a\udcff"], "must be str"),
        (["n=1", 'xs=["\\ud800"]'], "must be list[float]"),
        (["n=1", "xs=" + "[" * 5000], "must be list[float]"),
        (["n=1", "s=Upper"], "matched by"),
        (["n=1", "s=aaaaaaaaaa"], "of length 9 or less"),
        (["n=1", "b=1"], "must be bool"),
        (["n=1", "xs=1"], "must be list[float], not '1'; write it as JSON"),
        (["n=1", "xs=[]"], "of length 1 or more"),
        (["n=1", 'xs=["a"]'], "must be list[float]"),
        (["n=1", "mode=quick"], "parameter 'mode' must be one of fast, slow, not 'quick'"),
        (["n=1", "word=c"], "must be Literal['a', 'b']"),
    ],
)
def test_what_does_not_fit_is_one_sentence(ir: PipelineIR, pairs: list[str], message: str) -> None:
    with pytest.raises(WrongUsage) as raised:
        given_parameters(ir, pairs)
    assert message in raised.value.message
    assert "\n" not in raised.value.message


def test_values_from_code_are_checked_alike(ir: PipelineIR) -> None:
    values = arguments(ir, {"n": 2, "x": 1})
    assert list(values) == ["n", "x", "s", "b", "xs", "d", "mode", "word", "maybe"]
    assert isinstance(values["x"], float)
    for wrong in ({"n": "2"}, {"n": True}, {"n": 1, "x": -1}, {"n": 1, "mode": "FAST"}):
        with pytest.raises(ArgumentError):
            arguments(ir, wrong)


def test_enums_and_collections_arrive_as_their_annotations_say(tmp_path: Path) -> None:
    text = TYPES.replace(
        "maybe: int | None,\n) -> None: ...",
        "maybe: int | None,\n) -> str:\n"
        "    return repr((n, x, s, b, xs, d, mode.name, word, maybe))",
    )
    ran = Project(tmp_path).run(text, parameters={"n": 1, "x": 1, "mode": "slow", "xs": [1, 2]})
    assert ran.value("use") == "(1, 1.0, '', False, [1.0, 2.0], {}, 'SLOW', 'a', None)"
