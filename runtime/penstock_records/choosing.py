"""Finds the run that a person means: by its id, an end of it, or `latest`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from penstock_records.layout import UUID, run_ids, tombed
from penstock_runtime.run_id import run_folder
from penstock_runtime.store import Store

SHORTEST = 8
"""Characters of a short id. Ids begin with their time, so that it is their ends that differ."""

_SHORTEST_ASKED = 4
_TOLD = 5


class NoSuchRun(LookupError):
    """No run is meant, or several are; the message says which."""


def short_ids(runs: Iterable[str]) -> Mapping[str, str]:
    """The shortest ends, of one length, that tell these runs apart."""
    known = list(runs)
    plain = [run.replace("-", "") for run in known]
    length = SHORTEST
    while len({one[-length:] for one in plain}) < len(set(plain)):
        length += 1
    return {run: one[-length:] for run, one in zip(known, plain, strict=True)}


def chosen(store: Store, text: str) -> str:
    """The id of the run that the text means: whole, or its beginning or its end.

    Raises NoSuchRun.
    """
    wanted = text.strip().lower()
    if wanted == "latest":
        newest = next(run_ids(store), None)
        if newest is None:
            raise NoSuchRun("the store has no runs")
        return newest
    if UUID.fullmatch(wanted):
        if wanted in tombed(store):
            raise NoSuchRun(f"run {wanted} is marked for removal")
        if store.names(run_folder(wanted)):
            return wanted
        raise NoSuchRun(f"the store has no run {wanted}")
    plain = wanted.replace("-", "")
    if len(plain) < _SHORTEST_ASKED or not set(plain) <= set("0123456789abcdef"):
        raise NoSuchRun(
            f"{text[:60]!r} is no run: write its id, at least {_SHORTEST_ASKED} characters of "
            "its beginning or end, or latest"
        )
    found = [run for run in run_ids(store) if _meant(run.replace("-", ""), plain)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoSuchRun(f"the store has no run {text}")
    told = ", ".join(found[:_TOLD]) + (" …" if len(found) > _TOLD else "")
    raise NoSuchRun(f"{text} means {len(found)} runs: {told}")


def _meant(run: str, plain: str) -> bool:
    return run.startswith(plain) or run.endswith(plain)
