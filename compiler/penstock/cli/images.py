"""`penstock images`: what was built on this machine, and removing what is no longer used."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from penstock.cli.failures import Failure, WrongUsage
from penstock.cli.stores import form_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from penstock.images.engine import EngineImage
    from penstock.images.pruning import UnusedImage

_LAYER_DAYS = 14.0


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

    Layers of requirements that no build has used for two weeks leave this user's cache, too.

    \b
    Example:
      penstock images prune churn.py --dry-run
    """
    from penstock.images.engine import Engine, EngineError
    from penstock.images.pruning import prune_images, unused_images
    from penstock.images.requirements_layer import old_layers

    wanted = {name for target in targets for name in _needed(target)}
    try:
        engine = Engine()
        unused = unused_images(engine, wanted)
        layers = old_layers(_LAYER_DAYS)
        if not dry_run and (unused or layers) and not yes:
            if not sys.stdin.isatty() or form == "json":
                raise WrongUsage("prune asks first; say --yes, or look with --dry-run")
            _tell(unused, layers, "would remove", form)
            if not click.confirm("remove all this?"):
                click.echo("nothing was removed", err=True)
                return 0
        if not dry_run:
            unused = prune_images(engine, unused)
            for file in layers:
                file.unlink(missing_ok=True)
    except EngineError as error:
        raise Failure(str(error)) from None
    _tell(unused, layers, "would remove" if dry_run else "removed", form)
    return 0


def _needed(target: str) -> set[str]:
    """The images of a pipeline as it is now, with their environments."""
    from penstock.cli.image_plan import image_plan
    from penstock.cli.loading import checked

    found, ready = checked(target)
    if ready.lowered.images:
        return {one.name for one in ready.lowered.images}
    plan = image_plan(found, ready.lowered)
    return {one.name for one in plan.images} | {one.image for one in plan.environments}


def _tell(images: Sequence[UnusedImage], layers: Mapping[Path, int], word: str, form: str) -> None:
    from penstock.cli.run_view import size
    from penstock.images.pruning import space_of

    if form == "json":
        removed = word == "removed"
        listed = [_facts(one) for one in images]
        click.echo(json.dumps({"removed": removed, "images": listed, "layers": len(layers)}))
        return
    if not images and not layers:
        click.echo("there is nothing to remove")
        return
    for one in images:
        click.echo(f"  {_name(one)}")
    if images:
        plural = "s" * (len(images) != 1)
        click.echo(f"{word} {len(images)} image{plural}, {size(space_of(images))} in all")
    if layers:
        plural = "s" * (len(layers) != 1)
        cached = size(sum(layers.values()))
        click.echo(f"{word} {len(layers)} layer{plural} of the cache, {cached} in all")


def _table(images: Sequence[EngineImage]) -> Iterator[str]:
    from penstock.cli.output import use_colour
    from penstock.cli.run_view import size
    from penstock.cli.tables import moment, table, terminal_width
    from penstock.diagnostics.render import Ink

    if not images:
        yield "penstock has built no images here"
        return
    rows = [(_name(one), _pipeline(one), size(one.size), moment(one.created)) for one in images]
    head = ("image", "pipeline", "size", "built")
    yield from table(head, rows, Ink(use_colour()), terminal_width())


def _pipeline(image: EngineImage) -> str:
    return image.labels.get("io.penstock.pipeline", "")


def _name(image: EngineImage) -> str:
    return ", ".join(image.tags) or f"{image.id[:19]} (without a name)"


def _facts(image: EngineImage) -> dict[str, object]:
    return {
        "id": image.id,
        "names": list(image.tags),
        "pipeline": image.labels.get("io.penstock.pipeline"),
        "environment": image.labels.get("io.penstock.env"),
        "layers": list(image.layers),
        "size": image.size,
        "created": image.created,
    }
