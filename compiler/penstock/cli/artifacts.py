"""`penstock artifacts`: what runs have stored, newest first."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

import click

from penstock.cli.stores import form_option, number_option, opened, store_option

if TYPE_CHECKING:
    from penstock_records.artifacts import Found


@click.command()
@number_option
@click.option("--run", metavar="RUN", help="Only artifacts of this run.")
@click.option("--pipeline", metavar="NAME", help="Only artifacts of this pipeline's runs.")
@click.option("--type", "kind", metavar="NAME", help="Only of this type, such as DataFrame.")
@store_option
@form_option
def command(
    number: int,
    run: str | None,
    pipeline: str | None,
    kind: str | None,
    store: str | None,
    form: str,
) -> int:
    """List artifacts, those of the newest runs first. `get` takes a digest.

    \b
    Example:
      penstock artifacts --type DataFrame
    """
    from penstock_records.artifacts import artifacts_of
    from penstock_records.layout import run_ids
    from penstock_records.recent import find_run

    with opened(store) as kept:
        runs = iter([find_run(kept, run)]) if run is not None else run_ids(kept)
        fitting = (
            one
            for one in artifacts_of(kept, runs)
            if pipeline in (None, one.pipeline) and (kind is None or _is(one, kind))
        )
        found = list(islice(fitting, number))
    if form == "json":
        click.echo(json.dumps([_as_json(one) for one in found], indent=2))
    elif found:
        _print(found)
    else:
        such = "such " * any((run, pipeline, kind))
        click.echo(f"no {such}artifacts in {kept.url}", err=True)
    return 0


def _is(one: Found, kind: str) -> bool:
    """Whether the type is meant: by its last name, its dotted name or as it is recorded."""
    full, wanted = one.artifact.type.lower(), kind.lower().replace(":", ".")
    dotted = full.replace(":", ".")
    return dotted == wanted or dotted.endswith(f".{wanted}")


def _print(found: list[Found]) -> None:
    from penstock.cli.output import use_colour
    from penstock.cli.run_view import size
    from penstock.cli.tables import table, terminal_width
    from penstock.cli.values import short_digest, type_name
    from penstock.diagnostics.render import Ink
    from penstock_records.recent import short_ids

    short = short_ids(dict.fromkeys(one.run for one in found))
    rows = [
        (
            short_digest(one.artifact.digest),
            size(one.artifact.size),
            type_name(one.artifact.type),
            one.step if one.output == "value" else f"{one.step}.{one.output}",
            short[one.run],
            one.pipeline or "-",
        )
        for one in found
    ]
    head = ("digest", "size", "type", "step", "run", "pipeline")
    for line in table(head, rows, Ink(use_colour()), terminal_width()):
        click.echo(line, color=True)


def _as_json(one: Found) -> dict[str, object]:
    fields = ("digest", "size", "type", "materializer", "media", "unsafe", "preview")
    return {
        "run": one.run,
        "pipeline": one.pipeline,
        "step": one.step,
        "output": one.output,
        **{name: getattr(one.artifact, name) for name in fields},
    }
