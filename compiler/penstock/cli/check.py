"""`penstock check`: all checks, all diagnostics."""

from __future__ import annotations

import click

from penstock.cli.output import Format, show
from penstock.cli.shared import format_option, target_argument


@click.command()
@target_argument
@click.option("--to", "backend", metavar="BACKEND", help="Also check what this target can express.")
@format_option
def command(target: str, backend: str | None, form: Format) -> int:
    """Find what is wrong with TARGET, before anything runs.

    \b
    Example:
      penstock check churn.py --to airflow
    """
    from penstock.cli.image_plan import with_images
    from penstock.cli.loading import checked

    loaded, found = checked(target, backend, form)
    found = with_images(loaded, found, form)
    show(found.warnings, loaded.root, form)
    if form == "text":
        ir = found.written
        steps = f"{len(ir.steps)} step{'s' * (len(ir.steps) != 1)}"
        click.echo(f"{ir.name}: {steps}, no errors" + (f" for {backend}" if backend else ""))
    return 0
