"""Reads the code blocks of a page and does what they say, as a reader would in one folder.

| block | what is done |
|---|---|
| a language and `title="name"` | the file is written |
| a language and `title="build/name"` | an excerpt of a file that a command wrote; `...` skips |
| `console` | each line after `$ ` is a `penstock` command (or `cat`); the rest is its output |
| `pycon` | run as a doctest |
| `sh`, `text` | nothing: set-up that a test cannot do, and pictures of text |

In outputs `...` stands for anything; times, run ids, digests, and the order of steps that run at
once may differ. A line `# --8<-- "path"` includes a file of the repository.
`PENSTOCK_UPDATE_GOLDENS=1` writes outputs that differ into the page; review the diff.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from diagnostics_support import fresh_imports

from penstock.cli import penstock
from penstock.cli.failures import guarded

ROOT = Path(__file__).resolve().parents[1]
EMITTED = "build/"
UNTESTED = {"sh", "text"}

_BLOCK = re.compile(
    r"^```(?P<language>\w*)(?: title=\"(?P<title>[^\"]+)\")?[^\n]*\n(?P<text>.*?)^```$", re.M | re.S
)
_INCLUDE = re.compile(r"^# --8<-- \"([^\"]+)\"$", re.M)
_HOME = "/home/ada/project"
_VARYING = (
    (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "RUN"),
    (r"runs/\d{4}/\d\d/\d\d", "runs/DAY"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "MOMENT"),
    (r"\b[0-9a-f]{8}\b", "SHORT"),
    (r"(?<=[Pp]ython[: ])3\.\d+|linux/(?:amd|arm)64|(?<===)\d[\w.]*", "HERE"),
    (r"(?<=  by           ).*|(?<=  environment  ).*", "HERE"),
    (r"\b(?:sha256:)?[0-9a-f]{12}(?:[0-9a-f]{52})?\b", "DIGEST"),
    (r"\b\d+\.\d{5,}(?:e-\d+)?\b", "NUMBER"),
    (r"\b\d+(?:\.\d+)? (?:ms|s|B|KB|MB)\b", "AMOUNT"),
    (r"(?<=\S) {2,}", "  "),
)
_ANY_ORDER = re.compile(r"(?:^(?:start|done|reused|skip|stopped|\S+ \|) .*\n|^  \S.*\n)+", re.M)
_SKIP = re.compile(r"^ *(?:# )?\.\.\.\n", re.M)
_COMMAND = re.compile(r"^\$ (?P<command>.*)\n(?P<output>(?:(?!\$ ).*\n)*)", re.M)


@dataclass(frozen=True)
class Block:
    """A block of code on a page; `start` and `end` are the places of its text in the page."""

    language: str
    title: str
    text: str
    start: int
    end: int


def blocks(page: str) -> list[Block]:
    """The blocks of a page in order, with included files read."""
    return [
        Block(
            found["language"],
            found["title"] or "",
            _INCLUDE.sub(_included, found["text"]),
            *found.span("text"),
        )
        for found in _BLOCK.finditer(page)
    ]


def _included(found: re.Match[str]) -> str:
    return (ROOT / found[1]).read_text("utf-8").rstrip("\n")


def follow(page: Path, folder: Path, update: bool = False) -> None:
    """Does what the page says, in the folder; fails at the first thing that is untrue."""
    text = page.read_text("utf-8")
    corrected: list[tuple[Block, str]] = []
    with contextlib.chdir(folder), fresh_imports(folder):
        for block in blocks(text):
            name = f"{page.name}: {block.title or block.language}"
            if block.title.startswith(EMITTED):
                check_excerpt(block.text, (folder / block.title).read_text("utf-8"), name)
            elif block.title:
                target = folder / block.title
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block.text, "utf-8")
                _forget(folder)
            elif block.language == "console":
                played = partial(_played, folder=folder, name=name, update=update)
                real = _COMMAND.sub(played, block.text)
                if real != block.text:
                    corrected.append((block, real))
            elif block.language == "pycon":
                _doctest(block.text, name)
            elif block.language not in UNTESTED:
                pytest.fail(f"{name}: this block is not tested; give it a title or another kind")
    for block, real in reversed(corrected):
        text = text[: block.start] + real + text[block.end :]
    if corrected:
        page.write_text(text, "utf-8")


def check_excerpt(excerpt: str, whole: str, name: str) -> None:
    """Fails unless the parts of the excerpt stand in the file, whole lines in this order."""
    place = 0
    for part in _SKIP.split(excerpt):
        found = f"\n{whole}".find(f"\n{part}", place)
        assert found >= 0, f"{name}: these lines are not in the file:\n{part}"
        place = found + len(part)


def _played(found: re.Match[str], folder: Path, name: str, update: bool) -> str:
    command, wanted = found["command"], found["output"]
    got = output_of(command, folder)
    if doctest.OutputChecker().check_output(_masked(wanted), _masked(got), doctest.ELLIPSIS):
        return found[0]
    if not update:
        pytest.fail(f"{name}: $ {command}\nprints\n{got}\nnot\n{wanted}", pytrace=False)
    return f"$ {command}\n{got}"


def _masked(text: str) -> str:
    for pattern, word in _VARYING:
        text = re.sub(pattern, word, text)
    return _ANY_ORDER.sub(lambda found: "".join(sorted(found[0].splitlines(True))), text)


def output_of(command: str, folder: Path) -> str:
    """What a command prints, both streams in order; runs in this process."""
    program, *arguments = shlex.split(command)
    if program == "cat":
        return "".join(Path(name).read_text("utf-8") for name in arguments)
    assert program == "penstock", f"{program} is not known here"
    if arguments[0] == "run":  # it starts workers, and writes past sys.stdout
        script = Path(sys.executable).with_name("penstock")
        done = subprocess.run(
            [script, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return _tidied(done.stdout, folder)
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="utf-8")  # as a terminal has it
    before = sys.argv
    sys.argv = ["penstock", *arguments]
    try:
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            guarded(penstock)
    finally:
        sys.argv = before
        _forget(folder)
    stream.flush()
    return _tidied(raw.getvalue().decode(), folder)


def _tidied(text: str, folder: Path) -> str:
    text = text.replace(str(folder), _HOME)
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def _forget(folder: Path) -> None:
    """The next command reads the reader's modules anew."""
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


def _doctest(text: str, name: str) -> None:
    report: list[str] = []
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    parsed = doctest.DocTestParser().get_doctest(text, {}, name, None, None)
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(parsed, out=report.append)
    assert not report, "".join(report)
