"""What a pipeline means, said as plainly as possible: no store, no scheduler, no runtime.

Steps are called as functions, values are Python values. After each step the whole pipeline is
looked at anew, and the first step in it that can run is the next: slow, and hard to get wrong.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import ModuleType
from typing import Any, cast, get_args, get_origin, get_type_hints

from penstock.ir import values as ir
from penstock.ir.lookup import lookup
from penstock.ir.nodes import Branch, Loop, PipelineIR, Scope, Step

Rounds = tuple[int, ...]
Key = tuple[str, Rounds]
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class NotYet(Exception):
    """The value is not there so far."""


class Never(Exception):
    """The value is made in a branch that was not taken."""


@dataclass
class Outcome:
    """What a run comes to: how each step ended, in which order, what it took and what it gave."""

    states: dict[str, str] = field(default_factory=dict[str, str])
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    result: dict[str, Any] = field(default_factory=dict[str, Any])
    status: str = "succeeded"


class Reference:
    """Runs a pipeline whose steps are all in one module; every parameter is given, as JSON."""

    def __init__(self, pipeline: PipelineIR, module: ModuleType, given: Mapping[str, Any]) -> None:
        self.names, self.module, self.given = lookup(pipeline), module, given
        self.outcome, self.status = Outcome(), ""
        self.made: dict[Key, dict[str, Any]] = {}
        self.items: dict[Key, list[Any]] = {}
        self.never: set[Key] = set()
        self.over: set[Key] = set()
        self.ready: list[Key] = []
        self.met: set[Key] = set()

    def run(self) -> Outcome:
        """The whole run, one step at a time; after a failure nothing but exit steps begins."""
        place = {one.id: number for number, one in enumerate(self.names.ir.steps)}
        outcome = self.outcome
        self.look_around()
        while self.ready and outcome.status == "succeeded":
            self.call(min(self.ready, key=lambda key: (place[key[0]], key[1])))
            self.look_around()
        self.status = outcome.status
        for step in self.names.ir.steps:
            if step.on_exit:
                self.call((step.id, ()))
        for key in self.met | self.never:
            if key[0] in place:
                state = "skipped" if key in self.never else "not run"
                outcome.states.setdefault(named(key), state)
        for name in place.keys() - {key[0] for key in self.met | self.never}:
            outcome.states.setdefault(name, "not run")
        for output in self.names.ir.outputs:
            try:
                outcome.result[output.name] = self.find(output.value, ())
            except (NotYet, Never):
                continue
        return outcome

    def call(self, key: Key) -> None:
        """Calls a step as the plain Python that it is."""
        step, name = self.names.steps[key[0]], named(key)
        values = {one.name: self.find(one.value, key[1]) for one in step.inputs}
        self.outcome.inputs[name] = values
        target: Any = self.module
        for part in step.component.partition(":")[2].split("."):
            target = getattr(target, part)
        fields = {one for one, known in self.names.inputs(step.component).items() if known.field}
        try:
            if isinstance(target, type):
                made: Any = target(**asked({n: values[n] for n in values if n in fields}, target))
                rest = {n: values[n] for n in values if n not in fields}
                returned = made.run(**asked(rest, cast(Any, target).run))
            else:
                returned = target(**asked(values, target.__wrapped__))
        except Exception:  # whatever a step raises, it has failed
            self.outcome.states[name] = self.outcome.status = "failed"
            return
        several = getattr(returned, "_asdict", None)
        single = {"value": returned} if self.names.components[step.component].outputs else {}
        self.made[key] = plain(several() if several else single)
        self.outcome.outputs[name] = self.made[key]
        self.outcome.states[name] = "succeeded"

    # -- what may run

    def look_around(self) -> None:
        """Looks until there is nothing new to see: a skipped step may let others be skipped."""
        seen = -1
        while seen != (seen := len(self.over) + len(self.items)):
            self.ready = []
            self.look(None, ())

    def look(self, scope: str | None, rounds: Rounds) -> bool:
        """Looks at everything in an open scope; whether all of it is over."""
        nodes = [one for one in self.names.ir.steps if one.scope == scope and not one.on_exit]
        inner = [one for one in self.names.ir.scopes if one.parent == scope]
        over = [self.look_at(one, rounds) for one in (*nodes, *inner)]  # at each of them, always
        return all(over)

    def look_at(self, node: Step | Scope, rounds: Rounds) -> bool:
        """Looks at one node, and whether it is over: done or skipped, with all that is inside."""
        key = (node.id, rounds)
        self.met.add(key)
        if key in self.made or key in self.never:
            self.over.add(key)
            return True
        try:
            self.needs(node, rounds)
        except NotYet:
            return False
        except Never:
            self.skip(node.id, rounds)
            return True
        if isinstance(node, Step):
            self.ready.append(key)
            return False
        done = self.rounds_done(node, key) if isinstance(node, Loop) else self.look(node.id, rounds)
        self.over |= {key} if done else set()
        return done

    def needs(self, node: Step | Scope, rounds: Rounds) -> None:
        """Whether what a node needs is there; raises NotYet, or Never if it is not to run."""
        if isinstance(node, Step):
            for other in node.after:
                strange = [one for one in self.loops(other) if one not in self.loops(node.id)]
                if self.key(strange[0] if strange else other, rounds) not in self.over:
                    raise NotYet
        if isinstance(node, Branch):
            if not self.taken(node, rounds):
                raise Never
        elif isinstance(node, Loop):
            self.items[node.id, rounds] = self.find(node.items, rounds)
        else:
            for one in node.inputs:
                self.find(one.value, rounds)

    def taken(self, branch: Branch, rounds: Rounds) -> bool:
        """Whether this is the arm whose condition is the first to hold."""
        for arm in self.names.chains[branch.chain]:
            if arm.condition is None or self.holds(arm.condition, rounds):
                return arm is branch
            if arm is branch:
                break
        return False

    def rounds_done(self, loop: Loop, key: Key) -> bool:
        """Looks at the rounds that are open, at most `parallel` at once; whether all are over."""
        count, done = len(self.items[key]), 0
        for one in range(count):
            if one - done < (loop.parallel or count):
                done += self.look(loop.id, (*key[1], one))
        return done == count

    def skip(self, name: str, rounds: Rounds) -> None:
        """A node does not run, nor does anything inside it."""
        self.never.add((name, rounds))
        self.over.add((name, rounds))
        for one in (*self.names.ir.steps, *self.names.ir.scopes):
            if (one.scope if isinstance(one, Step) else one.parent) == name:
                self.skip(one.id, rounds)

    # -- values

    def loops(self, name: str) -> list[str]:
        """The loops around a node, outermost first."""
        node: Step | Scope = self.names.steps.get(name) or self.names.scopes[name]
        outer = self.names.enclosing(node.scope if isinstance(node, Step) else node.parent)
        return [one.id for one in outer if isinstance(one, Loop)][::-1]

    def key(self, name: str, at: Rounds) -> Key:
        """The node as it is seen from a place inside those rounds."""
        return name, at[: len(self.loops(name))]

    def find(self, value: ir.Value, at: Rounds) -> Any:
        """The value at a place; raises NotYet and Never."""
        match value:
            case ir.Constant():
                return value.value
            case ir.FromParameter():
                found = self.given[value.parameter]
            case ir.FromStep():
                found = self.there(self.made, self.key(value.step, at))[value.output]
            case ir.FromLoop():
                loop = self.key(value.loop, at)
                found = self.items[loop][at[len(loop[1])]]
            case ir.Gathered():
                loop = self.key(value.loop, at)
                rounds = range(len(self.there(self.items, loop)))
                found = [self.find(value.value, (*loop[1], one)) for one in rounds]
            case ir.OneOf():
                found = self.whichever(value, at)
            case ir.ListOf():
                return [self.find(one, at) for one in value.values]
            case _:
                return self.status
        for part in value.path:
            inside = isinstance(found, (Mapping, list))
            found = cast(Any, found)[part] if inside else getattr(found, str(part))
        return plain(found)

    def there(self, known: Mapping[Key, Any], key: Key) -> Any:
        """What is known under the key; raises NotYet and Never."""
        if key not in known:
            raise Never if key in self.never else NotYet
        return known[key]

    def whichever(self, value: ir.OneOf, at: Rounds) -> Any:
        """The value of the branch that was taken."""
        for one in value.values:
            try:
                return self.find(one, at)
            except Never:
                continue
        raise Never

    def holds(self, condition: ir.Condition, at: Rounds) -> bool:
        """Whether a condition is true; raises NotYet and Never."""
        match condition:
            case ir.Comparison():
                left, right = self.find(condition.left, at), self.find(condition.right, at)
                return OPERATORS[condition.operator](left, right)
            case ir.Truth():
                return bool(self.find(condition.value, at))
            case ir.Not():
                return not self.holds(condition.condition, at)
            case _:
                found = [self.holds(one, at) for one in condition.conditions]
                return all(found) if isinstance(condition, ir.AllOf) else any(found)


def named(key: Key) -> str:
    """`fit.0` is the first round of `fit`."""
    return ".".join([key[0], *map(str, key[1])])


def plain(value: Any) -> Any:
    """Values travel as JSON where they can: an enum's member is what it stands for."""
    if isinstance(value, Enum):
        return value.value
    if type(value) is list:
        items: list[Any] = value
        return [plain(one) for one in items]
    if type(value) is dict:
        entries: dict[Any, Any] = value
        return {key: plain(one) for key, one in entries.items()}
    return value


def asked(values: Mapping[str, Any], code: Any) -> dict[str, Any]:
    """The values as the annotations of a function or class ask for them."""
    hints = get_type_hints(code)
    return {name: as_asked(value, hints.get(name, Any)) for name, value in values.items()}


def as_asked(value: Any, hint: Any) -> Any:
    """A value as one annotation asks for it."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is float and type(value) is int:
        return float(value)
    if get_origin(hint) is list:
        return [as_asked(one, get_args(hint)[0]) for one in value]
    if get_origin(hint) is dict:
        return {key: as_asked(one, get_args(hint)[1]) for key, one in value.items()}
    return value
