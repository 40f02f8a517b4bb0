"""Finds a Python of an image's version on this machine, whose bytecode the image understands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from penstock.images.requirement_errors import CannotInstall, UvFailed
from penstock.images.uv import run_uv


@dataclass(frozen=True)
class Interpreter:
    """A CPython; `version` is exact, as "3.11.7"."""

    executable: str
    version: str

    @property
    def cache_tag(self) -> str:
        """What stands in the names of its bytecode files, as "cpython-311"."""
        return f"cpython-{''.join(self.version.split('.')[:2])}"


def interpreter(python: str, environment: Mapping[str, str]) -> Interpreter:
    """The running Python if its minor version is the wanted one, else one that uv finds."""
    own = ".".join(str(one) for one in sys.version_info[:2])
    if own == python and sys.implementation.name == "cpython" and sys.executable:
        return Interpreter(sys.executable, ".".join(str(one) for one in sys.version_info[:3]))
    command = ["python", "find", "--no-project", "--no-config", f"cpython@{python}"]
    try:
        found = run_uv(command, environment, _ignore, Path.cwd()).strip()
    except UvFailed:
        raise CannotInstall(
            f"the image has Python {python} and this machine has none: install it, or "
            f"`uv python install {python}`"
        ) from None
    asked = [found, "-c", "import platform; print(platform.python_version())"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise CannotInstall(f"{found} does not start: {done.stderr.strip()}")
    return Interpreter(found, done.stdout.strip())


def _ignore(_: str) -> None:
    """Looking for a Python is no progress worth telling."""
