"""Decides which steps may run: unfolds loops and nested pipelines, and skips branches not taken.

A node of the pipeline (a step or a scope) is tried when the scope around it opens. If a value
that it needs is not there yet, it is put aside and tried again when that value's maker is done,
so that the work grows with the edges of the graph and not with its square.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from penstock.ir.arguments import ArgumentError, check_argument
from penstock.ir.lookup import Lookup, lookup
from penstock.ir.nodes import Branch, Loop, Nested, PipelineIR, Step
from penstock_local.places import Key, Places, Rounds, instance_name
from penstock_local.values import Impossible, NeverMade, NotKnownYet, Values
from penstock_runtime.reference import Constant, Value
from penstock_runtime.response import Response

Blocker = tuple[str, Key]


@dataclass(frozen=True)
class Task:
    """One instance of a step, with its inputs."""

    key: Key
    name: str
    step: Step
    inputs: Mapping[str, Value]


class Schedule:
    """The state of a run: what is ready, what is done, and what waits for what."""

    def __init__(self, ir: PipelineIR, parameters: Mapping[str, object]) -> None:
        self.names: Lookup = lookup(ir)
        self._places = Places(self.names)
        self._values = Values(self._places, parameters)
        self._ready: list[tuple[int, Rounds, Task]] = []
        self._waiting: dict[Blocker, list[Key]] = {}
        self._final: set[Key] = set()
        self._taken: dict[Key, bool] = {}
        self._left: dict[tuple[str | None, Rounds], int] = {}
        self._unopened: dict[Key, list[int]] = {}
        self._rounds_left: dict[Key, int] = {}
        self._opened: dict[Key, None] = {}
        # A queue instead of calls: a loop of thousands of skipped rounds must not nest them.
        self._later: deque[Callable[[], None]] = deque()
        self.skipped: list[str] = []
        """The steps that were skipped since the list was last emptied."""
        self.broken: list[tuple[str, str]] = []
        """Loops, branches and nested pipelines that cannot go on, each with the reason."""
        self._open(None, ())
        self._go_on()

    def next(self) -> Task | None:
        """A step whose inputs are there, the earliest in the pipeline first."""
        return heapq.heappop(self._ready)[2] if self._ready else None

    def succeeded(self, key: Key, response: Response) -> None:
        """A step is done: what waits for it is tried again."""
        self._values.responses[key] = response
        self._finish(key)
        self._go_on()

    def exits(self, status: str) -> list[Task]:
        """The steps that run at the end, told how the run ended."""
        self._values.status = status
        return [self._task(step, ()) for step in self.names.ir.steps if step.on_exit]

    def outputs(self) -> dict[str, Value]:
        """What the pipeline returns, as far as it was made."""
        found: dict[str, Value] = {}
        for output in self.names.ir.outputs:
            try:
                found[output.name] = self._values.find(output.value, ())
            except (NotKnownYet, NeverMade):
                continue
        return found

    def unfinished(self) -> list[str]:
        """The steps that are not done, one name for all rounds of a loop that never unfolded."""
        met = {name for name, _ in (*self._opened, *self._values.skipped)}
        never = [(one.id, ()) for one in self.names.ir.steps if not one.on_exit]
        found = [key for key in self._opened if key not in self._final]
        found += [key for key in never if key[0] not in met]
        found.sort(key=lambda key: (self._places.position[key[0]], key[1]))
        return [instance_name(key) for key in found]

    def _go_on(self) -> None:
        while self._later:
            self._later.popleft()()

    def _open(self, scope: str | None, rounds: Rounds) -> None:
        inside = self._places.children.get(scope, [])
        self._left[scope, rounds] = len(inside)
        if not inside:
            self._closed(scope, rounds)
        for name in inside:
            if name in self.names.steps:
                self._opened[name, rounds] = None
            self._later.append(partial(self._try, (name, rounds)))

    def _try(self, key: Key) -> None:
        name, rounds = key
        try:
            if name in self.names.steps:
                self._try_step(self.names.steps[name], rounds)
                return
            scope = self.names.scopes[name]
            if isinstance(scope, Branch):
                self._try_branch(scope, rounds)
            elif isinstance(scope, Loop):
                self._try_loop(scope, rounds)
            else:
                self._try_nested(scope, rounds)
        except NotKnownYet as error:
            self._waiting.setdefault(error.blocker, []).append(key)
        except NeverMade:
            self._skip(key)
        except (Impossible, ArgumentError) as error:
            self.broken.append((instance_name(key), str(error)))

    def _try_step(self, step: Step, rounds: Rounds) -> None:
        loops = self._places.loops(step.id)
        for other in step.after:
            before = self._places.waited_for(other, rounds, loops)
            if before not in self._final:
                raise NotKnownYet(("final", before))
        task = self._task(step, rounds)
        heapq.heappush(self._ready, (self._places.position[step.id], rounds, task))

    def _task(self, step: Step, rounds: Rounds) -> Task:
        inputs = {one.name: self._values.find(one.value, rounds) for one in step.inputs}
        key = (step.id, rounds)
        return Task(key, instance_name(key), step, inputs)

    def _try_branch(self, branch: Branch, rounds: Rounds) -> None:
        """Arms are decided in their order, so that only one of them is taken."""
        arms = [one.id for one in self.names.chains[branch.chain]]
        key = (branch.id, rounds)
        place = arms.index(branch.id)
        over = False
        if place:
            before = (arms[place - 1], rounds)
            if before not in self._taken:
                raise NotKnownYet(("taken", before))
            over = self._taken[before]
        holds = not over and (
            branch.condition is None or self._values.holds(branch.condition, rounds)
        )
        self._taken[key] = over or holds
        if holds:
            self._open(branch.id, rounds)
        else:
            self._skip(key)
        self._wake(("taken", key))

    def _try_loop(self, loop: Loop, rounds: Rounds) -> None:
        key = (loop.id, rounds)
        items = self._values.listed(loop.items, rounds)
        self._values.items[key] = items
        self._rounds_left[key] = len(items)
        at_once = loop.parallel or len(items)
        self._unopened[key] = list(range(len(items)))[at_once:][::-1]
        if not items:
            self._finish(key)
        for one in range(min(at_once, len(items))):
            self._open(loop.id, (*rounds, one))
        self._wake(("items", key))

    def _try_nested(self, nested: Nested, rounds: Rounds) -> None:
        given = {one.name: self._values.find(one.value, rounds) for one in nested.inputs}
        for parameter in nested.parameters:
            value = given.get(parameter.name)
            if isinstance(value, Constant):
                check_argument(parameter, value.value, self.names.ir.classes)
        self._open(nested.id, rounds)

    def _finish(self, key: Key) -> None:
        self._final.add(key)
        self._wake(("final", key))
        name, rounds = key
        self._child_done(self._places.parents[name], rounds)

    def _child_done(self, scope: str | None, rounds: Rounds) -> None:
        self._left[scope, rounds] -= 1
        if self._left[scope, rounds] == 0:
            self._closed(scope, rounds)

    def _closed(self, scope: str | None, rounds: Rounds) -> None:
        if scope is None:
            return
        if not isinstance(self.names.scopes[scope], Loop):
            self._finish((scope, rounds))
            return
        loop = (scope, rounds[:-1])
        self._rounds_left[loop] -= 1
        if self._unopened[loop]:
            self._later.append(partial(self._open, scope, (*loop[1], self._unopened[loop].pop())))
        elif self._rounds_left[loop] == 0:
            self._finish(loop)

    def _skip(self, key: Key) -> None:
        """A node that does not run, and all that is inside it; what is after it need not wait."""
        self._mark_skipped(key)
        self._finish(key)

    def _mark_skipped(self, key: Key) -> None:
        name, rounds = key
        self._values.skipped.add(key)
        if name in self.names.steps:
            self.skipped.append(instance_name(key))
        else:
            self._taken.setdefault(key, False)
            self._wake(("items", key))
            self._wake(("taken", key))
        for child in self._places.children.get(name, []) if name in self.names.scopes else []:
            self._mark_skipped((child, rounds))
            self._final.add((child, rounds))
            self._wake(("final", (child, rounds)))

    def _wake(self, blocker: Blocker) -> None:
        for key in self._waiting.pop(blocker, []):
            self._later.append(partial(self._try, key))
