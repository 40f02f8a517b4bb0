"""Whatever a user or a file says: a diagnostic or one plain sentence, never a traceback of ours."""

from __future__ import annotations

import json
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pytest
from cli_support import HELLO, Cli, process
from conftest import LONG
from hypothesis import given
from hypothesis import strategies as st

from penstock import Pipeline, Secret, pipeline, step
from penstock.backend import check_pipeline, load_backend
from penstock.diagnostics import PipelineError
from penstock.diagnostics.render import render_text
from penstock.diagnostics.sources import Sources
from penstock.ir.nodes import PipelineIR
from penstock.ir.plain import IRError, from_plain
from penstock.ir.text import dump_pipeline, load_pipeline
from penstock.ir.write import plan_digest
from penstock.ir.yamltext import YamlError, dump, load

Plain = dict[str, Any]

SAMPLE = (Path(__file__).parent / "samples" / "everything.yaml").read_text("utf-8")
"""A pipeline that uses each part of the format at least once."""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, monkeypatch, capsys)


# Targets that are not there, or are something else


@pytest.mark.parametrize(
    "target",
    [
        "gone.py",
        "gone.yaml",
        "gone.py:hello",
        "gone/gone.py",
        "gone:hello",
        "gone.deep:hello",
        "folder.py",
        "folder.yaml",
        "folder",
        ".",
        "..",
        "/",
        "",
        " ",
        ":",
        "::",
        "hello.py:",
        "hello.py:no",
        "hello.py:a b",
        "hello.txt",
        "hello",
        "json",
        "json:loads",
        "two-words.py",
        "1st.py",
        "__main__.py",
        "json.py",
        "click.py",
        "a\nb",
        "\x1b[31m.py",
        "hello.py\n",
        "x" * 300 + ".py",
        "é" * 5000,
        "-",
    ],
    ids=lambda text: ascii(text)[1:30],
)
def test_what_is_no_target_is_one_sentence(target: str, cli: Cli) -> None:
    for name in ("hello.py", "hello.txt", "two-words.py", "1st.py", "json.py", "click.py"):
        cli.write(name, HELLO)
    cli.write("__main__.py", HELLO)
    for name in ("folder", "folder.py", "folder.yaml"):
        (cli.folder / name).mkdir()
    for command in ("check", "ir"):
        done = cli(command, "--", target)
        assert (done.code, done.out) in {(1, ""), (2, "")}
        assert len(done.lines) == 1
        assert done.lines[0].startswith("error: ")
        assert done.lines[0].isprintable()
        assert len(done.lines[0]) < 500


def test_a_file_with_the_name_of_a_module_says_so(cli: Cli) -> None:
    cli.write("random.py", HELLO)
    done = cli("check", "random.py")
    assert done.code == 2
    assert "random.py has the name of another module" in done.err
    cli.write("pkg/__init__.py", "")
    cli.write("pkg/random.py", HELLO)
    assert cli("check", "pkg/random.py").code == 0


# The user's own errors: their headline, their line, no frame of ours


def own(*lines: str) -> str:
    return "from penstock import pipeline, step\n" + "\n".join(lines) + "\n"


BODY = own(
    "@step",
    "def load() -> int:",
    "    return 1",
    "",
    "",
    "def helper() -> None:",
    "    {}",
    "",
    "",
    "@pipeline",
    "def nightly() -> None:",
    "    load()",
    "    helper()",
)
TROUBLE = {
    "syntax": ("def f(:\n", 1, "SyntaxError: invalid syntax"),
    "indentation": ("if True:\nx = 1\n", 2, "IndentationError"),
    "import": ("import no_such_module\n", 1, "No module named 'no_such_module'"),
    "import_name": ("from penstock import no_such_name\n", 1, "cannot import name 'no_such_name'"),
    "exception": ("x = 1\nraise ValueError('mine\\nall mine')\n", 2, "ValueError: mine"),
    "chained": ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    {}['a']\n", 4, "KeyError: 'a'"),
    "group": ("raise ExceptionGroup('several', [ValueError('one')])\n", 1, "several"),
    "exit_0": ("import sys\nsys.exit(0)\n", 2, "SystemExit: 0"),
    "exit_text": ("raise SystemExit('enough')\n", 1, "SystemExit: enough"),
    "own_base": ("class Own(BaseException): ...\nraise Own('mine')\n", 2, "Own: mine"),
    "recursion": ("def f():\n    f()\nf()\n", 2, "RecursionError"),
    "no_function": (own("pipeline(3)"), 2, "@pipeline is for functions"),
    "no_option": (own("@step(retry=2)", "def f() -> None: ..."), 2, "no option 'retry'"),
    "outside": (own("from penstock import when", "when(True)"), 3, "belongs into a function"),
    "called": (f"{HELLO}\nhello()\n", len(HELLO.splitlines()) + 2, "is not called by itself"),
    "body_exception": (BODY.format("raise ValueError('mine')"), 8, "ValueError: mine"),
    "body_exit": (BODY.format("raise SystemExit(0)"), 8, "SystemExit: 0"),
    "body_base": (BODY.format("raise GeneratorExit"), 8, "GeneratorExit"),
    "body_recursion": (BODY.format("helper()"), 8, "RecursionError"),
    "body_attribute": (BODY.format("load.nonsense"), 8, "AttributeError"),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_the_user_s_error_is_shown_as_theirs(name: str, cli: Cli) -> None:
    text, line, said = TROUBLE[name]
    cli.write("mine.py", text)
    done = cli("check", "mine.py")
    assert (done.code, done.out) == (1, "")
    assert done.lines[0].startswith("error: ")
    assert f'mine.py", line {line}' in done.err
    assert said in done.err
    named = re.findall(r'File "([^"]*)"', done.err)
    assert {Path(file).name for file in named} == {"mine.py"}
    assert len(done.lines) < 130


@pytest.mark.parametrize(
    "data",
    [b"\x00\x01\x02", b"\x7fELF\x02", b"x = '\xff'\n", b"# coding: nonsense\n", b"\xff\xfeh\x00"],
    ids=["nul", "binary", "latin", "coding", "utf16"],
)
def test_a_file_that_is_no_python_is_theirs_too(data: bytes, cli: Cli) -> None:
    cli.write("mine.py", data)
    done = cli("check", "mine.py")
    assert (done.code, done.lines[0]) == (1, "error: mine does not import")
    assert "SyntaxError" in done.err
    assert "penstock" not in done.err.replace(str(cli.folder), "")


@pytest.mark.parametrize(
    "text",
    ["", "x = 1\n", "hello = 'no pipeline'\n", "from penstock import pipeline\n"],
    ids=["empty", "nothing", "text", "decorator"],
)
def test_a_file_without_a_pipeline_says_how_to_mark_one(text: str, cli: Cli) -> None:
    cli.write("none.py", text)
    done = cli("check", "none.py")
    assert (done.code, done.err) == (1, "error: none.py has no pipeline; mark one with @pipeline\n")


def test_a_file_that_cannot_be_read_is_one_sentence(cli: Cli) -> None:
    for name in ("locked.py", "locked.yaml"):
        cli.write(name, HELLO).chmod(0)
        if os.access(cli.folder / name, os.R_OK):  # the superuser may read everything
            (cli.folder / name).unlink()
            (cli.folder / name).symlink_to(name)
        done = cli("check", name)
        assert done.code in (1, 2)
        assert len(done.lines) == 1 or "PermissionError" in done.err


# YAML


YAMLS = {
    "empty": "",
    "nothing": "---\n",
    "text": "hello",
    "list": "- a\n- b\n",
    "number": "3",
    "broken": "a: [b\n",
    "tab": "a:\n\tb: 1\n",
    "alias": SAMPLE + "x: &a 1\ny: *a\n",
    "bomb": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
    "tag": SAMPLE + "x: !!python/object/apply:os.system [echo]\n",
    "duplicate": SAMPLE + "name: other\n",
    "merge": SAMPLE + "<<: {name: other}\n",
    "several": f"{SAMPLE}\n---\n{SAMPLE}",
    "deep_flow": "penstock: 1\nname: " + "[" * 5000,
    "deep_block": "".join(f"{' ' * depth}a:\n" for depth in range(500)),
    "deep_value": SAMPLE + "x: " + "{value: " * 60 + "1" + "}" * 60,
    "control": "name: '\x1b[31m'\n",
    "surrogate": 'name: "\\ud800"\n',
    "huge_number": f"penstock: {'9' * 10000}\n",
    "infinite": "penstock: .inf\n",
    "no_version": SAMPLE.partition("\n")[2],
    "next_version": SAMPLE.replace("penstock: 1", "penstock: 2"),
    "text_version": SAMPLE.replace("penstock: 1", 'penstock: "1"'),
    "true_version": SAMPLE.replace("penstock: 1", "penstock: true"),
    "unknown_field": SAMPLE + "nonsense: 1\n",
    "unknown_option": SAMPLE.replace("options:", "options:\n  nonsense: 1", 1),
    "json": '{"penstock": 1, "name": "a", "name": "b"}',
    "escape_in_a_name": 'penstock: 1\nname: a\nsteps: {"\\u001b[31m": 5}\n',
    "newline_in_a_name": 'penstock: 1\nname: a\nsteps: {"a\\nb": 5}\n',
    "escape_in_a_field": 'penstock: 1\nname: a\n"\\u001b[31m": 5\n',
    "long_name": f"penstock: 1\nname: a\nsteps: {{{'x' * 10000}: 5}}\n",
}


@pytest.mark.parametrize("name", YAMLS)
def test_bad_yaml_is_one_sentence_with_the_file(name: str, cli: Cli) -> None:
    cli.write("bad.yaml", YAMLS[name])
    done = cli("check", "bad.yaml")
    assert (done.code, done.out) == (1, "")
    assert len(done.lines) == 1
    assert done.lines[0].startswith("error: bad.yaml: ")
    assert done.lines[0].isprintable()
    assert len(done.lines[0]) < 500


def test_a_file_of_64_megabytes_is_refused_quickly(cli: Cli) -> None:
    with (cli.folder / "large.yaml").open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    done = cli("check", "large.yaml")
    assert (done.code, done.err) == (
        1,
        "error: large.yaml: the file is larger than 67108864 bytes (line 1, column 1)\n",
    )


def test_binary_data_is_no_yaml(cli: Cli) -> None:
    for data in (b"\x00" * 100, b"\x1f\x8b\x08\x00", b"\xff\xfea\x00", bytes(range(256))):
        cli.write("bad.yaml", data)
        done = cli("check", "bad.yaml")
        assert (done.code, len(done.lines)) == (1, 1)
        assert done.lines[0].isprintable()


def checked(text: str | bytes) -> PipelineIR | None:
    """The pipeline, or None where it is refused as it should be; all else is a bug of ours."""
    try:
        ir = load_pipeline(text)
        check_pipeline(ir)
    except (YamlError, IRError) as error:
        assert 0 < len(str(error)) < 600
        return None
    except PipelineError as error:
        _well_told(error)
        return None
    assert load_pipeline(dump_pipeline(ir)) == ir
    return ir


def _well_told(error: PipelineError) -> None:
    assert error.diagnostics
    for one in error.diagnostics:
        assert not one.code.startswith("PS9"), one.message
        assert 0 < len(one.message) <= 300
    shown = render_text(error.diagnostics, Sources(None))
    assert shown.replace("\n", "").isprintable()


def test_the_sample_is_a_good_pipeline() -> None:
    ir = checked(SAMPLE)
    assert ir is not None
    assert dump_pipeline(ir) == SAMPLE


def test_the_sample_cut_anywhere_is_refused_or_good() -> None:
    every = 1 if LONG else 7
    data = SAMPLE.encode()
    good = [end for end in range(0, len(data), every) if checked(data[:end]) is not None]
    assert len(good) < len(data) / every / 4


def paths(data: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every value in the data."""
    if at:
        yield at
    if isinstance(data, dict):
        for key, value in cast(Plain, data).items():
            yield from paths(value, (*at, key))
    elif isinstance(data, list):
        for position, value in enumerate(cast("list[object]", data)):
            yield from paths(value, (*at, position))


def changed(data: Any, path: tuple[str | int, ...], change: Callable[[Any, Any], Any]) -> Any:
    """A copy in which `change` was applied to the collection that holds the last of the path."""
    first, *rest = path
    copy = data.copy()
    if rest:
        copy[first] = changed(copy[first], tuple(rest), change)
        return copy
    return change(copy, first)


def without(holder: Any, key: Any) -> Any:
    del holder[key]
    return holder


def replaced(value: object) -> Callable[[Any, Any], Any]:
    def put(holder: Any, key: Any) -> Any:
        holder[key] = value
        return holder

    return put


def renamed(name: str) -> Callable[[Any, Any], Any]:
    def put(holder: Any, key: Any) -> Any:
        if isinstance(holder, list):
            return cast("list[object]", holder)
        entries = cast(Plain, holder).items()
        return {name if one == key else one: value for one, value in entries}

    return put


WRONG = [
    None,
    True,
    -1,
    "1e400",
    10**400,
    "",
    "x" * 10_000,
    "\x1b[31m\r\n",
    [],
    {},
    ["a"],
    {"value": None},
]
CHANGES = MappingProxyType(
    {
        "removed": without,
        **{f"replaced by {repr(value)[:12]}": replaced(value) for value in WRONG},
        **{
            f"renamed to {name[:8]!r}": renamed(name)
            for name in ("", "x", "\x1b", "a b", "x" * 300)
        },
    }
)


@pytest.mark.parametrize("change", CHANGES)
def test_the_sample_with_any_part_changed_is_refused_or_good(change: str) -> None:
    """Through the front door of the data; that it is YAML changes nothing but the time it takes."""
    data = load(SAMPLE)
    backends = [load_backend(name) for name in ("airflow", "kubeflow", "local")] if LONG else []
    for path in paths(data):
        if path[-1] == "at" and not LONG:
            continue
        try:
            ir = from_plain(changed(data, path, CHANGES[change]))
            check_pipeline(ir)
            for backend in backends:
                check_pipeline(ir, backend)
        except IRError as error:
            assert 0 < len(str(error)) <= 300, path
        except PipelineError as error:
            _well_told(error)
        except Exception as error:
            error.add_note(f"at {path}")
            raise


@given(st.data())
def test_the_sample_with_two_parts_changed_is_refused_or_good(data: st.DataObject) -> None:
    plain = load(SAMPLE)
    for _ in range(2):
        path = data.draw(st.sampled_from(list(paths(plain))))
        change = data.draw(st.sampled_from(sorted(CHANGES)))
        plain = changed(plain, path, CHANGES[change])
    try:
        text = dump(plain)
    except ValueError:  # what YAML itself cannot hold
        return
    checked(text)


@given(st.text(max_size=200))
def test_any_text_is_refused(text: str) -> None:
    assert checked(text) is None


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    assert checked(data) is None


# Hostile names and values, through the language and through YAML

HOSTILE = [
    "'",
    '"',
    "\\",
    "a\nb",
    "a\rb",
    "a\r\nb",
    "\x00",
    "\x1b[31m",
    "\u2028",
    "\u202e",
    "\ufeff",
    "\ud800",
    "{{ x }}",
    "{% raw %}",
    "{{$.inputs.parameters['x']}}",
    "$(x)",
    "${x}",
    "`x`",
    "%(x)s",
    "# coding: rot13",
    "-*- coding: utf-7 -*-",
    "'''\nimport os\n'''",
    '"""',
    "yes",
    "null",
    "~",
    "1e3",
    "0x1f",
    "2026-01-01",
    "<<",
    "- a",
    "a: b",
    "a #b",
    "&a",
    "*a",
    "!a",
    " ",
    "",
    "😀",
    "é" * 200,
    "x" * 10_000,
    "../../x",
    "/etc/passwd",
    "-rf",
    "con",
]
ANY_TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(), st.text(st.characters(codec=None)))


@step
def say(text: str, more: dict[str, str]) -> str:
    return text + str(more)


def traced(text: str, place: str) -> PipelineIR:
    """A pipeline that holds the text at the place."""
    options: dict[str, Any] = {}
    more: dict[str, Any] = {}
    if place in ("name", "description", "owner"):
        options[place] = text
    elif place == "tag":
        options["tags"] = [text]
    elif place in ("step", "env", "env_name", "image", "require", "package", "secret", "after"):
        by_place: dict[str, dict[str, Any]] = {
            "step": {"name": text},
            "env": {"env": {"A": text}},
            "env_name": {"env": {text: "a"}},
            "image": {"image": text},
            "require": {"requires": [text]},
            "package": {"packages": [text]},
            "secret": {"secrets": [Secret(text)]},
            "after": {"after": [text]},
        }
        more = by_place[place]
    elif place == "schedule":
        options["schedule"] = text

    def body(given: str = text if place == "default" else "") -> str:
        value = text if place == "value" else given
        key = text if place == "key" else "a"
        return say.options(**more)(value, {key: "b"})

    return cast("Pipeline[..., str]", pipeline(**options)(body)).trace()


PLACES = [
    *("name", "description", "owner", "tag", "schedule", "step", "env", "env_name", "image"),
    *("require", "package", "secret", "after", "default", "value", "key"),
]


@pytest.mark.parametrize("place", PLACES)
@given(text=ANY_TEXT)
def test_hostile_text_round_trips_or_is_refused(place: str, text: str) -> None:
    try:
        ir = traced(text, place)
        check_pipeline(ir)
    except PipelineError as error:
        _well_told(error)
        return
    except IRError as error:
        assert str(error).isprintable()
        return
    written = dump_pipeline(ir)
    assert not _UNSEEN.search(written)
    again = load_pipeline(written)
    assert again == ir
    assert plan_digest(again) == plan_digest(ir)
    assert text in _texts(ir.model_dump())


_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\ufeff]")
"""Characters that would change the terminal, or how the text is read."""


def _texts(value: object) -> set[str]:
    """Every text in the data, JSON text read."""
    if isinstance(value, str):
        found = {value}
        if value[:1] in ('"', "{", "["):
            with suppress(ValueError):
                found |= _texts(json.loads(value))
        return found
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value).items()
        return {text for pair in pairs for one in pair for text in _texts(one)}
    if isinstance(value, list | tuple):
        return {text for one in cast("list[object]", value) for text in _texts(one)}
    return set()


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[1:20])
def test_hostile_text_of_a_file_reaches_no_terminal_raw(text: str, cli: Cli) -> None:
    data = cast(Plain, load(SAMPLE))
    data["description"] = text
    data["owner"] = text
    data["tags"] = [text]
    first = next(iter(data["steps"]))
    data["steps"][first]["after"] = [text]
    try:
        cli.write("hostile.yaml", dump(data))
    except ValueError:
        assert text == "\ud800"
        return
    for words in (["check"], ["ir"], ["graph"], ["graph", "-o", "x.svg"]):
        done = cli(words[0], "hostile.yaml", *words[1:])
        assert done.code in (0, 1)
        assert (done.out + done.err).replace("\n", "").isprintable()
    data["steps"][first].pop("after")
    cli.write("hostile.yaml", dump(data))
    for words in (["check"], ["ir"], ["graph"], ["graph", "-o", "x.svg"]):
        done = cli(words[0], "hostile.yaml", *words[1:])
        assert (done.code, done.err) == (0, "")
        assert done.out.replace("\n", "").isprintable()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "mark"])
def test_line_endings_do_not_move_a_place(ending: str, mark: str, cli: Cli) -> None:
    text = own("@step", "def f() -> int: ...", "@pipeline", "def p() -> None:", "    if f(): ...")
    cli.write("ends.py", (mark + text.replace("\n", ending)).encode())
    done = cli("check", "ends.py")
    assert done.lines[1] == " --> ends.py:6:8"
    assert done.lines[3] == "6 |     if f(): ..."


def test_a_file_in_latin_1_is_shown_as_it_is(cli: Cli) -> None:
    text = "# coding: latin-1\n" + own(
        "@step",
        "def f(größe: str) -> int: ...",
        "@pipeline",
        "def p() -> None:",
        "    if f(größe='ü'): ...",
    )
    cli.write("latin.py", text.encode("latin-1"))
    done = cli("check", "latin.py")
    assert done.lines[1:5] == [
        " --> latin.py:7:8",
        "  |",
        "7 |     if f(größe='ü'): ...",
        "  |        ^^^^^^^^^^^^ used as a Python bool",
    ]


def test_a_module_that_goes_away_has_no_source(cli: Cli) -> None:
    text = f"import os\nos.unlink(__file__)\n{own('@pipeline', 'def p() -> None: ...')}"
    cli.write("gone.py", text)
    done = cli("check", "gone.py")
    assert done.code == 1
    assert done.lines[0] == "error[PS129]: pipeline 'p' has no steps"


def test_a_module_that_replaces_the_streams_is_no_failure(cli: Cli) -> None:
    for line in ("sys.stdout = None", "sys.stdout.close()", "sys.excepthook = None"):
        cli.write("streams.py", f"import sys\n{line}\n{HELLO}")
        done = process("check", "streams.py", cwd=cli.folder)
        assert "Traceback" not in done.err
        assert done.code == 0


def test_the_interpreter_s_limits_are_the_user_s(cli: Cli) -> None:
    cli.write("limit.py", f"import sys\nsys.setrecursionlimit(200)\n{HELLO}")
    done = process("check", "limit.py", cwd=cli.folder)
    assert "Traceback" not in done.err
    assert done.code in (0, 1)


def test_deep_python_is_theirs(cli: Cli) -> None:
    cli.write("deep.py", f"x = {'(' * 300}1{')' * 300}\n")
    done = cli("check", "deep.py")
    assert (done.code, done.lines[0]) == (1, "error: deep does not import")
    assert textwrap.dedent(done.err).count("penstock") == 0
    assert sys.version_info >= (3, 11)
