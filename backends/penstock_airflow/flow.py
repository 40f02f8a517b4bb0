"""What Airflow runs for a pipeline: its tasks, and which of them waits for which.

Beside the steps there are two kinds of tasks: a choice decides which arm of a `when` chain runs,
and rounds list what a loop goes over. Inside a loop there are no choices, for some releases of
Airflow run every arm there (apache/airflow#65745): each step of an arm asks for itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from penstock.ir.lookup import Lookup, inner_values, producers, scope_values
from penstock.ir.nodes import Branch, Loop, PipelineIR
from penstock.ir.values import Constant, FromLoop, FromStep, OneOf, Value
from penstock_airflow.mapping import Mapped, mapped_loops
from penstock_airflow.names import fresh

NONE_FAILED = "none_failed"
ONE_SUCCESS = "none_failed_min_one_success"
_FAR = 50  # how many tasks are looked at for an edge to be left out


@dataclass(frozen=True)
class Choice:
    """The task that decides which arm of a chain runs."""

    id: str
    scope: str | None
    arms: tuple[Branch, ...]


@dataclass(frozen=True)
class Rounds:
    """The task that lists what a loop goes over."""

    id: str
    scope: str | None
    loop: Loop


@dataclass
class Flow:
    """The tasks of a pipeline beside its steps, and what is known of each task by its id.

    `waits` holds the tasks before it, `rules` its trigger rule where that is not the usual one,
    `guards` the arm that it must ask about itself, and `chosen` the tasks that a choice starts,
    by arm. Steps that run at the end are not in here.
    """

    names: Lookup
    choices: dict[str, Choice] = field(default_factory=dict[str, Choice])
    rounds: dict[str, Rounds] = field(default_factory=dict[str, Rounds])
    mapped: Mapping[str, Mapped] = field(default_factory=dict[str, Mapped])
    scopes: dict[str, str | None] = field(default_factory=dict[str, str | None])
    waits: dict[str, dict[str, None]] = field(default_factory=dict[str, dict[str, None]])
    rules: dict[str, str] = field(default_factory=dict[str, str])
    guards: dict[str, str] = field(default_factory=dict[str, str])
    chosen: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def loops(self, scope: str | None) -> tuple[Loop, ...]:
        """The loops around a place, innermost first."""
        return tuple(one for one in self.names.enclosing(scope) if isinstance(one, Loop))

    def loop_of(self, task: str) -> str | None:
        """The innermost loop around a task."""
        return next((one.id for one in self.loops(self.scopes[task])), None)


def flow(names: Lookup) -> Flow:
    """The tasks of a pipeline and their order."""
    found = Flow(names, mapped=mapped_loops(names))
    _add_tasks(found, names.ir)
    work: dict[str, tuple[list[Value], tuple[str, ...]]] = {}
    for choice in found.choices.values():
        work[choice.id] = [one for arm in choice.arms for one in scope_values(arm)], ()
    for rounds in found.rounds.values():
        work[rounds.id] = [rounds.loop.items], ()
    for step in names.ir.steps:
        if not step.on_exit:
            found.scopes[step.id] = step.scope
            work[step.id] = [one.value for one in step.inputs], step.after
    members: dict[str, dict[str, None]] = {}
    for task, scope in found.scopes.items():
        for one in names.enclosing(scope):
            members.setdefault(one.id, {})[task] = None
    for task, (values, after) in work.items():
        found.waits[task] = _waits(task, values, after, found, members)
    for task, (values, after) in work.items():
        _rule(task, values, after, found)
        _enter(task, found, members)
    sure = {task: _sure(task, found) for task in work}
    for task in work:
        _leave_out(task, found, sure)
    return found


def _add_tasks(found: Flow, ir: PipelineIR) -> None:
    taken = {*found.names.steps, *found.names.scopes}
    for scope in ir.scopes:
        if isinstance(scope, Branch):
            if scope.chain not in found.choices and not found.loops(scope.parent):
                head, dot, last = scope.chain.rpartition(".")
                name = fresh(f"{head}{dot}{last.replace('when', 'choose', 1)}", taken)
                arms = found.names.chains[scope.chain]
                found.choices[scope.chain] = Choice(name, scope.parent, arms)
                found.scopes[name] = scope.parent
        elif isinstance(scope, Loop) and _listed_by_task(scope, found):
            name = fresh(f"{scope.id}_items", taken)
            found.rounds[scope.id] = Rounds(name, scope.parent, scope)
            found.scopes[name] = scope.parent


def _listed_by_task(loop: Loop, found: Flow) -> bool:
    """Whether a task must list the items: they are not known, or the loop may be skipped.

    Airflow expands a list that stands in the file at once, whatever is skipped before it.
    """
    items = loop.items
    if not isinstance(items, Constant) or not items.value or found.mapped[loop.id] == "flat":
        return True
    return any(isinstance(one, Branch) for one in found.names.enclosing(loop.parent))


def _waits(
    task: str,
    values: list[Value],
    after: tuple[str, ...],
    found: Flow,
    members: Mapping[str, dict[str, None]],
) -> dict[str, None]:
    own = [one.id for one in found.loops(found.scopes[task])]
    waits = {before: None for value in values for before in producers(value)}
    # What the innermost loop goes over is listed after what those around it do.
    lists = own[:1]
    for value in values:
        for inner in inner_values(value):
            if isinstance(inner, FromLoop) and inner.loop not in own:
                lists.append(inner.loop)
    waits |= {found.rounds[loop].id: None for loop in lists if loop in found.rounds}
    for other in after:
        waits |= dict.fromkeys(members.get(other, (other,)))
    guard = _guard(task, found)
    if guard is not None:
        found.guards[task] = guard.id
        for value in asked(guard, found.names):
            waits |= dict.fromkeys(producers(value))
    return {one: None for one in waits if one in found.scopes and one != task}


def _guard(task: str, found: Flow) -> Branch | None:
    """The innermost arm around a task, if it is inside a loop."""
    for scope in found.names.enclosing(found.scopes[task]):
        if isinstance(scope, Loop):
            return None
        if isinstance(scope, Branch):
            return scope if scope.chain not in found.choices else None
    return None


def asked(arm: Branch, names: Lookup) -> Iterator[Value]:
    """What decides whether an arm is taken: its condition, those before it, and those around."""
    for scope in (arm, *names.enclosing(arm.parent)):
        if isinstance(scope, Loop):
            return
        if isinstance(scope, Branch):
            for one in names.chains[scope.chain]:
                yield from scope_values(one)
                if one.id == scope.id:
                    break


def _rule(task: str, values: list[Value], after: tuple[str, ...], found: Flow) -> None:
    """A task runs although tasks before it were skipped, where they do not stand for its own."""
    own = {one.id for one in found.names.enclosing(found.scopes[task])}
    loop = found.loop_of(task)
    flat = loop is not None and found.mapped[loop] == "flat"
    if not any(_may_be_skipped(one, own, flat, found) for one in found.waits[task]):
        return
    inner = [one for value in values for one in inner_values(value)]
    surely = any(isinstance(one, OneOf) for one in inner)
    surely |= any(isinstance(one, FromStep) for one in values)
    found.rules[task] = ONE_SUCCESS if surely and loop is None else NONE_FAILED


def _may_be_skipped(task: str, own: set[str], flat: bool, found: Flow) -> bool:
    """Whether a task can be skipped where another, inside the scopes `own`, is not."""
    if flat and task in found.guards:
        return True  # each task waits for all rounds of the others
    for scope in found.names.enclosing(found.scopes[task]):
        if scope.id in own:
            return False
        if isinstance(scope, Branch) or (isinstance(scope, Loop) and scope.id in found.rounds):
            return True
    return False


def _enter(task: str, found: Flow, members: Mapping[str, dict[str, None]]) -> None:
    """Hang a task on the choice of its arm, unless another task of the arm is before it."""
    arms: list[Branch] = []
    for scope in found.names.enclosing(found.scopes[task]):
        if isinstance(scope, Loop):
            break
        if isinstance(scope, Branch):
            arms.append(scope)
    if not arms or task in found.guards:
        return
    soft = task in found.rules
    if soft and len(arms) > 1:
        # What decides may itself be skipped, which the rule of this task would not mind.
        found.guards[task] = arms[0].id
    if soft or not any(before in members[arms[0].id] for before in found.waits[task]):
        found.chosen.setdefault(arms[0].id, []).append(task)
        found.waits[task][found.choices[arms[0].chain].id] = None


def _sure(task: str, found: Flow) -> list[str]:
    """The tasks before a task that run whenever it does."""
    own = {one.id for one in found.names.enclosing(found.scopes[task])}
    loop = found.loop_of(task)
    flat = loop is not None and found.mapped[loop] == "flat"
    return [one for one in found.waits[task] if not _may_be_skipped(one, own, flat, found)]


def _leave_out(task: str, found: Flow, sure: Mapping[str, list[str]]) -> None:
    """Forget what a task that surely comes between has waited for already.

    What may be skipped does not count: a choice skips it before the rest of what it waits for.
    """
    waits = found.waits[task]
    if len(waits) < 2:
        return
    seen: set[str] = set()
    todo = list(sure[task])
    while todo and len(seen) < _FAR:
        between = todo.pop()
        if between not in seen:
            seen.add(between)
            todo += sure[between]
    for between in seen:
        for before in found.waits[between]:
            waits.pop(before, None)
