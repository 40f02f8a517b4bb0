"""What every command does with text: print it, write it to files, show diagnostics."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import click

from penstock.diagnostics import Diagnostic
from penstock.diagnostics.render import render_github, render_json, render_text
from penstock.diagnostics.sources import Sources

Format = Literal["text", "json", "github"]


def use_colour(stream: object = None) -> bool:
    """Whether the stream (by default standard output) wants colours."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    is_terminal = getattr(stream or sys.stdout, "isatty", None)
    return bool(is_terminal and is_terminal()) and os.environ.get("TERM") != "dumb"


def show(found: Sequence[Diagnostic], root: Path | None, form: Format = "text") -> None:
    """Prints diagnostics: as text on standard error, for machines on standard output."""
    sources = Sources(root)
    if form == "json":
        click.echo(render_json(found, sources))
    elif form == "github":
        if found:
            click.echo(render_github(found, sources))
    elif found:
        click.echo(render_text(found, sources, colour=use_colour(sys.stderr)), err=True, color=True)


def write_bundle(folder: Path, bundle: Mapping[str, str]) -> list[Path]:
    """Writes all files, or none: each is complete on disk before the first takes its name."""
    ready: list[tuple[str, Path]] = []
    try:
        for name, text in sorted(bundle.items()):
            target = folder / name
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
            target.parent.mkdir(parents=True, exist_ok=True)
            ready.append((_staged(target, text), target))
        for staged, target in ready:
            os.replace(staged, target)
    except BaseException:
        for staged, _ in ready:
            Path(staged).unlink(missing_ok=True)
        raise
    return [target for _, target in ready]


def _staged(target: Path, text: str) -> str:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    with os.fdopen(handle, "wb") as file:
        try:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o666 & ~_umask())
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    return name


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
