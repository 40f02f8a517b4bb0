"""The edges leave out what follows from others, and nothing else."""

import tempfile
from pathlib import Path

import networkx as nx
from hypothesis import given
from programs import Program, programs, traced

from penstock.ir.graph import edges
from penstock.ir.lookup import lookup, producers, scope_values
from penstock.ir.nodes import Branch, PipelineIR


def all_edges(ir: PipelineIR) -> set[tuple[str, str]]:
    """Each step waits for its inputs and for what every scope around it waits for."""
    names = lookup(ir)
    found = set(edges(ir))  # with `after`, which is not thinned
    for step in ir.steps:
        values = [binding.value for binding in step.inputs]
        for scope in names.enclosing(step.scope):
            values += scope_values(scope)
            if isinstance(scope, Branch):
                arms = names.chains[scope.chain]
                for arm in arms[: arms.index(scope)]:
                    values += scope_values(arm)
        found.update((before, step.id) for value in values for before in producers(value))
    return found


def reach(ir: PipelineIR, pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(step.id for step in ir.steps)
    graph.add_edges_from(pairs)
    return set(nx.transitive_closure(graph).edges)


@given(programs())
def test_who_waits_for_whom_is_kept(program: Program) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ir = traced(program, Path(folder))
    assert reach(ir, set(edges(ir))) == reach(ir, all_edges(ir))
