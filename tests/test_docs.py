"""The pages are true: what they show is run, what they quote is emitted, and they build."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from diagnostics_support import fresh_imports
from pages_support import EMITTED, blocks, check_excerpt, follow

import penstock as language
from penstock.backend import backend_names, load_backend
from penstock.cli import COMMANDS, penstock
from penstock.cli.capabilities import as_markdown
from penstock.cli.picture import picture_of
from penstock.cli.targets import load_target
from penstock.diagnostics.pages import titles
from penstock.dsl.options import OPTION_NAMES
from penstock_records.picture import svg

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
UPDATE = os.environ.get("PENSTOCK_UPDATE_GOLDENS") == "1"
THIRD_PARTY = ROOT / "tests/third_party_backend"
MATRIX = re.compile(r"(?<=<!-- penstock backends -->\n\n).*?(?=<!-- end -->)", re.S)


def kept(file: Path, text: str) -> None:
    """Fails unless the file holds the text; writes it when goldens are updated."""
    if UPDATE:
        file.write_text(text, "utf-8")
    assert file.read_text("utf-8") == text, f"PENSTOCK_UPDATE_GOLDENS=1 updates {file.name}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_is_true(page: Path, tmp_path: Path) -> None:
    follow(page, tmp_path, UPDATE)


def test_a_false_page_is_found(tmp_path: Path) -> None:
    """The reader of pages must be able to fail, in each of its ways."""
    page = tmp_path / "page.md"
    hello = (ROOT / "examples/hello.py").read_text("utf-8")
    true = f'```python title="hello.py"\n{hello}```\n'
    for false in (
        "```console\n$ penstock check hello.py\nhello: 3 steps, no errors\n```\n",
        "```pycon\n>>> 1 + 1\n3\n```\n",
        "```python\nprint(1)\n```\n",
    ):
        page.write_text(true + false, "utf-8")
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            follow(page, tmp_path)
    check_excerpt("a\n...\nc\n", "a\nb\nc\n", "page")
    for wrong in ("a\nc\n", "c\n...\na\n", "b\n...\nb\n", " b\n"):
        with pytest.raises(AssertionError):
            check_excerpt(wrong, "a\nb\nc\n", "page")


def test_the_readme_shows_what_each_target_makes() -> None:
    quoted = {block.title for block in blocks((ROOT / "README.md").read_text("utf-8"))}
    assert {f"{EMITTED}iris.py", f"{EMITTED}iris.yaml"} <= quoted
    assert "penstock run iris.py" in (ROOT / "README.md").read_text("utf-8")


def test_the_table_of_the_readme_is_up_to_date() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    table = as_markdown([load_backend(name) for name in backend_names()])
    assert MATRIX.search(text), "the README has lost the marks around its table"
    kept(ROOT / "README.md", MATRIX.sub(lambda _: table + "\n\n", text))


def test_the_picture_is_up_to_date(tmp_path: Path) -> None:
    example = shutil.copy(ROOT / "examples/breast_cancer.py", tmp_path)
    with fresh_imports(tmp_path):
        target = load_target(str(example))
    drawn = svg(picture_of(target.ir)).rstrip("\n") + "\n"
    kept(ROOT / "docs/images/breast_cancer.svg", drawn)
    shown = '<img src="docs/images/breast_cancer.svg"'
    assert shown in (ROOT / "README.md").read_text("utf-8")


def test_every_option_is_explained() -> None:
    text = (ROOT / "docs/how-to/options.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.M)) == set(OPTION_NAMES)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built pages; a warning of MkDocs is a failure."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [Path(sys.executable).parent / "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or "WARNING" in done.stderr:
        pytest.fail(f"mkdocs says:\n{done.stdout}{done.stderr}", pytrace=False)
    return folder


def test_the_pages_build_without_a_warning(site: Path) -> None:
    assert {f"{code}" for code in titles()} == {
        path.name for path in (site / "diagnostics").iterdir() if path.is_dir()
    }
    assert not (site / "hooks.py").exists()


def test_the_pages_load_nothing_from_elsewhere(site: Path) -> None:
    """A reader behind a firewall sees the same, and nobody learns who reads."""
    loads = re.compile(
        r'<(?:script|img|iframe)[^>]* src="?https?:|<link(?![^>]*canon)[^>]*"https?:'
    )
    for page in site.rglob("*.html"):
        assert not loads.search(page.read_text("utf-8")), page


def test_the_reference_names_everything(site: Path) -> None:
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs/hooks.py")
    assert spec is not None and spec.loader is not None
    hooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hooks)
    described = [name for names in hooks.GROUPS.values() for name in names]
    assert sorted(described) == sorted(language.__all__)
    text = (site / "reference/command-line/index.html").read_text("utf-8")
    assert [name for name in COMMANDS if f'id="{name}"' not in text] == []


def test_a_third_party_backend_installs_and_compiles(tmp_path: Path) -> None:
    """The example of the page, as its user would have it: installed, and found by its name."""
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(THIRD_PARTY, source)
    install = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    outside = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    subprocess.run(
        [sys.executable, "-m", "pip", *install, "--target", target, source],
        env=os.environ | outside,
        check=True,
    )
    shutil.copy(ROOT / "examples/text_tokens.py", tmp_path)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).parent / "penstock", *arguments],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(target)},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("compile", "text_tokens.py", "--to", "outline", "-o", "build")
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "build/text_tokens.md").read_text("utf-8")
    kept(THIRD_PARTY / "text_tokens.md", written)

    (tmp_path / "loop.py").write_text(
        "from penstock import each, pipeline, step\n\n\n"
        "@step\ndef show(number: int) -> None: ...\n\n\n"
        "@pipeline\ndef loop() -> None:\n    with each([1, 2]) as number:\n        show(number)\n"
    )
    refused = run("check", "loop.py", "--to", "outline")
    assert refused.returncode == 1
    assert "error[PS401]" in refused.stderr and "loop.py:10" in refused.stderr
    assert "outline" in run("backends").stdout


def test_the_backend_of_the_page_is_thirty_lines() -> None:
    code = (THIRD_PARTY / "penstock_outline.py").read_text("utf-8").splitlines()
    assert len(code) <= 35
    assert "outline" not in CliRunner().invoke(penstock, ["backends"]).output
