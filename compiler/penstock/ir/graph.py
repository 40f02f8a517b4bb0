"""The graph of a pipeline: which step waits for which. Edges are derived, never stored.

The only module that knows networkx, and it loads it only when a pipeline is not already in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from penstock.ir.lookup import Lookup, lookup, producers, scope_values
from penstock.ir.nodes import Branch, PipelineIR, Scope, Step

if TYPE_CHECKING:
    import networkx as nx

Edges = dict[tuple[str, str], bool]
"""Who waits for whom; True when only `after` asks for it."""


def edges(ir: PipelineIR, names: Lookup | None = None) -> Edges:
    """The pairs (before, after) of step ids, in the order of the pipeline.

    Steps wait for what their inputs come from, for what their scopes look at, for the conditions
    of earlier arms of their chain, and for `after`. What a scope waits for is left out where a
    step waits for another that stands in the scope and so has waited. References to what does not
    exist are left out: other checks report them.
    """
    names = names or lookup(ir)
    found: Edges = {}
    own: dict[str, tuple[str, ...]] = {}
    members = _members(ir, names) if any(step.after for step in ir.steps) else {}
    for step in ir.steps:
        for other in step.after:
            for before in members.get(other, (other,)):
                if before in names.steps:
                    found[before, step.id] = True
        for before in _data(step, names, own):
            if before in names.steps:
                found[before, step.id] = False
    return found


def graph(ir: PipelineIR, names: Lookup | None = None) -> nx.DiGraph[str]:
    """The edges as a DiGraph; an edge's `order` is True when only `after` asks for it."""
    import networkx as nx

    found: nx.DiGraph[str] = nx.DiGraph()
    found.add_nodes_from(step.id for step in ir.steps)
    for (before, step), order in edges(ir, names).items():
        found.add_edge(before, step, order=order)
    return found


def _data(step: Step, names: Lookup, own: dict[str, tuple[str, ...]]) -> Iterator[str]:
    befores = [one for binding in step.inputs for one in producers(binding.value)]
    yield from befores
    for scope in names.enclosing(step.scope):
        if any(one in names.steps and names.steps[one].scope == scope.id for one in befores):
            return  # that step has waited for this scope and for all around it
        if scope.id not in own:
            own[scope.id] = tuple(sorted(_waited_for(scope, names)))
        befores += own[scope.id]
        yield from own[scope.id]


def _waited_for(scope: Scope, names: Lookup) -> set[str]:
    """The steps that must be done before a scope can begin, those around it aside."""
    found = {step for value in scope_values(scope) for step in producers(value)}
    if isinstance(scope, Branch):
        for arm in names.chains[scope.chain]:
            if arm.id == scope.id:
                break
            found.update(step for value in scope_values(arm) for step in producers(value))
    return found


def _members(ir: PipelineIR, names: Lookup) -> dict[str, list[str]]:
    """The steps inside each scope, at any depth."""
    members: dict[str, list[str]] = {}
    for step in ir.steps:
        for scope in names.enclosing(step.scope):
            members.setdefault(scope.id, []).append(step.id)
    return members


def _places(ir: PipelineIR) -> dict[str, int]:
    return {step.id: place for place, step in enumerate(ir.steps)}


def cycles(ir: PipelineIR, names: Lookup | None = None) -> list[list[str]]:
    """The groups of steps that wait for themselves, each in the order of the pipeline."""
    place = _places(ir)
    if all(place[before] < place[step] for before, step in edges(ir, names)):
        return []
    import networkx as nx

    waiting = graph(ir, names)
    loops = [
        sorted(group, key=place.__getitem__)
        for group in nx.strongly_connected_components(waiting)
        if len(group) > 1 or waiting.has_edge(*(list(group) * 2))
    ]
    return sorted(loops, key=lambda group: place[group[0]])


def in_order(ir: PipelineIR) -> tuple[Step, ...]:
    """The steps so that each stands after those it waits for, otherwise as they were written."""
    place = _places(ir)
    if all(place[before] < place[step] for before, step in edges(ir)):
        return ir.steps
    import networkx as nx

    steps = {step.id: step for step in ir.steps}
    sequence = nx.lexicographical_topological_sort(graph(ir), key=place.__getitem__)
    return tuple(steps[name] for name in sequence)


def upstream(ir: PipelineIR, names: Lookup | None = None) -> dict[str, tuple[str, ...]]:
    """For each step the steps it waits for directly, in the order of the pipeline."""
    place = _places(ir)
    found: dict[str, list[str]] = {step.id: [] for step in ir.steps}
    for before, step in edges(ir, names):
        found[step].append(before)
    return {step: tuple(sorted(befores, key=place.__getitem__)) for step, befores in found.items()}
