"""Finds and runs the program uv, which resolves and installs packages."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from penstock.images.requirement_errors import NoUv, UvFailed

_CREDENTIALS = re.compile(r"(?<=://)[^/\s@`']+@")
_ERROR = re.compile(r"error: |\s+\u00d7 ")
_BEGINS = re.compile(r"error: |\s*cause: |\s+[\u00d7├╰][─▶]*\s*")
"""uv has drawn its errors in two ways, `error:` with `cause:` and, before, as a tree."""


def find_uv() -> str:
    """The uv that was installed as a Python package, else the one on PATH; or `NoUv`."""
    try:
        from uv import find_uv_bin

        return find_uv_bin()
    except (ImportError, FileNotFoundError):
        found = shutil.which("uv")
    if found is None:
        raise NoUv("uv is needed to install packages: pip install 'penstock[docker]'")
    return found


def run_uv(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    listen: Callable[[str], None],
    folder: Path,
) -> str:
    """Run uv inside `folder`; returns what it printed, hands its progress on line by line.

    However this ends, uv has ended too. Raises `UvFailed`.
    """
    said: list[str] = []
    failing = False
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
        process = subprocess.Popen(  # noqa: S603 - a list of arguments, and no shell
            [find_uv(), *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        try:
            for line in process.stderr or ():
                line = _CREDENTIALS.sub("", line.rstrip())
                said.append(line)
                failing = failing or bool(_ERROR.match(line))
                if line and not failing and not line.startswith("Using "):  # a path here
                    listen(line)
            process.wait()
        finally:
            process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
        if process.returncode:
            raise UvFailed(_error(said))
        printed.seek(0)
        return printed.read()


def _error(said: Sequence[str]) -> str:
    """uv's explanation without its progress and its drawing, one paragraph a line."""
    starts = [place for place, line in enumerate(said) if _ERROR.match(line)]
    paragraphs: list[str] = []
    for line in said[starts[0] if starts else 0 :]:
        begins = _BEGINS.match(line)
        text = line[begins.end() :] if begins else line.strip("│ ")
        if begins or not text or not paragraphs or text.startswith(("Because ", "hint:")):
            paragraphs.append(text)
        else:
            paragraphs[-1] = f"{paragraphs[-1]} {text}".strip()
    return "\n".join(one for one in paragraphs if one)
