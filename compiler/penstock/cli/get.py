"""`penstock get`: copies an artifact out of a store, verified, and never loads it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from penstock.cli.stores import opened, store_option


@click.command()
@click.argument("what", metavar="DIGEST")
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    metavar="PATH",
    help="Where to write it; - is standard output.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there already.")
@store_option
def command(what: str, target: str, force: bool, store: str | None) -> int:
    """Copy the artifact DIGEST, or RUN:step, or RUN:step.output, to PATH.

    Some characters of a digest's beginning are enough. Every byte is checked on the way.

    \b
    Example:
      penstock get latest:train -o model
      penstock get 7fd4a1c2 -o data.parquet
    """
    from penstock_records.artifacts import meant
    from penstock_runtime.reference import FOLDER_MEDIA

    with opened(store) as kept:
        found = meant(kept, what)
        digest, size, folder = (
            (found, None, False)
            if isinstance(found, str)
            else (found.digest, found.size, found.media == FOLDER_MEDIA)
        )
        from penstock.cli.fetching import fetch_file, fetch_folder_to, to_stream

        if target == "-":
            to_stream(kept, digest, size, sys.stdout, folder=folder)
            return 0
        (fetch_folder_to if folder else fetch_file)(kept, digest, size, Path(target), force=force)
        click.echo(f"wrote {target}", err=True)
    return 0
