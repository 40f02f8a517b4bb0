"""Each code has a page; its example raises the code at the marked line, and its fix compiles."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from diagnostics_support import HEADINGS, Block, is_pipeline, load_block, problems, read_page

from penstock.backend import check_pipeline
from penstock.cli import penstock
from penstock.diagnostics import PipelineError
from penstock.diagnostics.pages import page, titles
from penstock.diagnostics.render import render_text
from penstock.diagnostics.sources import Sources
from penstock.ir.lookup import lookup
from penstock.passes import CHECKS, SHAPE
from penstock.passes.model import Log

ROOT = Path(__file__).resolve().parents[1]
CODES = sorted(titles())
OURS = {"PS901", "PS902"}
"""The codes without an example: bugs of penstock."""
WITH_EXAMPLE = [code for code in CODES if code not in OURS]
CHECKING = [
    file
    for file in sorted([*ROOT.glob("compiler/**/*.py"), *ROOT.glob("backends/**/*.py")])
    if "@check(" in file.read_text("utf-8") and "kubeflow/checks" not in file.as_posix()
]
"""Modules with checks; those of Kubeflow share the codes of one check among several files."""
_CODE = re.compile(r"(?:^|\[)(PS\d{3})(?:$|\])")


def codes_in_source() -> set[str]:
    found: set[str] = set()
    for file in [*ROOT.glob("compiler/**/*.py"), *ROOT.glob("backends/**/*.py")]:
        found |= codes_in(ast.parse(file.read_bytes()))
    return found


def codes_in(tree: ast.AST) -> set[str]:
    return {
        code
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for code in _CODE.findall(node.value)
    }


def blocks(code: str, heading: str) -> list[Block]:
    found = [one for one in read_page(code).blocks(heading) if one.kind in ("python", "yaml")]
    assert found, f"{code}.md shows no code under {heading!r}"
    return found


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert codes_in_source() == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_has_the_headings_and_fits_a_screen(code: str) -> None:
    found = read_page(code)
    assert list(found.sections) == HEADINGS
    assert all(text.strip() for text in found.sections.values())
    lines = page(code).splitlines()
    assert len(lines) < 60
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("code", CODES)
def test_explain_prints_the_page(code: str) -> None:
    shown = CliRunner().invoke(penstock, ["explain", code.lower()])
    assert (shown.exit_code, shown.output) == (0, page(code))


def test_explain_lists_all_codes() -> None:
    shown = CliRunner().invoke(penstock, ["explain"])
    assert [line[:5] for line in shown.output.splitlines()] == CODES


@pytest.mark.parametrize("code", WITH_EXAMPLE)
def test_the_example_raises_what_it_marks(code: str, tmp_path: Path) -> None:
    for block in blocks(code, "Example"):
        found = problems(block, tmp_path)
        marked = block.marked()
        assert code in {one for one, _ in marked}
        if block.kind == "yaml":  # its places are those of the Python that it came from
            assert {one.code for one in found} == {one for one, _ in marked}
        else:
            places = [(one.code, one.span.line if one.span else 0) for one in found]
            assert sorted(places) == sorted(marked)
            assert {one.span.file for one in found if one.span} == {"example.py"}
        assert {f"# {one.severity}: {one.code}" in block.text for one in found} == {True}


@pytest.mark.parametrize("code", WITH_EXAMPLE)
def test_every_problem_says_what_to_do(code: str, tmp_path: Path) -> None:
    for block in blocks(code, "Example"):
        for one in problems(block, tmp_path):
            assert one.hint
            for text in (one.message, one.label, one.hint):
                assert "\n" not in text
                assert not text.endswith(".")
            assert len(one.message) <= 120


@pytest.mark.parametrize("code", WITH_EXAMPLE)
def test_the_fix_compiles(code: str, tmp_path: Path) -> None:
    for block in blocks(code, "Use instead"):
        assert problems(block, tmp_path) == ()


@pytest.mark.parametrize("code", WITH_EXAMPLE)
def test_a_message_on_a_page_is_the_message(code: str, tmp_path: Path) -> None:
    shown = [one.text for one in read_page(code).blocks("Example") if one.kind == "text"]
    for text in shown:
        (block,) = blocks(code, "Example")
        whole = render_text(problems(block, tmp_path), Sources(tmp_path))
        assert text == whole.partition("\n\n")[0] + "\n"


@pytest.mark.parametrize("code", WITH_EXAMPLE)
def test_a_check_reports_only_the_codes_it_names(code: str, tmp_path: Path) -> None:
    for block in filter(is_pipeline, blocks(code, "Example")):
        try:
            ir = load_block(block, tmp_path).ir
        except PipelineError:
            continue
        for one in (*SHAPE, *CHECKS):
            log = Log()
            one(lookup(ir), log)
            assert {found.code for found in log.found} <= one.reports


@pytest.mark.parametrize("file", CHECKING, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_the_codes_in_a_module_are_those_that_its_checks_name(file: Path) -> None:
    tree = ast.parse(file.read_bytes())
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                named |= codes_in(decorator)
            node.decorator_list = []
    assert codes_in(tree) == named


@pytest.mark.parametrize("code", sorted(OURS))
def test_a_bug_of_ours_says_how_to_report_it(code: str) -> None:
    assert "report" in read_page(code).sections["Use instead"]
    assert read_page(code).blocks("Example") == []


def test_the_pages_teach_one_clean_pipeline_each(tmp_path: Path) -> None:
    """A fix is whole: it can be traced, checked, written as YAML, and read back."""
    from penstock.ir.text import dump_pipeline, load_pipeline

    for code in WITH_EXAMPLE:
        for number, block in enumerate(filter(is_pipeline, blocks(code, "Use instead"))):
            target = load_block(block, tmp_path, f"{code.lower()}_{number}")
            ir = check_pipeline(target.ir).written
            assert load_pipeline(dump_pipeline(ir)) == ir
