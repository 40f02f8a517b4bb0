"""Values become Python text that gives them back, laid out as the formatters would leave it."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock_airflow.python_text import (
    Call,
    DictOf,
    ListOf,
    Literal,
    Method,
    Name,
    Shift,
    Starred,
    lit,
    render,
)

HOSTILE = [
    *["", "'", '"', "'\"", '""\'', "''\"", '"""', "'''", "\\", "\\'", '\\"', "\\\\'\"", "a\\\"b'c"],
    *[
        "\n",
        "\r",
        "\r\n",
        "a\rprint(1)",
        "\x00",
        "\x1b",
        "\t",
        "\x7f",
        "\x85",
        "\xa0",
        "\u2028",
        "\u202e",
    ],
    *[
        "\ud800",
        "\udfff",
        "\ufeff",
        "\U0001f600",
        "é",
        "日本語",
        "e\u0301",
        "\N{ZERO WIDTH JOINER}",
    ],
    *[
        "{{ 7*7 }}",
        "{% raw %}",
        "{#",
        "${HOME}",
        "%s",
        "{x}",
        '"); import os; ("',
        "# type: ignore",
    ],
    *[
        "-*- coding: utf-7 -*-",
        "# coding: unicode_escape",
        "\\N{BULLET}",
        "\\x41",
        "\\u0041",
        "\\\n",
    ],
    *["x" * 10_000, "'\"\\" * 3_000, "word " * 30, "f'{x}'", "fmt: off", "noqa", "日" * 40],
]

scalars = st.one_of(
    st.sampled_from([text for text in HOSTILE if len(text) < 1_000]),
    st.text(),
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**70), 10**70),
    st.floats(allow_nan=False, allow_infinity=False),
)


def _collections(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(values, max_size=5)
    return st.one_of(lists, lists.map(tuple), st.dictionaries(scalars, values, max_size=5))


values = st.recursive(scalars, _collections, max_leaves=8)


class Maker(Random):
    """Expressions by chance, one and the same for a seed; hypothesis is too slow for so many."""

    def text(self) -> str:
        if self.random() < 0.1:
            return self.choice(HOSTILE)[:200]
        letters = self.choice(
            ["abc def ", "ab '\"\\{}\n\r\t\x00\x1b\ud800é日\U0001f600\u200b\u0301\u202e#%"]
        )
        return "".join(self.choices(letters, k=self.choice([0, 1, 3, 10, 20, 40, 70, 80])))

    def name(self) -> str:
        return "n" + "".join(self.choices("abc_0", k=self.choice([0, 3, 8, 15, 25])))

    def dotted(self) -> str:
        return ".".join(self.name() for _ in range(self.choice([1, 1, 2])))

    def scalar(self) -> Any:
        if self.random() < 0.6:
            return self.text()
        number = self.randint(-(10 ** self.choice([1, 5, 30])), 10**20)
        return self.choice([number, 1e16, 1e-5, -0.0, 0.1, 1.5e300, -2.5, True, False, None])

    def value(self, depth: int) -> Any:
        kind = self.random()
        if depth > 4 or kind < 0.5:
            return self.scalar()
        items = [self.value(depth + 1) for _ in range(self.choice([0, 1, 1, 2, 3, 8]))]
        if kind < 0.65:
            return items
        return tuple(items) if kind < 0.8 else {self.scalar(): item for item in items}

    def node(self, depth: int) -> Any:
        kind = self.random()
        if depth > 3 or kind < 0.4:
            return Literal(self.value(depth + 1))
        if kind < 0.5:
            return Name(self.dotted())
        if kind < 0.7:
            return self.call(depth)
        items = [self.node(depth + 1) for _ in range(self.choice([0, 1, 2, 5]))]
        if kind < 0.85:
            return ListOf(tuple(items))
        return DictOf(tuple((self.text(), item) for item in items))

    def call(self, depth: int, chain: bool = True) -> Call:
        args = tuple(self.node(depth + 1) for _ in range(self.choice([0, 0, 1, 2])))
        named = {self.name(): self.node(depth + 1) for _ in range(self.choice([0, 1, 2, 4]))}
        kwargs: tuple[Any, ...] = tuple(named.items())
        if depth < 4 and self.random() < 0.3:
            kwargs += (Starred(Name("STEP") if self.random() < 0.5 else self.call(depth + 1)),)
        if chain and self.random() < 0.3:
            return Call(Method(self.call(depth, chain=False), self.name()), args, kwargs)
        return Call(self.dotted(), args, kwargs)

    def shift(self) -> Shift:
        def operand() -> Any:
            names = tuple(Name(self.name()) for _ in range(self.choice([1, 2, 5])))
            return self.choice([names[0], names[0], ListOf(names), Call(self.dotted(), names)])

        chain = Shift(operand(), operand())
        for _ in range(self.choice([0, 0, 1, 3])):
            chain = Shift(chain, operand())
        return chain

    def expression(self) -> Any:
        kind = self.random()
        return self.node(0) if kind < 0.4 else self.call(0) if kind < 0.7 else self.shift()


def formatted(text: str, folder: Path) -> str:
    """What `ruff format` makes of it by default, in a folder that configures nothing."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--isolated", "--stdin-filename", "x.py", "-"],
        input=text.encode(),
        cwd=folder,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def tree(node: Any) -> Any:
    """The syntax tree that a node stands for, made without any text."""
    if isinstance(node, Literal):
        return _constant(node.value)
    if isinstance(node, Name):
        return _dotted(node.name)
    if isinstance(node, ListOf):
        return ast.List([tree(item) for item in node.items], ast.Load())
    if isinstance(node, DictOf):
        keys: list[ast.expr | None] = [_constant(key) for key, _ in node.pairs]
        return ast.Dict(keys, [tree(item) for _, item in node.pairs])
    if isinstance(node, Shift):
        return ast.BinOp(tree(node.left), ast.RShift(), tree(node.right))
    assert isinstance(node, Call)
    func = node.func
    made = (
        ast.Attribute(tree(func.call), func.name, ast.Load())
        if isinstance(func, Method)
        else _dotted(func if isinstance(func, str) else func.name)
    )
    keywords = [
        ast.keyword(None, tree(item.node))
        if isinstance(item, Starred)
        else ast.keyword(item[0], tree(item[1]))
        for item in node.kwargs
    ]
    return ast.Call(made, [tree(item) for item in node.args], keywords)


def _dotted(name: str) -> ast.expr:
    return ast.parse(name, mode="eval").body


def _constant(value: object) -> ast.expr:
    if isinstance(value, list | tuple):
        items = [_constant(item) for item in cast("list[object]", value)]
        return (ast.List if isinstance(value, list) else ast.Tuple)(items, ast.Load())
    if isinstance(value, dict):
        pairs = cast("dict[object, object]", value)
        keys: list[ast.expr | None] = [_constant(key) for key in pairs]
        return ast.Dict(keys, [_constant(item) for item in pairs.values()])
    if isinstance(value, int | float) and math.copysign(1, value) < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(cast(Any, value))


@settings(max_examples=200, deadline=None)
@given(values, st.integers(0, 100))
def test_the_text_gives_the_value_back(value: Any, column: int) -> None:
    text = lit(value, column=column)
    assert repr(ast.literal_eval(text)) == repr(value)
    assert "\r" not in text and "\x00" not in text
    assert text == text.encode("utf-8").decode("utf-8")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:20])
def test_a_hostile_string_stays_one_token(text: str) -> None:
    written = lit(text)
    assert written.isprintable()
    assert len(written.splitlines()) == 1
    assert ast.literal_eval(written) == text
    call = render(
        Call("f", (Literal(text),), (("a", Literal([text])), ("b", Literal({text: text}))))
    )
    assert ast.dump(ast.parse(call)) == ast.dump(
        ast.parse("f({0}, a=[{0}], b={{{0}: {0}}})".format(repr(text)))
    )


@pytest.mark.parametrize("seed", range(1_000, 1_010))
def test_the_text_is_the_expression_and_no_other(seed: int) -> None:
    maker = Maker(seed)
    for _ in range(20):
        node = maker.expression()
        assert ast.dump(ast.parse(render(node), mode="eval").body) == ast.dump(tree(node))


def statement(node: Any, lead: str, depth: int) -> str:
    indent = 4 * depth
    suffix = " as dag:" if lead == "with " else ""
    text = render(node, column=indent + len(lead), indent=indent, suffix=suffix)
    around = "".join(f"{' ' * (4 * level)}if x:\n" for level in range(depth))
    body = f"\n{' ' * (indent + 4)}pass" if suffix else ""
    return f"{around}{' ' * indent}{lead}{text}{suffix}{body}\n"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_formatter_changes_nothing(seed: int, tmp_path: Path) -> None:
    maker = Maker(seed)
    lines = ["x = 1\n"]
    for _ in range(100):
        depth = maker.choice([0, 1, 2])
        lines.append(statement(maker.node(0), maker.name() + " = ", depth))
        lines.append(statement(maker.call(0), "", depth))
        lines.append(statement(maker.call(0), "with ", depth))
        lines.append(statement(maker.shift(), "", depth))
    text = "".join(lines)
    ast.parse(text)
    assert formatted(text, tmp_path) == text


def test_the_line_is_filled_to_its_last_column(tmp_path: Path) -> None:
    lines = ["x = 1\n"]
    for width in range(50, 95):
        for node in (
            Literal("s" * width),
            Literal("日" * (width // 2) + "s" * (width % 2)),
            Literal(["a" * width]),
            Literal(("a" * width,)),
            Literal({"a" * (width // 2): "b" * (width // 2)}),
            Literal({"k": ["a" * (width // 2), "b" * (width // 2)]}),
            Name("n" * width),
            Call("f" * width),
            Call("f", (Literal("a" * width),)),
            Call("f", (), (("k", Literal("a" * width)), ("m", Call("g", (Name("n" * width),))))),
            Call(Method(Call("f", (Name("n" * (width // 2)),)), "m"), (Name("n" * (width // 2)),)),
            Call(Method(Call("f", (Name("n" * width),)), "as_teardown")),
        ):
            lines.append(statement(node, "value = ", 1))
        lines.append(statement(Shift(Name("a" * (width // 2)), Name("b" * (width // 2))), "", 1))
        lines.append(statement(Shift(Name("a"), ListOf((Name("b" * width), Name("c")))), "", 1))
        call = Call("DAG", (), (("dag_id", Literal("a" * width)),))
        lines.append(statement(call, "with ", 0))
    text = "".join(lines)
    assert formatted(text, tmp_path) == text


def test_the_layout_is_what_a_colleague_would_write() -> None:
    make = Call(
        "StepOperator",
        kwargs=(
            ("task_id", Literal("make")),
            ("environment", Call("env", kwargs=(("n", Literal("{{ params.n | tojson }}")),))),
            ("retries", Literal(2)),
            Starred(Name("STEP")),
        ),
    )
    assert "make = " + render(make, column=7) == (
        "make = StepOperator(\n"
        '    task_id="make",\n'
        '    environment=env(n="{{ params.n | tojson }}"),\n'
        "    retries=2,\n"
        "    **STEP,\n"
        ")"
    )
    mapped = Call(
        Method(Call("StepOperator.partial", make.args, make.kwargs), "expand"),
        kwargs=(("command", Call("fan.output.map", (Name("square_command"),))),),
    )
    assert render(mapped, column=9).endswith("\n).expand(command=fan.output.map(square_command))")
    assert (
        render(Shift(Shift(Name("a"), Name("b")), ListOf((Name("c"), Name("d")))))
        == "a >> b >> [c, d]"
    )
    assert render(
        Shift(Name("a"), ListOf((Name("b" * 50), Name("c" * 50)))), indent=4, column=4
    ) == (f"a >> [\n        {'b' * 50},\n        {'c' * 50},\n    ]")
    assert render(Literal("v" * 70), column=15) == f'"{"v" * 70}"'
    assert render(Literal("v" * 70), column=17) == f'(\n    "{"v" * 70}"\n)'


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a", '"a"'),
        ("'", '"\'"'),
        ('"', "'\"'"),
        ("'\"", '"\'\\""'),
        ('""\'', "'\"\"\\''"),
        ("\r", '"\\r"'),
    ],
)
def test_quotes_are_double_unless_that_escapes_more(text: str, written: str) -> None:
    assert lit(text) == written


class Word(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [b"a", {1}, object(), 1j, ..., Word("a"), frozenset[int](), range(3)],
    ids=lambda value: type(value).__name__,
)
def test_other_values_are_refused(value: Any) -> None:
    for wrapped in (value, [value], (1, (value,)), {"a": value}, {Word("a"): value}):
        with pytest.raises(TypeError):
            Literal(wrapped)
        with pytest.raises(TypeError):
            lit(wrapped)
    with pytest.raises(TypeError):
        Literal({(1, 2): "a"})


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 10**4300], ids=["nan", "inf", "-inf", "long"]
)
def test_numbers_without_a_literal_are_refused(value: Any) -> None:
    for wrapped in (value, [value], {"a": (value,)}, {value: 1}):
        with pytest.raises(ValueError):
            lit(wrapped)


def test_values_changed_after_the_fact_are_still_checked() -> None:
    items: list[Any] = []
    node = Literal(items)
    items.append(b"a")
    with pytest.raises(TypeError):
        render(node)


def test_depth_is_bounded() -> None:
    value: Any = 1
    for _ in range(64):
        value = [value]
    assert ast.literal_eval(lit(value)) == value
    with pytest.raises(ValueError, match="deeper than 64"):
        lit([value])
    loop: list[Any] = []
    loop += [loop, loop]
    with pytest.raises(ValueError, match="deeper than 64"):
        lit(loop)
    node: Any = Name("a")
    for _ in range(65):
        node = ListOf((node,))
    with pytest.raises(ValueError, match="deeper than 64"):
        render(node)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "x; import os",
        "a\n",
        "1a",
        "class",
        "None",
        "a.",
        ".a",
        "a..b",
        "é",
        "a.if",
        "a-b",
        "a()",
    ],
)
def test_names_are_checked(name: str) -> None:
    with pytest.raises(ValueError, match="not a Python name"):
        Name(name)
    with pytest.raises(ValueError, match="not a Python name"):
        Call(name)
    with pytest.raises(ValueError, match="not a Python name"):
        Call("f", kwargs=((name, Literal(1)),))
    with pytest.raises(ValueError, match="not a Python name"):
        Method(Call("f"), name)


def test_what_would_not_be_one_expression_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Call("f", kwargs=(("a", Literal(1)), ("a", Literal(2))))
    with pytest.raises(ValueError, match="three calls"):
        Method(Call(Method(Call("f"), "g")), "h")
    chain: Any = Shift(Name("a"), Name("b"))
    with pytest.raises(TypeError, match="Shift"):
        render(ListOf((chain,)))
    with pytest.raises(TypeError, match="Starred"):
        render(Call("f", (Starred(Name("a")),)))  # type: ignore[arg-type]  # the mistake under test
    with pytest.raises(ValueError, match="statement"):
        render(chain, column=4)


def test_ten_thousand_calls_are_quick() -> None:
    made = [
        Call(
            "StepOperator",
            kwargs=(
                ("task_id", Literal(f"train_{n}")),
                ("command", Literal(["train", f"--x={n}"])),
                ("environment", Call("env", kwargs=(("n", Literal("{{ params.n }}")),))),
                ("cpus", Literal(0.5)),
                ("mem_limit", Literal("128m")),
                ("retries", Literal(2)),
                ("doc_md", Literal("Makes the rows.")),
                Starred(Name("STEP")),
            ),
        )
        for n in range(10_000)
    ]
    begun = time.process_time()
    for node in made:
        render(node, column=10, indent=4)
    # Twice what a slow machine needs with nothing else on it; a tracer (coverage) is slower still.
    assert time.process_time() - begun < 1.2 * (10 if sys.gettrace() else 1)
