"""What a diagnostic looks like: as text, to the letter; as JSON and as GitHub's annotations."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from goldens_support import TESTS, check_golden
from hypothesis import given
from hypothesis import strategies as st

from penstock.diagnostics import Diagnostic, PipelineError, Severity, Span
from penstock.diagnostics.render import render_github, render_json, render_text
from penstock.diagnostics.sources import Sources

GOLDENS = TESTS / "goldens" / "diagnostics"

AS_DESIGNED = """\
error[PS101]: this value does not exist until the pipeline runs
  --> churn.py:49:8
   |
49 |     if final["auc"] >= 0.9:
   |        ^^^^^^^^^^^^^^^^^^^ used as a Python bool
   |
   = help: branch with `with when(...):`, not `if`
"""


def at(line: int, text: str, part: str, file: str = "churn.py") -> Span:
    """The place of `part` in a line, counted in bytes of UTF-8, as Python does."""
    start = len(text[: text.index(part)].encode())
    return Span(file, line, start + 1, line, start + len(part.encode()) + 1)


def said(
    span: Span | None,
    code: str = "PS101",
    message: str = "this value does not exist until the pipeline runs",
    label: str = "used as a Python bool",
    hint: str = "branch with `with when(...):`, not `if`",
    severity: Severity = "error",
    notes: tuple[tuple[Span, str], ...] = (),
) -> Diagnostic:
    return Diagnostic(code, message, span, severity, label, hint, notes)


@dataclass
class Case:
    """Files, and what is said about them."""

    found: list[Diagnostic]
    files: dict[str, str] = field(default_factory=dict[str, str])
    colour: bool = False


def line_case(line: str, part: str, label: str = "here") -> Case:
    return Case([said(at(2, line, part), label=label)], {"churn.py": f"# first\n{line}\n"})


DESIGNED = '    if final["auc"] >= 0.9:'
WIDE = '    tell("データ", count() + 1)'
TWICE = "    store(rows, rows)"
CASES = {
    "as_designed": Case(
        [said(at(49, DESIGNED, 'final["auc"] >= 0.9'))],
        {"churn.py": "\n" * 48 + DESIGNED + "\n        publish()\n"},
    ),
    "wide_before": line_case(WIDE, "count() + 1"),
    "wide_inside": line_case(WIDE, '"データ"'),
    "emoji": line_case("    tell('🚀🚀', rows)", "rows"),
    "accents": line_case("    größe = naïve + 1", "naïve + 1"),
    "combining": line_case("    cafe\u0301 = rows + 1", "rows + 1"),
    "tabs": line_case("\tif\tready:", "ready"),
    "whole_line": Case([said(Span("churn.py", 1, 0, 1, 0))], {"churn.py": "def churn():\n"}),
    "last_line_without_end": Case(
        [said(at(1, "f(rows)", "rows"), label="here")], {"churn.py": "f(rows)"}
    ),
    "empty_label": line_case("    if ready:", "ready", label=""),
    "several_lines": Case(
        [said(Span("churn.py", 1, 6, 4, 2), label="a list of three")],
        {"churn.py": "rows(load(\n    1,\n    2,\n))\n"},
    ),
    "no_source": Case([said(Span("gone.py", 7, 3, 7, 9))]),
    "past_the_end": Case([said(Span("churn.py", 7, 3, 7, 9))], {"churn.py": "short\n"}),
    "past_the_end_of_the_line": Case(
        [said(Span("churn.py", 1, 40, 1, 50), label="here")], {"churn.py": "short\n"}
    ),
    "no_place": Case([said(None, message="pipeline 'churn' has no steps", label="")]),
    "no_hint": Case([said(at(1, "f(rows)", "rows"), hint="")], {"churn.py": "f(rows)\n"}),
    "notes": Case(
        [
            said(
                at(12, TWICE, "rows)"),
                "PS201",
                "'b' of store is a str, but a list is given",
                "a list is given",
                "pass a str",
                notes=(
                    (Span("lib/data.py", 2, 1, 2, 8), "the list comes from here"),
                    (Span("lib/gone.py", 3), "and this is asked"),
                ),
            )
        ],
        {"churn.py": "\n" * 11 + TWICE + "\n", "lib/data.py": "\nload(1)\n"},
    ),
    "warning": Case([said(Span("churn.py", 1), "PS407", "no effect there", severity="warning")]),
    "several": Case(
        [
            said(at(1, "f(rows)", "rows"), label="here"),
            said(at(2, "g(rows)", "rows"), "PS106", "not a number yet", "here", ""),
            said(None, "PS407", "no effect there", "", "", severity="warning"),
        ],
        {"churn.py": "f(rows)\ng(rows)\n"},
    ),
    "control_characters": Case(
        [
            said(
                at(1, "f('\x1b[31m\x0c', rows)", "rows", "a\x1b[2J.py"),
                message="\x1b[31mred\x1b[0m\nnext\rback \u202ereversed \udcff",
                label="\x07bell",
                hint="\x9b31mhidden\u200b",
                notes=((Span("b\n.py", 1), "\x08note"),),
            )
        ],
        {"a\x1b[2J.py": "f('\x1b[31m\x0c', rows)\n"},
    ),
    "byte_order_mark": Case(
        [said(at(1, "f(größe)", "größe"), label="here")], {"churn.py": "\ufefff(größe)\n"}
    ),
    "lone_carriage_returns": Case(
        [said(at(2, "g(rows)", "rows"), label="here")], {"churn.py": "f(1)\rg(rows)\r"}
    ),
    "colour": Case(
        [
            said(
                at(49, DESIGNED, 'final["auc"] >= 0.9'),
                notes=((Span("churn.py", 50), "noted"),),
            ),
            said(None, "PS407", "no effect there", "", "", severity="warning"),
        ],
        {"churn.py": "\n" * 48 + DESIGNED + "\n        publish()\n"},
        colour=True,
    ),
}


def sources(case: Case, folder: Path) -> Sources:
    for name, text in case.files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text.encode())
    return Sources(folder)


@pytest.mark.parametrize("name", CASES)
def test_the_text_is_the_golden(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    text = render_text(case.found, sources(case, tmp_path), colour=case.colour)
    check_golden(GOLDENS / f"{name}.txt", text.replace("\x1b", "<ESC>") + "\n")


def test_the_text_is_that_of_the_design(tmp_path: Path) -> None:
    case = CASES["as_designed"]
    text = render_text(case.found, sources(case, tmp_path))
    assert text == AS_DESIGNED + "\nfound 1 error"


@pytest.mark.parametrize("name", CASES)
def test_colours_change_nothing_but_colours(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    plain, coloured = (
        render_text(case.found, sources(case, tmp_path), colour=colour) for colour in (False, True)
    )
    assert re.sub(r"\x1b\[[0-9;]+m", "", coloured) == plain
    assert "\x1b" in coloured
    assert plain.replace("\n", "").isprintable()
    assert all(line == line.rstrip() for line in plain.splitlines())


def test_each_problem_is_told_once_in_source_order() -> None:
    first, second = said(Span("a.py", 9)), said(Span("b.py", 2))
    nowhere = said(None)
    error = PipelineError((nowhere, second, first, second))
    assert error.diagnostics == (first, second, nowhere)


@given(st.text(), st.text(), st.text(), st.text(), st.integers(1, 99), st.integers(1, 99))
def test_no_raw_control_character_comes_out(
    message: str, label: str, hint: str, file: str, col: int, end: int
) -> None:
    found = [said(Span(file, 1, col, 1, end), "PS101", message, label, hint)]
    for text in (
        render_text(found, Sources(None)),
        render_github(found, Sources(None)),
        render_json(found, Sources(None)),
    ):
        assert text.replace("\n", "").isprintable()
        text.encode()


@given(st.text(st.characters(exclude_characters="\r\nX", codec="utf-8")), st.data())
def test_the_caret_is_under_the_text(
    tmp_path_factory: pytest.TempPathFactory, line: str, data: st.DataObject
) -> None:
    """What stands above the carets is what the span holds, in columns of the terminal."""
    folder = tmp_path_factory.mktemp("caret")
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, len(line)))
    source = f"{line[:start]}{line[start:end]}X{line[end:]}"
    (folder / "churn.py").write_bytes(source.encode() + b"\n")
    col = len(source[:start].encode()) + 1
    span = Span("churn.py", 1, col, 1, len(source[: end + 1].encode()) + 1)
    shown = render_text([said(span, label="")], Sources(folder)).splitlines()
    assert shown[1].startswith(f" --> churn.py:1:{start + 1}")
    marks = shown[4]
    assert set(marks) <= set(" |^")
    assert columns(shown[3]).index("X") == len(marks) - 1


def columns(text: str) -> list[str]:
    """The text cell by cell, as a terminal shows it."""
    import unicodedata

    cells: list[str] = []
    for char in text:
        if unicodedata.combining(char):
            continue
        cells.append(char)
        if unicodedata.east_asian_width(char) in "WF":
            cells.append("")
    return cells


def test_a_file_in_another_encoding_is_read_as_python_reads_it(tmp_path: Path) -> None:
    line = "größe = rows + 1"
    (tmp_path / "churn.py").write_bytes(f"# coding: latin-1\n{line}\n".encode("latin-1"))
    shown = render_text([said(at(2, line, "rows + 1"))], Sources(tmp_path)).splitlines()
    assert shown[1] == " --> churn.py:2:9"
    assert shown[3] == f"2 | {line}"
    assert shown[4].index("^") == shown[3].index("rows")


@pytest.mark.parametrize("file", ["../outside.py", "link.py", "folder", "pipe", "x" * 5000, "\0"])
def test_a_file_outside_of_the_folder_is_never_opened(file: str, tmp_path: Path) -> None:
    import os

    (tmp_path / "outside.py").write_text("secret\n")
    root = tmp_path / "root"
    (root / "folder").mkdir(parents=True)
    (root / "link.py").symlink_to(tmp_path / "outside.py")
    os.mkfifo(root / "pipe")
    for name in (file, str(tmp_path / "outside.py")):
        assert Sources(root).line(name, 1) is None


def test_an_unknown_encoding_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "churn.py").write_bytes(b"# coding: nonsense\nrows\xff\n")
    assert Sources(tmp_path).line("churn.py", 2) == "rows\ufffd"


def test_json_has_a_stable_shape(tmp_path: Path) -> None:
    case = CASES["notes"]
    (found,) = json.loads(render_json(case.found, sources(case, tmp_path)))
    assert found == {
        "code": "PS201",
        "severity": "error",
        "message": "'b' of store is a str, but a list is given",
        "label": "a list is given",
        "help": "pass a str",
        "span": {"file": "churn.py", "line": 12, "column": 17, "end_line": 12, "end_column": 22},
        "notes": [
            {
                "span": {
                    "file": "lib/data.py",
                    "line": 2,
                    "column": 1,
                    "end_line": 2,
                    "end_column": 8,
                },
                "message": "the list comes from here",
            },
            {
                "span": {
                    "file": "lib/gone.py",
                    "line": 3,
                    "column": None,
                    "end_line": 3,
                    "end_column": None,
                },
                "message": "and this is asked",
            },
        ],
    }


def test_json_counts_columns_in_characters(tmp_path: Path) -> None:
    case = CASES["wide_before"]
    (found,) = json.loads(render_json(case.found, sources(case, tmp_path)))
    assert (found["span"]["column"], found["span"]["end_column"]) == (17, 28)


def test_json_of_nothing_is_an_empty_list() -> None:
    assert json.loads(render_json([], Sources(None))) == []
    (found,) = json.loads(render_json([said(None)], Sources(None)))
    assert found["span"] is None


def test_github_gets_one_line_for_each(tmp_path: Path) -> None:
    case = CASES["several"]
    assert render_github(case.found, sources(case, tmp_path)).splitlines() == [
        "::error file=churn.py,line=1,col=3,endLine=1,endColumn=7,title=PS101::this value does not"
        " exist until the pipeline runs%0Abranch with `with when(...):`, not `if`",
        "::error file=churn.py,line=2,col=3,endLine=2,endColumn=7,title=PS106::not a number yet",
        "::warning title=PS407::no effect there",
    ]


def test_github_reads_no_command_out_of_a_name() -> None:
    span = Span("a,line=1:b%.py", 3)
    found = said(span, message="50% of\n::error::it\r", hint="::stop-commands::x")
    text = render_github([found], Sources(None))
    assert text.count("\n") == 0
    assert text == (
        "::error file=a%2Cline=1%3Ab%25.py,line=3,endLine=3,title=PS101::50%25 of\\n::error::it\\r"
        "%0A::stop-commands::x"
    )
