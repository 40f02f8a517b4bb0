"""`penstock build`: makes the images of a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from penstock.cli.shared import target_argument


@click.command()
@target_argument
@click.option("--push", "registry", metavar="REGISTRY", help="Also push them, e.g. to host/team.")
@click.option("--lock", is_flag=True, help="Only lock the requirements, anew; build nothing.")
@click.option("--store", metavar="URL", help="The store of the runs: a bucket needs its library.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Only write each Dockerfile and its context here; ask no engine.",
)
@click.option("--dry-run", is_flag=True, help="Print the images, and make nothing.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one image on each line.",
)
def command(
    target: str,
    registry: str | None,
    lock: bool,
    store: str | None,
    output: Path | None,
    dry_run: bool,
    form: Literal["text", "json"],
) -> int:
    """Build the images of TARGET's steps; what has not changed is not built again.

    The requirements are locked first, in images.lock/, and what was pushed is written into
    images.lock.yaml: commit both.

    \b
    Example:
      penstock build churn.py
      penstock build churn.py --push registry.example.com/team
    """
    from penstock.cli.build_plan import build_plan
    from penstock.cli.build_view import build_view
    from penstock.cli.image_plan import image_plan
    from penstock.cli.loading import checked
    from penstock.cli.locking import locked_plan
    from penstock.cli.making import made_images, pushed, written_contexts

    found, ready = checked(target)
    if dry_run:
        for line in build_plan(image_plan(found, ready.lowered, store), found.root, form):
            click.echo(line)
        return 0
    with build_view(form) as view:
        plan = locked_plan(found, ready.lowered, store, view, anew=lock)
        if output is not None:
            written_contexts(plan, found.root, output, view)
        elif not lock:
            made_images(plan, found.root, view)
            if registry is not None:
                pushed(plan, found.root, registry, view)
    return 0
