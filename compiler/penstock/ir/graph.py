"""The graph of a pipeline: which step waits for which. Edges are derived, never stored."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx

from penstock.ir.lookup import Lookup, lookup, producers, scope_values
from penstock.ir.nodes import Branch, PipelineIR, Step


def graph(ir: PipelineIR, names: Lookup | None = None) -> nx.DiGraph[str]:
    """A DiGraph of step ids; an edge's `order` is True when only `after` asks for it.

    Steps wait for what their inputs come from, for what their scopes look at, for the conditions
    of earlier arms of their chain, and for `after`. References to what does not exist are left
    out: other checks report them.
    """
    names = names or lookup(ir)
    found: nx.DiGraph[str] = nx.DiGraph()
    found.add_nodes_from(step.id for step in ir.steps)
    waits: dict[str, frozenset[str]] = {}
    members = _members(ir, names) if any(step.after for step in ir.steps) else {}
    for step in ir.steps:
        for other in step.after:
            for before in members.get(other, (other,)):
                if before in names.steps:
                    found.add_edge(before, step.id, order=True)
        for before in _data(step, names, waits):
            if before in names.steps:
                found.add_edge(before, step.id, order=False)
    return found


def _data(step: Step, names: Lookup, waits: dict[str, frozenset[str]]) -> Iterator[str]:
    for binding in step.inputs:
        yield from producers(binding.value)
    if step.scope is not None:
        yield from _waited_for(step.scope, names, waits)


def _waited_for(scope: str, names: Lookup, known: dict[str, frozenset[str]]) -> frozenset[str]:
    """The steps that must be done before a scope can begin: its own and those around it."""
    chain = list(names.enclosing(scope))
    before: frozenset[str] = frozenset()
    for node in reversed(chain):
        if node.id in known:
            before = known[node.id]
            continue
        own = {step for value in scope_values(node) for step in producers(value)}
        if isinstance(node, Branch):
            for arm in names.chains[node.chain]:
                if arm.id == node.id:
                    break
                own.update(step for value in scope_values(arm) for step in producers(value))
        before = known[node.id] = before | own
    return before


def _members(ir: PipelineIR, names: Lookup) -> dict[str, list[str]]:
    """The steps inside each scope, at any depth."""
    members: dict[str, list[str]] = {}
    for step in ir.steps:
        for scope in names.enclosing(step.scope):
            members.setdefault(scope.id, []).append(step.id)
    return members


def cycles(ir: PipelineIR, names: Lookup | None = None) -> list[list[str]]:
    """The groups of steps that wait for themselves, each in the order of the pipeline."""
    order = {step.id: position for position, step in enumerate(ir.steps)}
    waiting = graph(ir, names)
    loops = [
        sorted(group, key=order.__getitem__)
        for group in nx.strongly_connected_components(waiting)
        if len(group) > 1 or waiting.has_edge(*(list(group) * 2))
    ]
    return sorted(loops, key=lambda group: order[group[0]])


def in_order(ir: PipelineIR) -> tuple[Step, ...]:
    """The steps so that each stands after those it waits for, otherwise as they were written."""
    order = {step.id: position for position, step in enumerate(ir.steps)}
    steps = {step.id: step for step in ir.steps}
    waiting = graph(ir)
    if all(order[before] < order[after] for before, after in waiting.edges):
        return ir.steps
    sequence = nx.lexicographical_topological_sort(waiting, key=order.__getitem__)
    return tuple(steps[name] for name in sequence)


def upstream(ir: PipelineIR) -> dict[str, tuple[str, ...]]:
    """For each step the steps it waits for directly, in the order of the pipeline."""
    order = {step.id: position for position, step in enumerate(ir.steps)}
    waiting = graph(ir)
    return {
        step.id: tuple(sorted(waiting.predecessors(step.id), key=order.__getitem__))
        for step in ir.steps
    }
