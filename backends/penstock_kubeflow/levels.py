"""The levels of a pipeline: each is a DAG of its own, and a task in the level around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Branch, Loop, Scope, Step
from penstock.ir.values import FromLoop, FromParameter, Gathered
from penstock_kubeflow.names import LONGEST_TASK, Unique, safe_name

ROOT = ""

Kind = Literal["root", "nested", "arm", "chain", "loop", "items", "guarded"]
"""`chain` holds the arms of a `when`, `items` a loop whose list is a part of something, and
`guarded` all that an exit step waits for."""


@dataclass(slots=True)
class Level:
    """One DAG: what it stands for, the level around it, and the nodes in it, in order."""

    id: str
    kind: Kind
    parent: str = ROOT
    depth: int = 0
    nodes: list[str] = field(default_factory=list[str])
    first: int = 0
    last: int = 0


class Levels:
    """Which DAG each step is in. A scope without steps is no level: nothing runs in it.

    A node is a step or a level; both are tasks of the level that they stand in.
    """

    def __init__(self, names: Lookup) -> None:
        self.names = names
        self.all: dict[str, Level] = {ROOT: Level(ROOT, "root")}
        self.home: dict[str, str] = {}
        self.exits = tuple(step.id for step in names.ir.steps if step.on_exit)
        self._waited = _waited_for(names)
        self._innermost = _guard(0) if self.exits else ROOT
        for number in range(len(self.exits)):
            self._open(_guard(number), "guarded")
        for step in names.ir.steps:
            if not step.on_exit:
                self._place(step.id, step.scope)
        self._guarded()
        self._number()
        self.tasks = self._task_names()

    def _open(self, level: str, kind: Kind) -> None:
        self.all[level] = Level(level, kind)

    def _place(self, node: str, scope: str | None) -> None:
        """Puts a node in its level, and each level that is new in the one around it."""
        while True:
            if scope is None:
                self._put(node, self._innermost, "guarded")
                return
            level, kind = _own(scope, self.names)
            if not self._put(node, level, kind):
                return
            node, scope = level, self.names.scopes[scope].parent
            outer = self._between(self.names.scopes[node])
            if outer is not None:
                if not self._put(node, *outer):
                    return
                node = outer[0]

    def _put(self, node: str, level: str, kind: Kind) -> bool:
        """Whether the level is new."""
        self.home[node] = level
        known = level in self.all
        if not known:
            self._open(level, kind)
        self.all[level].nodes.append(node)
        return not known

    def _between(self, scope: Scope) -> tuple[str, Kind] | None:
        """The level that a scope's own level needs around it."""
        if isinstance(scope, Branch) and self.has_chain(scope.chain):
            return chain_level(scope.chain), "chain"
        if isinstance(scope, Loop) and is_part(scope):
            return f"items {scope.id}", "items"
        return None

    def has_chain(self, chain: str) -> bool:
        """Whether the arms stand in a DAG of their own, which runs whichever of them does."""
        return len(self.names.chains[chain]) > 1 or chain in self._waited

    def _guarded(self) -> None:
        """One guarded DAG inside another: an exit task has one task that it waits for."""
        for number, step in enumerate(self.exits):
            outer = _guard(number + 1) if number + 1 < len(self.exits) else ROOT
            for node in (_guard(number), step):
                self.home[node] = outer
                self.all[outer].nodes.append(node)

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
                if node in self.all:
                    inner = self.all[node]
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
        # Of two arms one is skipped, and what waits for it would never run.
        apart = one != other and self.all[ours].kind != "chain"
        return (one, other) if apart else None

    def guard_of(self, step: str) -> str:
        """The DAG that an exit step waits for."""
        return _guard(self.exits.index(step))

    def _task_names(self) -> dict[str, str]:
        """The name of each node's task, from its whole id: older backends look tasks up by name
        alone, across all levels.
        """
        unique, found = Unique(), dict[str, str]()
        nested = {name for name, level in self.all.items() if level.kind == "nested"}
        first = [node for node in self.home if node in self.names.steps or node in nested]
        for node in dict.fromkeys([*first, *self.home]):
            # Numbers behind equal names must find room.
            name = safe_name(_plain(node))[: LONGEST_TASK - 6].rstrip("-")
            found[node] = unique(name or "step")
        return found


def chain_level(chain: str) -> str:
    """The level of the arms of a `when`; no scope's id has a space."""
    return f"branches {chain}"


def is_part(loop: Loop) -> bool:
    """Whether a loop goes over a part of a parameter, item or gathered list.

    The driver picks the part once for the loop and again in each round, so that it must be picked
    before.
    """
    return isinstance(loop.items, FromParameter | FromLoop | Gathered) and bool(loop.items.path)


def _guard(number: int) -> str:
    return f"guarded {number}"


def _plain(node: str) -> str:
    return "guarded" if node == _guard(0) else node


def _own(scope: str, names: Lookup) -> tuple[str, Kind]:
    node = names.scopes[scope]
    if isinstance(node, Branch):
        return scope, "arm"
    return scope, "loop" if isinstance(node, Loop) else "nested"


def _waited_for(names: Lookup) -> set[str]:
    """The chains of branches that a step outside of them may wait for."""
    return {chain for step in names.ir.steps for chain in _chains(step, names)}


def _chains(step: Step, names: Lookup) -> Iterator[str]:
    for other in step.after:
        inside = names.steps[other].scope if other in names.steps else other
        for scope in names.enclosing(inside):
            if isinstance(scope, Branch):
                yield scope.chain
