"""The levels of a pipeline: the root and each nested pipeline is a DAG of its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Nested
from penstock_kubeflow.names import safe_name

ROOT = ""


@dataclass
class Level:
    """One DAG: the scope it stands for, the level around it, and the nodes in it, in order."""

    id: str
    parent: str
    depth: int
    nodes: list[str] = field(default_factory=list[str])
    first: int = 0
    last: int = 0


class Levels:
    """Which DAG each step is in. A nested pipeline without steps is no level: nothing runs in it.

    A node is a step or a nested pipeline; both are tasks of the level that they stand in.
    """

    def __init__(self, names: Lookup) -> None:
        self.names = names
        self.all: dict[str, Level] = {ROOT: Level(ROOT, ROOT, 0)}
        self.home: dict[str, str] = {}
        for step in names.ir.steps:
            self._place(step.id, step.scope)
        self._number()

    def _place(self, node: str, scope: str | None) -> None:
        while True:
            level = scope or ROOT
            self.home[node] = level
            known = level in self.all
            if not known:
                self.all[level] = Level(level, ROOT, 0)
            self.all[level].nodes.append(node)
            if known:
                return
            node, scope = level, self.names.scopes[level].parent

    def _number(self) -> None:
        """Numbers the levels from outside in, so that one inside another is known at once."""
        count = 0
        todo: list[tuple[str, bool]] = [(ROOT, False)]
        while todo:
            name, left = todo.pop()
            level = self.all[name]
            if left:
                level.last = count
                continue
            count += 1
            level.first = count
            todo.append((name, True))
            for node in reversed(level.nodes):
                inner = (
                    self.all.get(node) if isinstance(self.names.scopes.get(node), Nested) else None
                )
                if inner is not None and node not in self.names.steps:
                    inner.parent, inner.depth = name, level.depth + 1
                    todo.append((node, False))

    def holds(self, outer: str, inner: str) -> bool:
        """Whether a level is another, or has it inside."""
        one, other = self.all[outer], self.all[inner]
        return one.first <= other.first <= one.last

    def siblings(self, one: str, other: str) -> tuple[str, str] | None:
        """The nodes around two nodes in the innermost level they share; None if one holds both."""
        if one not in self.home or other not in self.home:
            return None
        ours, theirs = self.home[one], self.home[other]
        while ours != theirs:
            if self.all[ours].depth >= self.all[theirs].depth:
                one, ours = ours, self.all[ours].parent
            else:
                other, theirs = theirs, self.all[theirs].parent
        return None if one == other else (one, other)


def task_name(node: str) -> str:
    """The name of a step's or nested pipeline's task: from its whole id, since older backends
    look tasks up by name alone, across all levels.
    """
    return safe_name(node)
