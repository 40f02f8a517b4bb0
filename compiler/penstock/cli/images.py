"""`penstock images`: what was built on this machine, and removing what is no longer used."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.failures import Failure, WrongUsage
from penstock.cli.stores import form_option

if TYPE_CHECKING:
    from penstock.images.engine import EngineImage


@click.group(invoke_without_command=True)
@form_option
@click.pass_context
def command(ctx: click.Context, form: str) -> int:
    """List the images that penstock has built on this machine.

    \b
    Example:
      penstock images
      penstock images prune churn.py
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from penstock.images.engine import Engine, EngineError
    from penstock.images.pruning import our_images

    try:
        found = our_images(Engine())
    except EngineError as error:
        raise Failure(str(error)) from None
    if form == "json":
        click.echo(json.dumps([_facts(one) for one in found], indent=2))
        return 0
    for line in _table(found):
        click.echo(line)
    return 0


@command.command("prune")
@click.argument("targets", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Print what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@form_option
def prune(targets: tuple[str, ...], dry_run: bool, yes: bool, form: str) -> int:
    """Remove images of penstock, except those that the TARGETs need and that containers use.

    \b
    Example:
      penstock images prune churn.py --dry-run
    """
    from penstock.images.engine import Engine, EngineError
    from penstock.images.pruning import prune_images, unused_images

    wanted = {name for target in targets for name in _needed(target)}
    try:
        engine = Engine()
        unused = unused_images(engine, wanted)
        if not dry_run and unused and not yes:
            if not sys.stdin.isatty() or form == "json":
                raise WrongUsage("prune asks first; say --yes, or look with --dry-run")
            _tell(unused, "would remove", form)
            if not click.confirm("remove all this?"):
                click.echo("nothing was removed", err=True)
                return 0
        if not dry_run:
            unused = prune_images(engine, unused)
    except EngineError as error:
        raise Failure(str(error)) from None
    _tell(unused, "would remove" if dry_run else "removed", form)
    return 0
