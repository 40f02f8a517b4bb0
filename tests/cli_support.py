"""Runs the command line: as its own process, or in this one where that makes no difference."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from diagnostics_support import fresh_imports

EXECUTABLE = Path(sys.executable).parent / "penstock"

HELLO = '''"""Greets."""

from penstock import Metrics, pipeline, step


@step
def greet(name: str) -> str:
    return f"Hello {name}"


@step
def measure(text: str) -> Metrics:
    return Metrics(length=len(text))


@pipeline
def hello(name: str = "world") -> Metrics:
    """Says hello."""
    return measure(greet(name))
'''
"""A pipeline that every backend compiles."""

BROKEN = """from penstock import pipeline, step


@step
def count() -> int:
    return 3


@pipeline
def broken() -> None:
    if count() > 2:
        count()
"""
"""A pipeline with an error in line 11."""


@dataclass(frozen=True)
class Done:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """The lines on standard error."""
        return self.err.splitlines()


class Cli:
    """Calls commands in a folder, in this process."""

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        capture: pytest.CaptureFixture[str],
    ) -> None:
        self.folder, self._patch, self._capture = folder, patch, capture

    def write(self, name: str, text: str | bytes) -> Path:
        """Writes a file into the folder."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def __call__(self, *words: str | Path) -> Done:
        """Runs one command as `main` does."""
        from penstock.cli import penstock
        from penstock.cli.failures import guarded

        self._capture.readouterr()
        with self._patch.context() as patch, fresh_imports(self.folder):
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["penstock", *map(str, words)])
            code = guarded(penstock)
        out, err = self._capture.readouterr()
        assert "penstock-bug-" not in err, err
        return Done(code, out, err)


def process(
    *words: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    command: tuple[str | Path, ...] = (EXECUTABLE,),
) -> Done:
    """Runs one command as a process of its own."""
    done = subprocess.run(
        [*command, *words],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    out, err = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    assert "penstock-bug-" not in err, err
    return Done(done.returncode, out, err)


def in_terminal(words: Sequence[str], folder: Path, columns: int = 80) -> str:
    """What a command writes to a terminal of that width, without colours."""
    leader, follower = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "xterm"}
    with subprocess.Popen(
        [EXECUTABLE, *words], cwd=folder, env=env, stdout=follower, stderr=follower, stdin=follower
    ) as running:
        os.close(follower)
        out = b""
        while True:
            try:
                data = os.read(leader, 65536)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            out += data
        running.wait(30)
    os.close(leader)
    return out.decode().replace("\r\n", "\n")
