"""Which runs a user wants to be rid of, and which of those others still need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from penstock_records.marking import Marks


@dataclass(frozen=True)
class Rules:
    """What may go. Ages are seconds by the store's own clock.

    `keep_last` runs of each pipeline stay, and all that are younger than `older_than`; where
    neither is set, no run goes.
    """

    grace: float
    keep_last: int | None = None
    older_than: float | None = None


def retired(runs: Mapping[str, Marks], rules: Rules) -> set[str]:
    """The runs beyond what the rules keep; never one that is at work."""
    if rules.keep_last is None and rules.older_than is None:
        return set()
    found: set[str] = set()
    place: Counter[str] = Counter()
    # Run ids sort by time.
    for run in sorted(runs, reverse=True):
        marks = runs[run]
        place[marks.pipeline] += 1
        beyond = rules.keep_last is None or place[marks.pipeline] > rules.keep_last
        old = rules.older_than is None or marks.age >= rules.older_than
        if beyond and old and not marks.at_work:
            found.add(run)
    return found


def needed(runs: Mapping[str, Marks], going: set[str]) -> set[str]:
    """The runs that those which stay were resumed from, or took outputs from."""
    todo = [run for run in runs if run not in going]
    found = set(todo)
    while todo:
        for other in runs[todo.pop()].needs:
            if other in runs and other not in found:
                found.add(other)
                todo.append(other)
    return found & going
