"""`penstock fsck`: checks every byte of a store."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from penstock.cli.stores import form_option, opened, store_option

if TYPE_CHECKING:
    from penstock_records.checking import Progress


@click.command()
@store_option
@form_option
def command(store: str | None, form: str) -> int:
    """Check every byte of a store: blobs against their names, records, and what they refer to.

    Nothing is changed. The exit code is 1 if anything is wrong.

    \b
    Example:
      penstock fsck
    """
    from dataclasses import asdict

    from penstock.cli.run_view import size
    from penstock.cli.tables import clipped
    from penstock_records.checking import Checker

    with opened(store) as kept, _progress() as told:
        checker = Checker(kept, told)
        found = list(checker.problems())
    done = checker.done
    if form == "json":
        problems = [asdict(one) for one in found]
        click.echo(json.dumps({"problems": problems, "checked": asdict(done)}, indent=2))
        return 1 if found else 0
    for one in found:
        click.echo(f"{clipped(one.where)}: {clipped(one.what, 500)}; {one.advice}")
    told_of = f"{done.blobs} blobs ({size(done.size)}) and {done.records} records"
    many = f"{len(found)} problem{'s' * (len(found) != 1)}" if found else "all are right"
    click.echo(f"checked {told_of}: {many}")
    return 1 if found else 0


@contextmanager
def _progress() -> Generator[Progress, None, None]:
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("checking"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
