"""What `dump` writes, `load` and other YAML readers read equal; what is unclear is refused."""

from __future__ import annotations

import io
import math
import sys
import time
from typing import Any, cast

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from penstock.ir.yamltext import Flow, FlowList, YamlError, dump, load, locate

HOSTILE = [
    *[
        "",
        " ",
        "a ",
        " a",
        "\n",
        "a\n",
        "a\n\n",
        "\na",
        "a\n b\n",
        " a\nb",
        "a \nb",
        "a\n\tb",
        "\t",
    ],
    *["yes", "No", "ON", "off", "y", "N", "true", "FALSE", "null", "Null", "~", "=", "<<", "nan"],
    *["1", "-1", "+1", "1.0", "1e3", "1E3", "0o17", "0x1f", "017", "123e4567", "1_000", "0b11"],
    *["12:30:45", "1:20", "2026-01-01", "2026-01-01T00:00:00Z", ".inf", "-.INF", ".nan", ".5", "."],
    *[
        "e1234567",
        "deadbeef",
        "sha256:abc",
        "a: b",
        "a:",
        ":a",
        "a #b",
        "#a",
        "- a",
        "-",
        "?",
        "? a",
    ],
    *[
        "&a",
        "*a",
        "!a",
        "!!str a",
        "%a",
        "@a",
        "`a",
        "'a",
        '"a',
        "a\\b",
        "|",
        ">",
        "[a",
        "{a",
        "a,b",
    ],
    *["---", "...", "--- a", "a\n---\nb", "a\n...\n", "%YAML 1.1", "{{ 7*7 }}", "$(HOME)", "\\"],
    *["\x00", "\x07", "\x1b[31m", "\x7f", "\x80", "\x85", "a\x85b", "\xa0", "\u2028", "\u2029"],
    *["\ufeff", "\ufeffa", "a\ufeffb", "\ufffe", "\uffff", "\u202eabc", "\u2066a", "\U0001f600"],
    *[
        "\r",
        "a\rb",
        "a\r\nb\r\n",
        "é",
        "日本語",
        "x" * 3000,
        "word " * 300 + "x",
        "a  b",
        "a\n\n\nb",
    ],
    *["a\n# not a comment\n", "key: value\nother: value\n", "- a\n- b", "a\n\xa0", "\xa0\n\xa0"],
]

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(),
    st.text("abc \n"),
    st.text("yesnotrufal~.:-+_0123456789eExobXinIN ", max_size=8),
)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), floats, texts)


def _collections(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(values, max_size=5)
    dicts = st.dictionaries(texts, values, max_size=5)
    return st.one_of(lists, dicts, lists.map(FlowList), dicts.map(Flow))


data = st.recursive(scalars, _collections, max_leaves=12)


def same(left: object, right: object) -> bool:
    """Equal in value, in type (1, 1.0, True), in sign (-0.0) and in the order of keys."""
    return repr(left) == repr(right)


def ruamel(text: str) -> Any:
    reader: Any = YAML(typ="safe", pure=True)  # its functions have no types
    return reader.load(io.StringIO(text))


@settings(max_examples=400, deadline=None)
@given(data)
@example(Flow(a=FlowList([Flow(), FlowList(), [], {}])))
@example([[[]], [{}], {"a": [[1]]}])
def test_what_is_written_is_read_back_equal(value: Any) -> None:
    text = dump(value)
    assert same(value, load(text))
    assert same(value, load(text.encode()))
    assert dump(value) == text


@settings(max_examples=200, deadline=None)
@given(data)
def test_yaml_1_1_and_1_2_readers_agree(value: Any) -> None:
    text = dump(value)
    assert same(value, yaml.safe_load(text))
    assert same(value, ruamel(text))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_a_hostile_string_survives_in_every_place(text: str) -> None:
    value = {
        "key": text,
        "flow": Flow(a=text),
        "list": [text, [text]],
        text: {text: FlowList([text])},
    }
    written = dump(value)
    for reader in (load, yaml.safe_load, ruamel):
        assert same(value, reader(written)), reader
    assert same(text, load(dump(text)))


@pytest.mark.parametrize(
    "value", [1e-05, 1e16, 1.5e300, -0.0, 5e-324, 0.1, 1e22, -1e-7, 123456789.0]
)
def test_floats_stay_floats_everywhere(value: float) -> None:
    for reader in (load, yaml.safe_load, ruamel):
        assert same(value, reader(dump(value)))


def test_the_text_is_pleasant_to_read() -> None:
    value: dict[str, Any] = {
        "name": "churn",
        "source": Flow(file="churn.py", line=3),
        "digest": "abcdef1",
        "doc": "First line.\n\nSecond: line.\n",
        "steps": [
            {"id": "load", "after": [], "rate": 1e-05},
            {"id": "yes", "requires": FlowList(["pandas", "numpy"])},
            [1, [True, None]],
        ],
        "wide": FlowList(["x" * 30, "y" * 30, "z" * 30]),
        "empty": {},
    }
    assert dump(value, header="Written by hand.\n\nKeep.") == (
        "# Written by hand.\n#\n# Keep.\n"
        "name: churn\n"
        "source: {file: churn.py, line: 3}\n"
        'digest: "abcdef1"\n'
        "doc: |\n  First line.\n\n  Second: line.\n"
        "steps:\n"
        "  - id: load\n    after: []\n    rate: 1.0e-05\n"
        '  - id: "yes"\n    requires: [pandas, numpy]\n'
        "  - - 1\n    - - true\n      - null\n"
        f"wide:\n  - {'x' * 30}\n  - {'y' * 30}\n  - {'z' * 30}\n"
        "empty: {}\n"
    )


@pytest.mark.parametrize("length", range(80, 100))
def test_flow_lines_keep_to_the_width(length: int) -> None:
    value = {"a": [Flow(b="x" * (length - 20), c=FlowList([1, 2]))]}
    text = dump(value, width=90)
    assert max(map(len, text.splitlines())) <= 90
    assert ("{" in text) == (length + len("{b: , c: [1, 2]}") - 20 + len("  - ") <= 90)
    assert same(value, load(text))


def test_tuples_are_written_as_lists() -> None:
    assert load(dump({"a": (1, (2,), ())})) == {"a": [1, [2], []]}


def test_long_keys_are_read_everywhere() -> None:
    value = {"k" * 2000: {"l" * 2000: ["a\nb\n"]}, "list": [{"m" * 1500: Flow({"n" * 1500: 1})}]}
    for reader in (load, yaml.safe_load, ruamel):
        assert same(value, reader(dump(value)))


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        {1: 2},
        {None: 2},
        {True: 1},
        {Text("a"): 1},
        Text("a"),
        {1, 2},
        b"a",
        object(),
        [1j],
        Flow(cast(Any, {1: 2})),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_plain_data_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        dump({"a": "a", "value": value})


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, "\ud800", "a\udfffb", 10**4300],
    ids=["nan", "inf", "-inf", "half", "half inside", "long"],
)
def test_values_that_yaml_cannot_say_are_refused(value: object) -> None:
    for place in (value, [value], Flow(a=value), {"a": [FlowList([value])]}):
        with pytest.raises(ValueError):
            dump(place)


@pytest.mark.parametrize("header", ["a\rb: 1", "a\x00", "a\x85b", "a\u2028b", "\ud800"], ids=ascii)
def test_a_header_stays_a_comment(header: str) -> None:
    with pytest.raises(ValueError, match="header"):
        dump({}, header=header)
    assert load(dump({"a": 1}, header="%YAML 1.1\n---\nb: 2")) == {"a": 1}


def nested(depth: int, leaf: Any = 1) -> Any:
    value: Any = leaf
    for level in range(depth):
        value = {"a": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize("leaf", [1, [], {}], ids=repr)
def test_depth_has_the_same_limit_both_ways(leaf: Any) -> None:
    deep = 64 - (leaf != 1)
    assert load(dump(nested(deep, leaf))) == nested(deep, leaf)
    with pytest.raises(ValueError, match="deeper than 64"):
        dump(nested(deep + 1, leaf))
    with pytest.raises(YamlError, match="deeper than 64"):
        load(yaml.safe_dump(nested(deep + 1, leaf)))


def test_a_list_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop += [loop, loop]
    with pytest.raises(ValueError, match="deeper"):
        dump(loop)
    with pytest.raises(ValueError, match="deeper"):
        dump(FlowList([loop]))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[[{", "? - ", '{"a":', "- - ? "])
def test_deep_nesting_never_overflows(opening: str) -> None:
    begun = time.monotonic()
    with pytest.raises(YamlError):
        load(opening * 100_000)
    with pytest.raises(YamlError):
        load("".join(" " * level + "a:\n" for level in range(2000)))
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a: &x 1", "anchors", 1, 4),
        ("a:\n  - &x {b: 1}", "anchors", 2, 5),
        ("a: *x", "aliases", 1, 4),
        ("a: !!python/name:os.system x", "tags", 1, 4),
        ("a: !!str 1", "tags", 1, 4),
        ("a: ! 1", "tags", 1, 4),
        ("--- !!map\na: 1", "tags", 1, 5),
        ("a: 1\n<<: {b: 2}", "merge", 2, 1),
        ("a: 1\nb: 2\na: 3", "'a' stands twice", 3, 1),
        ("{b: {a: 1, 'a': 2}}", "'a' stands twice", 1, 12),
        ("1: a", "key must be text", 1, 1),
        ("b: {null: a}", "key must be text", 1, 5),
        ("true: a", "key must be text", 1, 1),
        ("{? : a}", "key must be text", 1, 4),
        ("? [a]\n: b", "key must be text", 1, 3),
        ("{a: 1}: b", "key must be text", 1, 1),
        ("a: 1\n---\nb: 2", "more than one", 2, 1),
        ("a\n--- \n", "more than one", 2, 1),
        ("", "no YAML document", 1, 1),
        ("# only a comment\n", "no YAML document", 2, 1),
        ("%YAML 1.1\n---\na", "directives", 1, 1),
        ("%TAG ! tag:x:\n---\na", "directives", 1, 1),
        ("a: .inf", "not a finite", 1, 4),
        ("a: -.Inf", "not a finite", 1, 4),
        ("a: .NaN", "not a finite", 1, 4),
        ("a: 1e999", "too large", 1, 4),
        ("a: " + "1" * 4301, "4300 digits", 1, 4),
        ("a: b\nc: \x00", "U+0000", 2, 4),
        ("a: '\x1b'", "U+001B", 1, 5),
        ("a: 'b\u2028'", "U+2028", 1, 6),
        ("a: \x85", "U+0085", 1, 4),
        ("a\r\nb\ufeff", "U+FEFF", 2, 2),
        ("a: \ud800", "U+D800", 1, 4),
        (b"a: 1\nb: \xff", "not UTF-8", 2, 4),
        (b"\xff\xfea\x00", "not UTF-8", 1, 1),
        ("a: [1", "not YAML", 2, 1),
        ("a: b: c", "not YAML", 1, 5),
        ("a: 'b", "not YAML", 1, 6),
        ("\ta: b", "not YAML", 1, 1),
        ('a: "\\q"', "not YAML", 1, 5),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_what_is_unclear_is_refused_at_its_place(
    text: str | bytes, message: str, line: int, column: int
) -> None:
    with pytest.raises(YamlError) as caught:
        load(text)
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)
    assert f"line {line}, column {column}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[
            (word, word)
            for word in ("yes", "No", "on", "OFF", "y", "tRUE", "<<", "=", "nan", "inf")
        ],
        *[
            (word, word)
            for word in ("0o17", "0x1f", "017", "1_000", "12:30:45", "2026-01-01", "0b1")
        ],
        *[(word, word) for word in ("+", "-a", ".", "1.2.3", "1e", "--1", "1e3x", ".e3")],
        *[("null", None), ("~", None), ("NULL", None), ("TRUE", True), ("False", False)],
        *[("1e3", 1000.0), ("1.", 1.0), (".5", 0.5), ("-1.5E-3", -0.0015), ("1.0", 1.0), ("-0", 0)],
        *[("+5", 5), ("-17", -17), ("0", 0), ('"1"', "1"), ("'null'", "null"), ("|-\n  1", "1")],
        ("9" * 4000, 10**4000 - 1),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    assert same({"a": [value]}, load(f"a:\n- {text}\n"))
    assert same(value, load(f"--- {text}\n...\n"))


@pytest.mark.parametrize("key", ["yes", "on", "2026-01-01", "0x1f", "12:30"])
def test_keys_are_text_as_values_are(key: str) -> None:
    assert load(f"{key}: 1") == {key: 1}
    assert load('"<<": 1') == {"<<": 1}


def test_line_ends_and_the_mark_of_editors_are_read() -> None:
    assert load(b"\xef\xbb\xbfa: 1\r\nb: |\r\n  c\r\n") == {"a": 1, "b": "c\n"}


def test_a_billion_laughs_are_refused_at_once() -> None:
    lines = ["a0: &a0 [lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    with pytest.raises(YamlError, match="anchors"):
        load("\n".join(lines))


def test_size_and_count_are_capped() -> None:
    with pytest.raises(YamlError, match="larger than 10 bytes"):
        load("a: " + "é" * 4, max_bytes=10)
    with pytest.raises(YamlError, match="larger than 10 bytes"):
        load(b"a: 12345678", max_bytes=10)
    assert load("a: " + "é" * 4, max_bytes=11) == {"a": "éééé"}
    assert load("[1, 2, 3]", max_nodes=4) == [1, 2, 3]
    with pytest.raises(YamlError, match="more than 4 values"):
        load("[1, 2, {}, 3]", max_nodes=4)
    with pytest.raises(YamlError, match="larger than"):
        load("#" * (64 * 1024 * 1024 + 1))


def test_a_text_cut_anywhere_is_read_or_refused() -> None:
    whole = dump(
        {"a": [1, {"b": Flow(c="x: y", d=FlowList([None, "é\x85"]))}], "e": "f\ng\n", "h": {}}
    )
    raw = whole.encode()
    for end in range(len(raw)):
        try:
            load(raw[:end])
        except YamlError as error:
            assert error.line >= 1 and error.column >= 1


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text("ab:-?[]{},&*!|>'\"%@#\n \t0<~"), st.binary(), st.text()))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    try:
        value = load(text)
    except YamlError:
        return
    assert same(value, load(dump(value)))


def test_locate_finds_a_value_again() -> None:
    text = "# head\nsteps:\n  - id: a\n    x: {y: [1, {z: 2}]}\n  - id: b\nend: 3\n"
    assert locate(text, ()) == (2, 1)
    assert locate(text, ("steps", 0, "id")) == (3, 9)
    assert locate(text, ("steps", 0, "x", "y", 1, "z")) == (4, 20)
    assert locate(text, ("steps", 1)) == (5, 5)
    assert locate(text, ("steps", 1, "no", "such")) == (5, 5)
    assert locate(text, ("steps", 7)) == (3, 3)
    assert locate(text, ("end", "deeper")) == (6, 6)


def test_ten_thousand_steps_are_quick() -> None:
    steps = [
        {
            "id": f"train_{n}",
            "callable": "churn.steps:Fit.run",
            "source": Flow(file="churn.py", line=n, column=4),
            "inputs": {"train": Flow(step=f"split_{n}", output="train"), "C": {"value": 0.5}},
            "outputs": [{"name": "model", "type": "sklearn.linear_model.LogisticRegression"}],
            "options": {"retries": 2, "timeout": 3600, "requires": FlowList(["scikit-learn"])},
            "after": [],
        }
        for n in range(10_000)
    ]
    begun = time.process_time()
    text = dump({"steps": steps})
    written = time.process_time()
    assert load(text) == {"steps": steps}
    # Twice what a slow machine needs with nothing else on it; a tracer (coverage) is slower still.
    slack = 10 if sys.gettrace() else 1
    assert written - begun < 1.6 * slack
    assert time.process_time() - written < 6 * slack
