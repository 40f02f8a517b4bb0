"""Checks that a value is used only where it surely exists."""

from __future__ import annotations

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup, inner_values, scope_values
from penstock.ir.nodes import Branch, Loop, Scope
from penstock.ir.values import (
    FinalStatus,
    FromLoop,
    FromStep,
    Gathered,
    ListOf,
    OneOf,
    Value,
)
from penstock.passes.model import Log, check


@check(reports={"PS116", "PS117", "PS118", "PS120"})
def values_in_reach(names: Lookup, log: Log) -> None:
    """A value of a branch needs `one_of`, a value of a loop `gather`, to be used outside."""
    reach = _Reach(names, log)
    for step in names.ir.steps:
        for binding in step.inputs:
            reach.used(binding.value, step.scope, step.span)
    for scope in names.ir.scopes:
        for value in scope_values(scope):
            reach.used(value, scope.parent, scope.span)
    for output in names.ir.outputs:
        reach.used(output.value, None, names.ir.span)


class _Reach:
    def __init__(self, names: Lookup, log: Log) -> None:
        self._names = names
        self._log = log
        self._around: dict[str | None, frozenset[str]] = {None: frozenset()}

    def around(self, scope: str | None) -> frozenset[str]:
        """The scopes that are open inside this one, itself included."""
        if scope not in self._around:
            self._around[scope] = frozenset(one.id for one in self._names.enclosing(scope))
        return self._around[scope]

    def used(self, value: Value, scope: str | None, span: Span | None) -> None:
        """Reports what cannot be had in that scope."""
        for part, home in self._parts(value, span):
            for outer in self._names.enclosing(home):
                if outer.id in self.around(scope):
                    break  # as is everything around it
                if self._closes(outer):
                    self._report(outer, part, span)
                    break

    @staticmethod
    def _closes(scope: Scope) -> bool:
        return isinstance(scope, Branch | Loop)

    def _report(self, scope: Scope, part: Value, span: Span | None) -> None:
        what = _called(part)
        made = ((scope.span, "made in here"),) if scope.span else ()
        if isinstance(scope, Branch):
            self._log.error(
                "PS116",
                at=span,
                message=f"{what} exists only if its branch ran",
                label="used outside of the branch",
                hint="join the arms with one_of(a, b), or use it inside the branch",
                notes=made,
            )
        else:
            self._log.error(
                "PS117",
                at=span,
                message=f"{what} exists once for each item of its loop",
                label="used outside of the loop",
                hint="collect the values with gather(...), or use it inside the loop",
                notes=made,
            )

    def _parts(self, value: Value, span: Span | None) -> list[tuple[Value, str | None]]:
        """The values inside, each with the scope in which it lives."""
        match value:
            case FromStep():
                step = self._names.steps.get(value.step)
                return [(value, step.scope)] if step else []
            case FromLoop():
                return [(value, value.loop)]
            case ListOf():
                return [pair for one in value.values for pair in self._parts(one, span)]
            case Gathered():
                return self._gathered(value, span)
            case OneOf():
                return self._joined(value, span)
            case _:
                return []

    def _gathered(self, value: Gathered, span: Span | None) -> list[tuple[Value, str | None]]:
        loop = self._names.scopes.get(value.loop)
        if not isinstance(loop, Loop):
            return []
        for part, home in self._parts(value.value, span):
            for outer in self._names.enclosing(home):
                if outer.id == loop.id:
                    break
                if self._closes(outer):
                    self._report(outer, part, span)
                    break
            else:
                self._log.error(
                    "PS118",
                    at=span,
                    message=f"{_called(part)} is not made in the loop that it is gathered from",
                    label="made elsewhere",
                    hint="gather values that are made under `with each(...)`",
                )
        return [(value, loop.parent)]

    def _joined(self, value: OneOf, span: Span | None) -> list[tuple[Value, str | None]]:
        arms = [self._arms(one, span) for one in value.values]
        first, *others = arms or [{}]
        shared = [chain for chain in first if all(chain in other for other in others)]
        if not shared:
            self._log.error(
                "PS120",
                at=span,
                message="one_of takes values from the arms of one branch",
                label="not from one branch",
                hint="give one value from each arm of a `when` chain",
            )
            return []
        apart = (one for one in shared if len({found[one] for found in arms}) == len(arms))
        chain = next(apart, shared[0])
        members = self._names.chains[chain]
        given = [found[chain] for found in arms]
        for one, arm in zip(value.values, given, strict=True):
            self._inside(one, arm, span)
        if len(set(given)) != len(given):
            self._log.error(
                "PS120",
                at=span,
                message="one_of is given two values from the same arm",
                label="the same arm twice",
                hint="give one value from each arm",
            )
        elif {one.id for one in members} != set(given) or members[-1].condition is not None:
            self._log.error(
                "PS120",
                at=span,
                message="one_of needs a value from every arm, `otherwise` included",
                label="an arm is missing",
                hint="add an `otherwise` arm that makes the value, and give its value too",
            )
        return [(value, members[0].parent)]

    def _inside(self, value: Value, arm: str, span: Span | None) -> None:
        """Reports a value that its arm makes only in a branch of its own."""
        for part, home in self._parts(value, span):
            for scope in self._names.enclosing(home):
                if scope.id == arm:
                    break
                if self._closes(scope):
                    self._report(scope, part, span)
                    break

    def _arms(self, value: Value, span: Span | None) -> dict[str, str]:
        """The branches that the value lives in, innermost first: chain to arm."""
        found: dict[str, str] = {}
        for _, home in self._parts(value, span):
            for scope in self._names.enclosing(home):
                if isinstance(scope, Branch):
                    found.setdefault(scope.chain, scope.id)
                elif isinstance(scope, Loop):
                    break
        return found


def _called(value: Value) -> str:
    match value:
        case FromStep():
            output = "" if value.output == "value" else f".{value.output}"
            return f"{value.step}{output}"
        case FromLoop():
            return f"the item of {value.loop}"
        case Gathered():
            return "a gathered list"
        case _:
            return "this value"


@check(reports={"PS121"})
def exits_apart(names: Lookup, log: Log) -> None:
    """An exit step stands at the top, takes no step's output, and nobody waits for it."""
    exits = {step.id for step in names.ir.steps if step.on_exit}
    for step in names.ir.steps:
        values = [inner for one in step.inputs for inner in inner_values(one.value)]
        if not step.on_exit:
            taken = [one.step for one in values if isinstance(one, FromStep) and one.step in exits]
            if taken or exits & set(step.after):
                _exit_error(log, step.span, f"{step.id} waits for an exit step, which runs last")
            if any(isinstance(one, FinalStatus) for one in values):
                _exit_error(log, step.span, f"{step.id} takes the final status but is no exit step")
        elif step.scope is not None:
            _exit_error(log, step.span, f"{step.id} is an exit step inside {step.scope}")
        elif step.after or any(isinstance(one, FromStep | FromLoop | Gathered) for one in values):
            _exit_error(
                log, step.span, f"{step.id} is an exit step that takes a value that may not exist"
            )


def _exit_error(log: Log, span: Span | None, message: str) -> None:
    log.error(
        "PS121",
        at=span,
        message=message,
        hint="call on_exit at the top of the outermost pipeline, with parameters and plain values",
    )
