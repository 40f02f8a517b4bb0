"""`penstock gc`: removes what a store no longer needs, after showing it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.failures import WrongUsage
from penstock.cli.periods import period
from penstock.cli.stores import form_option, opened, store_option

if TYPE_CHECKING:
    from penstock_records.collecting import Garbage

_SHOWN = 20


@click.command()
@click.option(
    "--grace",
    callback=period,
    default="14d",
    show_default=True,
    metavar="TIME",
    help="Keep what was written or used in this time.",
)
@click.option(
    "--keep-last",
    type=click.IntRange(min=0),
    metavar="N",
    help="Also remove runs, except the last N of each pipeline.",
)
@click.option(
    "--older-than",
    callback=period,
    metavar="TIME",
    help="Also remove runs that are older; with --keep-last, those that are both.",
)
@click.option("--dry-run", is_flag=True, help="Print what would go, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_option
@form_option
def command(
    grace: float,
    keep_last: int | None,
    older_than: float | None,
    dry_run: bool,
    yes: bool,
    store: str | None,
    form: str,
) -> int:
    """Remove blobs that no run names, what killed writers left, and runs that you name by age.

    Runs are marked first, and removed by a later `gc` when the time of grace is over. What a
    run that is at work may need is never removed.

    \b
    Example:
      penstock gc --dry-run
      penstock gc --keep-last 10 --older-than 90d
    """
    from penstock_records.collecting import Collector
    from penstock_records.retiring import Rules

    with opened(store, write=not dry_run) as kept:
        collector = Collector(kept, Rules(grace, keep_last, older_than))
        found = collector.find()
        if dry_run or not found:
            _print(found, "would remove", form)
            return 1 if found.problems else 0
        if not yes:
            if not sys.stdin.isatty() or form == "json":
                raise WrongUsage("gc asks before it removes; say --yes, or look with --dry-run")
            _print(found, "would remove", form)
            if not click.confirm("remove all this?"):
                click.echo("nothing was removed", err=True)
                return 0
        removed = collector.remove(found, _wait)
        _print(removed, "removed", form)
    return 1 if removed.problems else 0


def _wait(seconds: float) -> None:
    import time

    if seconds >= 1:
        click.echo(f"waiting {seconds:.0f} s for those who are writing", err=True)
    time.sleep(seconds)


def _print(found: Garbage, word: str, form: str) -> None:
    if form == "json":
        click.echo(json.dumps(_as_json(found, done=word == "removed"), indent=2))
        return
    for line in _as_text(found, word):
        click.echo(line)


def _as_text(found: Garbage, word: str) -> Iterator[str]:
    from penstock.cli.run_view import size
    from penstock.cli.tables import clipped

    for count, what, names in (
        (len(found.blobs), "blob*, named by no run", [one.digest for one in found.blobs]),
        (len(found.runs), "run*", list(found.runs)),
        (len(found.entries), "part* of the cache, of runs that are gone", []),
        (len(found.plans), "plan*, named by no run", []),
        (found.leftovers.files, "unfinished file*, of killed writers", []),
    ):
        if count:
            yield f"{word} {count} {_plural(what, count)}"
            yield from _some(names)
    later = [run for run in found.marked if run not in found.runs]
    if later:
        done = "marked" if word == "removed" else "would mark"
        when = "to be removed by a gc after the time of grace"
        yield f"{done} {len(later)} {_plural('run*', len(later))}, {when}"
        yield from _some(later)
    if found.spared:
        yield "marked before, and kept, because a run that stays needs them, or they go on"
        yield from _some(list(found.spared))
    if found.problems:
        yield "no blob is removed, because these records cannot be read; see penstock fsck"
        yield from (f"  {clipped(one, 400)}" for one in found.problems[:_SHOWN])
    if found.size:
        yield f"{word} {size(found.size)} in all"
    elif not found:
        yield "there is nothing to remove"


def _plural(text: str, count: int) -> str:
    return text.replace("*", "s" if count != 1 else "")


def _some(names: Sequence[str]) -> Iterator[str]:
    yield from (f"  {name}" for name in names[:_SHOWN])
    if len(names) > _SHOWN:
        yield f"  and {len(names) - _SHOWN} more"


def _as_json(found: Garbage, *, done: bool) -> dict[str, Any]:
    return {
        "removed": done,
        "bytes": found.size,
        "blobs": [one.digest for one in found.blobs],
        "runs": list(found.runs),
        "marked": list(found.marked),
        "entries": list(found.entries),
        "plans": list(found.plans),
        "leftovers": found.leftovers.files,
        "spared": list(found.spared),
        "problems": list(found.problems),
    }
