"""Where in a run something happens: a node, and the rounds of the loops around it."""

from __future__ import annotations

from collections.abc import Container
from typing import cast

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Loop
from penstock.ir.values import Value

Rounds = tuple[int, ...]
"""The round of each loop around a node, outermost first."""

Key = tuple[str, Rounds]
"""One instance of a step or scope."""


class Places:
    """The scopes as a tree: what is inside what, and how many loops are around it."""

    def __init__(self, names: Lookup) -> None:
        self.parents: dict[str, str | None] = {one.id: one.parent for one in names.ir.scopes}
        self.parents |= {one.id: one.scope for one in names.ir.steps}
        self.position = {one.id: place for place, one in enumerate(names.ir.steps)}
        self.children: dict[str | None, list[str]] = {}
        for name, parent in self.parents.items():
            if name not in names.steps or not names.steps[name].on_exit:
                self.children.setdefault(parent, []).append(name)
        self._loops: dict[str, tuple[str, ...]] = {}
        self._names = names

    def loops(self, name: str) -> tuple[str, ...]:
        """The loops around a step or scope, outermost first; itself not counted."""
        found = self._loops.get(name)
        if found is None:
            parent = self.parents.get(name)
            outer = self._names.enclosing(parent)
            found = tuple(reversed([one.id for one in outer if isinstance(one, Loop)]))
            self._loops[name] = found
        return found

    def items(self, loop: str) -> Value:
        """What a loop goes over, as the pipeline has it."""
        return cast(Loop, self._names.scopes[loop]).items

    def key(self, name: str, rounds: Rounds) -> Key:
        """The instance of a node that is in reach from a place in those rounds."""
        return name, rounds[: len(self.loops(name))]

    def waited_for(self, name: str, rounds: Rounds, inside: tuple[str, ...]) -> Key:
        """What `after=` a node waits for: the whole loop, if the node repeats where we do not."""
        for loop in self.loops(name):
            if loop not in inside:
                return self.key(loop, rounds)
        return self.key(name, rounds)


def instance_name(key: Key) -> str:
    """The name of an instance in records and on the screen: `Fit.0` is the first round of `Fit`."""
    name, rounds = key
    return ".".join([name, *map(str, rounds)])


def step_of(instance: str, steps: Container[str]) -> str:
    """The step whose instance has this name; `steps` are all there are."""
    name = instance
    while name not in steps and (last := name.rpartition(".")[2]).isdecimal():
        name = name[: -len(last) - 1]
    return name
