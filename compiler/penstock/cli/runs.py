"""`penstock runs`: the runs of a store, newest first."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.failures import WrongUsage
from penstock.cli.stores import form_option, number_option, opened, store_option

if TYPE_CHECKING:
    from penstock_records.summary import Summary

_STATUSES = ("running", "succeeded", "failed", "cancelled", "lost", "damaged", "newer")


@click.command()
@number_option
@click.option("--pipeline", metavar="NAME", help="Only runs of this pipeline.")
@click.option("--status", type=click.Choice(_STATUSES), help="Only runs of this status.")
@click.option("--utc", is_flag=True, help="Tell times in UTC.")
@click.option("--sync", is_flag=True, help="First pull the runs that have ended on a server.")
@click.option(
    "--host",
    metavar="URL",
    envvar="PENSTOCK_HOST",
    help="With --sync: the address of Kubeflow Pipelines.",
)
@click.option("--namespace", metavar="NAME", help="With --sync: the namespace, with several users.")
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --sync: a file with a bearer token, in place of PENSTOCK_KUBEFLOW_TOKEN.",
)
@store_option
@form_option
def command(
    number: int,
    pipeline: str | None,
    status: str | None,
    utc: bool,
    sync: bool,
    host: str | None,
    namespace: str | None,
    token_file: Path | None,
    store: str | None,
    form: str,
) -> int:
    """List runs, newest first. An id is the end of the run's own; `show` takes it.

    \b
    Example:
      penstock runs --pipeline churn --status failed
      penstock runs --sync --host https://kfp.example.org
    """
    from penstock_records.summary import summaries

    if sync:
        _pull(store, host, token_file, namespace)
    with opened(store) as kept:
        fitting = (
            one
            for one in summaries(kept)
            if pipeline in (None, one.pipeline) and status in (None, one.status)
        )
        found = list(islice(fitting, number))
    if form == "json":
        click.echo(json.dumps([_as_json(one) for one in found], indent=2))
    elif found:
        _print(found, utc)
    else:
        click.echo(f"no {'such ' * bool(pipeline or status)}runs in {kept.url}", err=True)
    return 0


def _pull(
    store: str | None, host: str | None, token_file: Path | None, namespace: str | None
) -> None:
    from penstock.cli.pulling import pull

    if host is None:
        raise WrongUsage("--sync needs --host URL, or PENSTOCK_HOST")
    with opened(store, write=True) as kept:
        pull(kept, "kubeflow", host, token_file, namespace)


def _print(found: list[Summary], utc: bool) -> None:
    from penstock.cli.output import use_colour
    from penstock.cli.run_view import duration
    from penstock.cli.tables import moment, table, terminal_width
    from penstock.diagnostics.render import Ink
    from penstock_records.recent import short_ids

    short = short_ids(one.run for one in found)
    rows = [
        (
            short[one.run],
            one.pipeline or "-",
            one.status,
            moment(one.started, utc=utc) or "-",
            "-" if one.seconds is None else duration(one.seconds),
            _steps(one),
            one.problem or _details(one),
        )
        for one in found
    ]
    head = ("run", "pipeline", "status", "started", "took", "steps", "")
    for line in table(head, rows, Ink(use_colour()), terminal_width()):
        click.echo(line, color=True)


def _steps(one: Summary) -> str:
    if one.status in ("damaged", "newer"):
        return "-"
    if not one.steps:
        return f"{one.done}/?"
    return str(one.done) if one.done == one.steps else f"{one.done}/{one.steps}"


def _details(one: Summary) -> str:
    """The metrics, and then the parameters; the table cuts what has no room."""
    from penstock.cli.values import number_text, value_text

    names = Counter(name for of_step in one.metrics.values() for name in of_step)
    metrics = [
        f"{name if names[name] == 1 else f'{step}.{name}'}={number_text(value)}"
        for step, of_step in one.metrics.items()
        for name, value in of_step.items()
    ]
    parameters = [f"{name}={value_text(value)}" for name, value in one.parameters.items()]
    return " ".join([*metrics, *parameters])


def _as_json(one: Summary) -> dict[str, Any]:
    return {key: value for key, value in asdict(one).items() if key != "problem" or value}
