"""`penstock check`: all checks, all diagnostics."""

from __future__ import annotations

import click

from penstock.cli.failures import WrongUsage
from penstock.cli.output import Format, show
from penstock.cli.shared import backend_options, backend_values, format_option, target_argument


@click.command()
@target_argument
@click.option("--to", "backend", metavar="BACKEND", help="Also check what this target can express.")
@click.option("--store", metavar="URL", help="Where the steps keep their artifacts.")
@backend_options
@format_option
def command(
    target: str, backend: str | None, store: str | None, pairs: tuple[str, ...], form: Format
) -> int:
    """Find what is wrong with TARGET, before anything runs.

    With --to kubeflow, TARGET can also be a spec for Kubeflow that anything has made.

    \b
    Example:
      penstock check churn.py --to airflow
      penstock check specs/churn.yaml --to kubeflow
    """
    from penstock.backend import Options
    from penstock.cli.image_plan import with_images
    from penstock.cli.loading import checked
    from penstock.cli.verifying import verified

    if backend is None and (pairs or store):
        raise WrongUsage("--store and --option say how to compile: add --to BACKEND")
    if backend is not None and (code := verified(target, backend, form)) is not None:
        return code
    options = Options(store=store, values=backend_values(pairs))
    loaded, found = checked(target, backend, form, options)
    found = with_images(loaded, found, form, store)
    show(found.warnings, loaded.root, form)
    if form == "text":
        ir = found.written
        steps = f"{len(ir.steps)} step{'s' * (len(ir.steps) != 1)}"
        click.echo(f"{ir.name}: {steps}, no errors" + (f" for {backend}" if backend else ""))
    return 0
