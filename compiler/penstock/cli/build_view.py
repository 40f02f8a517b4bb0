"""How a build looks: what is done stays, what goes on is one line that changes."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, Protocol

import click

from penstock.cli.output import use_colour
from penstock.diagnostics.render import visible

_WIDEST = 160


class BuildView(Protocol):
    """Where a build tells what it does."""

    def doing(self, line: str) -> None:
        """What goes on just now, in one line."""
        ...

    def done(self, line: str, **facts: object) -> None:
        """What is finished; `facts` are the same for scripts."""
        ...


@contextmanager
def build_view(form: Literal["text", "json"]) -> Generator[BuildView, None, None]:
    """The view that fits the output: for scripts, for a terminal, or as plain lines."""
    if form == "json":
        yield _Json()
    elif use_colour() and sys.stdout.isatty():
        from rich.console import Console

        console = Console(highlight=False)
        with console.status("") as status:
            from rich.text import Text

            yield _Terminal(lambda text: status.update(Text(text, style="dim")))
    else:
        yield _Plain()


class _Json:
    def doing(self, line: str) -> None:
        click.echo(visible(line), err=True)

    def done(self, line: str, **facts: object) -> None:
        click.echo(json.dumps(facts))


class _Plain:
    def doing(self, line: str) -> None:
        click.echo(f"  {visible(line)}")

    def done(self, line: str, **facts: object) -> None:
        click.echo(line)


class _Terminal:
    def __init__(self, update: _Update) -> None:
        self._update = update

    def doing(self, line: str) -> None:
        text = visible(line)
        self._update(text if len(text) <= _WIDEST else f"{text[:_WIDEST]}…")

    def done(self, line: str, **facts: object) -> None:
        click.echo(line)


class _Update(Protocol):
    def __call__(self, text: str) -> None: ...
