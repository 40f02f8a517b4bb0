"""`penstock show`: everything that is recorded of a run."""

from __future__ import annotations

import json

import click

from penstock.cli.failures import Failure
from penstock.cli.stores import form_option, opened, run_argument, store_option


@click.command()
@run_argument
@click.option("--log", "log", metavar="STEP", help="Print what this step wrote, and nothing else.")
@click.option("--utc", is_flag=True, help="Tell times in UTC.")
@store_option
@form_option
def command(run: str, log: str | None, utc: bool, store: str | None, form: str) -> int:
    """Show a RUN: its id, some characters of its beginning or end, or `latest`.

    \b
    Example:
      penstock show latest
      penstock show 4dde01a0 --log train
    """
    from penstock_records.curves import curves
    from penstock_records.recent import find_run
    from penstock_records.run import fold

    with opened(store) as kept:
        found = fold(kept, find_run(kept, run))
        if log is not None:
            step = found.step(log)
            if step is None:
                raise Failure(f"run {found.run} has no step {log[:100]!r}")
            if step.log is None:
                click.echo(f"step {log} wrote nothing, or is not over yet", err=True)
                return 0
            _print_log(kept.read_bytes(step.log))
            return 0
        points = curves(kept, found.run)
        if form == "json":
            from penstock.cli.show_json import run_as_json

            click.echo(json.dumps(run_as_json(found, kept.url, points), indent=2))
            return 0
        from penstock.cli.output import use_colour
        from penstock.cli.show_text import run_as_text
        from penstock.diagnostics.render import Ink

        for line in run_as_text(found, kept.url, points, Ink(use_colour()), utc=utc):
            click.echo(line, color=True)
    return 0


def _print_log(data: bytes) -> None:
    from penstock.diagnostics.render import visible

    for line in data.decode("utf-8", "replace").split("\n")[:-1]:
        click.echo(visible(line.expandtabs()))
