"""The store that a command reads: where it is, and what to say when it cannot be read."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import click

from penstock.cli.failures import Failure, WrongUsage
from penstock_runtime.errors import StoreError
from penstock_runtime.store import Store

store_option = click.option(
    "--store",
    envvar="PENSTOCK_STORE",
    metavar="PLACE",
    help="The store: a folder or s3://bucket/prefix; by default .penstock in the project.",
)

form_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)

number_option = click.option(
    "-n",
    "--number",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="How many at most.",
)

run_argument = click.argument("run")


@contextmanager
def opened(place: str | None, *, write: bool = False) -> Generator[Store, None, None]:
    """The store, which must exist; whatever it refuses is one sentence."""
    from penstock_records.artifacts import NoSuchArtifact
    from penstock_records.recent import NoSuchRun
    from penstock_runtime.opening import open_store

    where = located(place) if place else str(default_place(Path.cwd()))
    if "://" not in where and not Path(where).exists():
        raise Failure(f"there is no store {where}; run a pipeline first, or name one: --store")
    try:
        found = open_store(where, create=False)
        yield open_store(where) if write else found
    except (StoreError, NoSuchRun, NoSuchArtifact) as error:
        raise Failure(str(error)) from None


def located(place: str) -> str:
    """The place of a store in its absolute form; raises `WrongUsage`."""
    from penstock_runtime.places import store_location

    try:
        return store_location(place, Path.cwd())
    except StoreError as error:
        raise WrongUsage(str(error)) from None


def default_place(folder: Path) -> Path:
    """`.penstock` in the project around a folder; without a project, in the folder itself."""
    for one in (folder, *folder.parents):
        if (one / "pyproject.toml").is_file():
            return one / ".penstock"
    return folder / ".penstock"
