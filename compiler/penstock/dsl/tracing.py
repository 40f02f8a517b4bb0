"""Watches a pipeline's body run and writes down what it calls, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from enum import Enum
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, cast

from penstock.diagnostics import Diagnostic, PipelineError, Severity, Span
from penstock.dsl.annotations import TypeTable
from penstock.dsl.definition import Definition
from penstock.dsl.fields import class_fields
from penstock.dsl.places import Places, user_frame
from penstock.dsl.promises import STAND_IN, Condition, Done, Outputs, Poison, Promise
from penstock.dsl.refusing import Refusing
from penstock_runtime.parameters import to_json

Plain = dict[str, object]

_current: ContextVar[Trace | None] = ContextVar("penstock_trace", default=None)

_LONGEST_ID = 80
_MOST_REPEATS = 1000


def current_trace() -> Trace | None:
    """The trace that is under way in this context; None outside of a pipeline."""
    return _current.get()


class Trace:
    """One pipeline being traced: its steps and scopes so far, and what went wrong."""

    def __init__(self, root: Path) -> None:
        self.places = Places(root)
        self.types = TypeTable()
        self.problems: list[Diagnostic] = []
        self.components: dict[str, Plain] = {}
        self.steps: dict[str, Plain] = {}
        self.scopes: dict[str, Plain] = {}
        self.parameters: dict[str, Plain] = {}
        self.open: list[str] = []
        self.prefixes: list[str] = [""]
        self.pipelines: list[object] = []
        self.last_chain: tuple[str | None, str] | None = None
        self.definitions: dict[int, Definition] = {}
        self.waiting: list[tuple[str, str, list[object], Span]] = []
        self._taken: dict[str, int] = {}
        self._called: dict[object, list[str]] = {}
        self._fields: dict[type, dict[str, Any]] = {}
        self._repeats = 0
        self._blocks: dict[int, tuple[CodeType, set[int]]] = {}
        self._blames: dict[Span, tuple[Span, str | None]] = {}

    def __enter__(self) -> Trace:
        self._token = _current.set(self)
        return self

    def __exit__(self, *details: object) -> None:
        _current.reset(self._token)

    def problem(
        self,
        code: str,
        message: str,
        *,
        span: Span | None = None,
        label: str = "",
        hint: str = "",
        severity: Severity = "error",
        notes: tuple[tuple[Span, str], ...] = (),
    ) -> None:
        """Reports a problem, by default at the line that the user's code is at."""
        found = Diagnostic(
            code=code,
            message=message,
            span=span or self._blamed()[0],
            severity=severity,
            label=label,
            hint=hint,
            notes=notes,
        )
        if found not in self.problems:
            self.problems.append(found)
        else:
            self.repeated()

    def _blamed(self) -> tuple[Span, str | None]:
        """The user's expression, and the word such as `and` that asks for its bool, if any."""
        frame = user_frame()
        here = self.places.here(frame)
        if here not in self._blames:
            from penstock.dsl.booleans import joined_by
            from penstock.dsl.statements import narrowed, parsed

            tree = parsed(frame, here)
            span = narrowed(tree, here) if tree else here
            self._blames[here] = (span, joined_by(tree, span) if tree else None)
        return self._blames[here]

    def told(self, code: str) -> bool:
        """Whether the last problem is of this code and at the place that the user's code is at."""
        last = self.problems[-1] if self.problems else None
        return last is not None and (last.code, last.span) == (code, self._blamed()[0])

    def repeated(self) -> None:
        """Stops a loop such as `while not value:`, which a stand-in would keep going forever."""
        self._repeats += 1
        if self._repeats > _MOST_REPEATS:
            raise PipelineError(tuple(self.problems))

    def fields(self, cls: type) -> dict[str, Any]:
        """The fields of a step class; read once, since resolving annotations takes long."""
        found = self._fields.get(cls)
        if found is None:
            found = self._fields[cls] = class_fields(cls)
        return found

    def used_as_bool(self) -> None:
        """Reports that the user's line took a run-time value as a Python bool."""
        span, word = self._blamed()
        if word is None:
            self.problem(
                "PS101",
                "this value does not exist until the pipeline runs",
                span=span,
                label="used as a Python bool",
                hint="branch with `with when(...):`, not `if`",
            )
        else:
            symbol = {"and": "&", "or": "|", "not": "~", "a < b < c": "&"}[word]
            self.problem(
                "PS102",
                f"`{word}` cannot wait for a run-time value",
                span=span,
                label=f"used with `{word}`",
                hint=f"combine conditions with `{symbol}`, each in parentheses",
            )

    @property
    def scope(self) -> str | None:
        """The innermost open scope."""
        return self.open[-1] if self.open else None

    def fresh(self, name: str, prefix: str | None = None) -> str:
        """An id that no step or scope has: the name, told apart by a number where needed."""
        path = self.prefixes[-1] if prefix is None else prefix
        base = f"{path}{name}" if len(path) + len(name) <= _LONGEST_ID else name
        count = self._taken.get(base, 0) + 1
        while True:
            found = base if count == 1 else f"{base}_{count}"
            if found not in self.steps and found not in self.scopes:
                self._taken[base] = count
                return found
            count += 1

    def enter(self, name: str, scope: Plain, span: Span) -> str:
        """Opens a scope; what follows belongs to it until `leave`."""
        identity = self.fresh(name)
        if self.scope is not None:
            scope["in"] = self.scope
        scope["at"] = text_of(span)
        self.scopes[identity] = scope
        self.open.append(identity)
        self.last_chain = None
        return identity

    def opened(self, frame: FrameType, span: Span) -> None:
        """Remembers where a branch or loop begins, for `report_leavings`."""
        code = frame.f_code
        self._blocks.setdefault(id(code), (code, set()))[1].add(span.line)

    def report_leavings(self) -> None:
        """Reports what leaves a branch or loop early, so that the rest was never traced."""
        from penstock.dsl.leaving import leavings

        for code, lines in self._blocks.values():
            file = self.places.file(code.co_filename)
            for word, line, start, end in leavings(code, lines):
                self.problem(
                    "PS124",
                    f"`{word}` leaves the block for every run, whatever the run decides",
                    span=Span(file, line, start, line, end),
                    label="what follows is lost",
                    hint=f"let the block end by itself; move `{word}` out of it",
                )

    def leave(self) -> None:
        """Closes the innermost scope."""
        self.open.pop()

    def add_step(self, name: str, step: Plain, caller: object) -> str:
        """Writes down one call of a component under an id of its own."""
        identity = self.fresh(name)
        if self.scope is not None:
            step["in"] = self.scope
        self.steps[identity] = step
        self.last_chain = None
        self._called.setdefault((self.prefixes[-1], caller), []).append(identity)
        return identity

    def calls_of(self, caller: object, prefix: str) -> list[str]:
        """The ids of the steps that a callable was called as, in one pipeline of those nested."""
        return self._called.get((prefix, caller), [])

    def value(self, given: object, what: str = "this value", at: Span | None = None) -> Plain:
        """What the user passed, as a plain value; what cannot be passed is reported."""
        if isinstance(given, Promise):
            return self._promised(given, at)
        if isinstance(given, Outputs):
            self.problem(
                "PS109",
                f"{what} is several outputs at once",
                label="several outputs",
                hint=f"pass one of them: {', '.join(given._promises)}",  # pyright: ignore[reportPrivateUsage] - ours
            )
            return {"value": None}
        if isinstance(given, Done | Condition):
            kind = "a condition" if isinstance(given, Condition) else "the end of a step"
            self.problem(
                "PS109",
                f"{what} is {kind}, which is no value",
                label="no value to pass on",
                hint="return a value from a step and pass that; order steps with after=[...]",
            )
            return {"value": None}
        if isinstance(given, list | tuple):
            items = cast("list[object]", given)
            if _holds_promise(items):
                return {"list": [self.value(item, what) for item in items]}
            return {"value": self._constant(items, what)}
        return {"value": self._constant(given, what)}

    def _promised(self, promise: Promise, at: Span | None) -> Plain:
        if isinstance(promise, Poison):
            return {"value": None}
        if promise._trace is not self:  # pyright: ignore[reportPrivateUsage] - promises are ours
            self.problem(
                "PS123",
                "this value belongs to another pipeline",
                span=at,
                label="from another pipeline",
                hint="pass it as a parameter, or return it from the nested pipeline",
            )
            return {"value": None}
        return promise._ref  # pyright: ignore[reportPrivateUsage] - promises are ours

    def _constant(self, given: object, what: str) -> object:
        value = given.value if isinstance(given, Enum) else given
        try:
            found = plain_value(value)
        except _StandInError:
            self.problem(
                "PS103",
                "this value does not exist until the pipeline runs",
                label="text made of it",
                hint="pass the value to a step and build the text there",
            )
            return None
        except (TypeError, ValueError, RecursionError) as error:
            kind = type(given).__name__
            if _hidden(given):
                self.problem(
                    "PS109",
                    f"{what} is a {kind} with a run-time value in it",
                    label=f"a {kind}",
                    hint="pass each value as an input of its own, or as items of a list",
                )
                return None
            reason = f" ({error})" if isinstance(error, ValueError) else ""
            self.problem(
                "PS109",
                f"{what} is a {kind} made while the pipeline is written; it cannot be passed on"
                + reason,
                label=f"a {kind}",
                hint="make it inside a step; numbers, text, bools, lists and dicts can be passed",
            )
            return None
        return found


def text_of(span: Span) -> str:
    """The span as the plain form writes it."""
    if not span.col:
        return f"{span.file}:{span.line}"
    return f"{span.file}:{span.line}:{span.col}-{span.end_line}:{span.end_col}"


def _holds_promise(items: Any) -> bool:
    return any(
        isinstance(item, Promise | Outputs | Done | Condition)
        or (isinstance(item, list | tuple) and _holds_promise(item))
        for item in items
    )


def _hidden(value: object) -> bool:
    """Whether a dict, set or so on holds a run-time value."""
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        items = cast("Iterable[object]", value.values() if isinstance(value, Mapping) else value)
        return any(isinstance(item, Refusing) or _hidden(item) for item in items)
    return False


class _StandInError(ValueError):
    """Text holds the `repr` of a run-time value."""


_DEEPEST = 32


def plain_value(value: object) -> object:
    """The value as plain JSON; raises what says that files and targets cannot hold it."""
    found: object = to_json(value)
    _check_plain(found, 0)
    return found


def _check_plain(value: object, depth: int) -> None:
    """Raises ValueError for what JSON could hold, but files and targets cannot."""
    if depth > _DEEPEST:
        raise ValueError(f"nested more than {_DEEPEST} times")
    if isinstance(value, str):
        value.encode()
        if STAND_IN in value:
            raise _StandInError
    elif isinstance(value, int):
        str(value)
    elif isinstance(value, dict):
        for key, entry in cast("dict[str, object]", value).items():
            _check_plain(key, depth + 1)
            _check_plain(entry, depth + 1)
    elif isinstance(value, list):
        for entry in cast("list[object]", value):
            _check_plain(entry, depth + 1)


def trace_at(frame: FrameType | None = None) -> tuple[Trace, Span] | None:
    """The trace under way together with the user's place; None outside of a pipeline."""
    trace = _current.get()
    return None if trace is None else (trace, trace.places.here(frame))
