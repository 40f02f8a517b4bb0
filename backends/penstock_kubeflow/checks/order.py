"""A scope is one task: it cannot wait for what waits for a part of it."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from penstock.ir.graph import edges
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Scope
from penstock.passes.model import Log
from penstock_kubeflow.levels import Levels


def check_order(levels: Levels, log: Log) -> None:
    """Reports nested pipelines that wait for one another, though no single step does."""
    names = levels.names
    if not names.ir.scopes:
        return
    waits: dict[str, TopologicalSorter[str]] = {}
    for before, after in edges(names.ir, names):
        pair = levels.siblings(before, after)
        if pair is not None and (pair[0] in levels.all or pair[1] in levels.all):
            level = levels.home[pair[0]]
            waits.setdefault(level, TopologicalSorter()).add(pair[1], pair[0])
    for sorter in waits.values():
        try:
            sorter.prepare()
        except CycleError as error:
            circle: list[str] = error.args[1]
            scopes = [scope for one in circle if (scope := scope_of(one, names)) is not None]
            nested = scopes[0]
            others = sorted({repr(_told(one, names)) for one in circle} - {repr(nested.id)})
            log.error(
                "PS401",
                at=nested.span,
                message=f"kubeflow cannot express the order of {nested.id!r} and "
                f"{', '.join(others)}: it runs what is inside as one task",
                hint="call the steps in the outer pipeline, or split the inner one",
            )


def scope_of(node: str, names: Lookup) -> Scope | None:
    """The scope that a level stands for, or that its arms or loop belong to."""
    return names.scopes.get(node) or names.scopes.get(node.rpartition(" ")[2])


def _told(node: str, names: Lookup) -> str:
    scope = scope_of(node, names)
    return scope.id if scope is not None else node
