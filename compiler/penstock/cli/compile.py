"""`penstock compile`: writes a pipeline for a target."""

from __future__ import annotations

from pathlib import Path

import click

from penstock.cli.failures import WrongUsage
from penstock.cli.output import Format, show, write_bundle
from penstock.cli.shared import backend_options, backend_values, format_option, target_argument


@click.command()
@target_argument
@click.option(
    "--to", "backend", required=True, metavar="BACKEND", help="airflow, kubeflow or local."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="The folder to write to; the current one by default.",
)
@click.option("--store", metavar="URL", help="Where the steps keep their artifacts.")
@backend_options
@format_option
def command(
    target: str, backend: str, output: Path, store: str | None, pairs: tuple[str, ...], form: Format
) -> int:
    """Write TARGET as files that the target's own tools understand; print what was written.

    Needs no server, cluster or Docker. A failed compile leaves the old files as they are.

    \b
    Example:
      penstock compile churn.py --to airflow -o dags/
    """
    from penstock.backend import BackendError, Options, emitted
    from penstock.cli.image_plan import with_images
    from penstock.cli.loading import Reported, backend_of, checked
    from penstock.cli.sources import keep_sources
    from penstock.diagnostics import PipelineError

    options = Options(store=store, values=backend_values(pairs))
    port = backend_of(backend)
    found, ready = checked(target, port, form, options)
    ready = with_images(found, ready, form, store)
    try:
        bundle = emitted(ready, port, options)
    except BackendError as error:
        raise WrongUsage(f"{backend}: {error}") from None
    except PipelineError as error:
        show(error.diagnostics, found.root, form)
        raise Reported from None
    keep_sources(target, found, output, bundle)
    show(ready.warnings, found.root, form)
    for file in write_bundle(output, bundle):
        click.echo(f"wrote {file}" if form == "text" else str(file), err=form != "text")
    return 0
