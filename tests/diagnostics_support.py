"""Reads the page of a code, and finds what its examples raise, as a user would see it."""

from __future__ import annotations

import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from penstock.backend import Verifying, check_pipeline, load_backend
from penstock.cli.targets import Target, load_target
from penstock.diagnostics import Diagnostic, PipelineError
from penstock.diagnostics.pages import page
from penstock.images.plan import plan_images
from penstock.images.project import Project

HEADINGS = ["What it means", "Why", "Example", "Use instead"]

_BLOCK = re.compile(
    r"^```(?P<kind>\w+)(?: to=(?P<backend>\w+))?(?: pipeline=(?P<name>\w+))?\n(?P<text>.*?)^```$",
    re.M | re.S,
)
_MARK = re.compile(r"# (?:error|warning): (PS\d{3}(?:, PS\d{3})*)$")


@dataclass(frozen=True)
class Block:
    """A block of code on a page, with the target and the pipeline that are meant, if any."""

    kind: str
    text: str
    backend: str | None
    pipeline: str | None

    def marked(self) -> set[tuple[str, int]]:
        """The codes that the text announces, each with its line."""
        return {
            (code, number)
            for number, line in enumerate(self.text.splitlines(), start=1)
            if (mark := _MARK.search(line))
            for code in mark[1].split(", ")
        }


@dataclass(frozen=True)
class Page:
    """A page, taken apart."""

    code: str
    title: str
    sections: dict[str, str]

    def blocks(self, heading: str) -> list[Block]:
        """The blocks of code under a heading."""
        return [
            Block(found["kind"], found["text"], found["backend"], found["name"])
            for found in _BLOCK.finditer(self.sections[heading])
        ]


def read_page(code: str) -> Page:
    """The page of a code; fails where the first line is not its headline."""
    head, *rest = re.split(r"^## (.*)$", page(code), flags=re.MULTILINE)
    match = re.fullmatch(r"# (PS\d{3}): (\S.*\S)\n\n", head)
    assert match is not None, f"{code}.md begins with {head!r}"
    assert match[1] == code
    return Page(code, match[2], dict(zip(rest[::2], rest[1::2], strict=True)))


@contextmanager
def fresh_imports(folder: Path) -> Generator[None]:
    """Forgets afterwards what was imported from the folder."""
    path, modules = list(sys.path), set(sys.modules)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            file = getattr(sys.modules[name], "__file__", None) or ""
            if file.startswith(str(folder)):
                del sys.modules[name]


def load_block(block: Block, folder: Path, stem: str = "example") -> Target:
    """Writes the code to a file and loads it as the command line does."""
    file = folder / f"{stem}.{'py' if block.kind == 'python' else 'yaml'}"
    file.write_text(block.text, encoding="utf-8")
    with fresh_imports(folder):
        return load_target(f"{file}:{block.pipeline}" if block.pipeline else str(file))


def is_pipeline(block: Block) -> bool:
    """Whether a block is a pipeline, and not a file of a target."""
    backend = load_backend(block.backend) if block.backend else None
    verifies = block.kind == "yaml" and isinstance(backend, Verifying)
    return not (verifies and cast(Verifying, backend).verifies(block.text))


def problems(block: Block, folder: Path) -> tuple[Diagnostic, ...]:
    """Everything that penstock says about a block of code."""
    if not is_pipeline(block):
        return cast(Verifying, load_backend(block.backend or "")).verify(block.text, "example.yaml")
    try:
        target = load_block(block, folder)
        backend = load_backend(block.backend) if block.backend else None
        checked = check_pipeline(target.ir, backend)
        project = Project(target.root, (str(target.import_root),) if target.import_root else ())
        found = plan_images(checked.lowered, project).problems
        if block.kind == "yaml" and "PS310" not in block.text:
            found = ()  # the code of a YAML on a page is nowhere
        return (*checked.warnings, *found)
    except PipelineError as error:
        return error.diagnostics
