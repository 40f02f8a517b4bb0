"""A nested pipeline is one task: it cannot wait for what waits for a part of it."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from penstock.ir.graph import edges
from penstock.ir.lookup import Lookup
from penstock.passes.model import Log
from penstock_kubeflow.levels import Levels


def check_order(names: Lookup, log: Log) -> None:
    """Reports nested pipelines that wait for one another, though no single step does."""
    if not names.ir.scopes:
        return
    levels = Levels(names)
    waits: dict[str, TopologicalSorter[str]] = {}
    for before, after in edges(names.ir, names):
        pair = levels.siblings(before, after)
        if pair is not None and (pair[0] in names.scopes or pair[1] in names.scopes):
            level = levels.home[pair[0]]
            waits.setdefault(level, TopologicalSorter()).add(pair[1], pair[0])
    for sorter in waits.values():
        try:
            sorter.prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            nested = next(one for one in circle if one in names.scopes)
            others = sorted({repr(one) for one in circle if one != nested})
            log.error(
                "PS401",
                at=names.scopes[nested].span,
                message=f"kubeflow cannot express the order of {nested!r} and "
                f"{', '.join(others)}: it runs a nested pipeline as one task",
                hint="call the steps in the outer pipeline, or split the nested one",
            )
