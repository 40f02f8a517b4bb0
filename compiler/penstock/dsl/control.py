"""Control flow that a pipeline keeps until it runs: branches, loops, and what follows them."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Generic, TypeVar, cast

from penstock.diagnostics import Span
from penstock.dsl.annotations import item_of
from penstock.dsl.places import user_frame
from penstock.dsl.promises import Condition, Conditional, Done, Outputs, Poison, Promise
from penstock.dsl.tracing import Trace, trace_at
from penstock_runtime.values import RunStatus

T = TypeVar("T")
Plain = dict[str, object]


class OutsidePipelineError(RuntimeError):
    """Control flow of pipelines was used where no pipeline is being traced."""


def _tracing(word: str) -> tuple[Trace, Span]:
    traced = trace_at()
    if traced is None:
        raise OutsidePipelineError(f"{word} belongs into a function with @pipeline")
    return traced


def _opening(word: str) -> tuple[Trace, Span]:
    trace, span = _tracing(word)
    trace.opened(user_frame(), span)
    return trace, span


class Arm:
    """One arm of a branch, for use with `with`."""

    def __init__(self, trace: Trace, span: Span, plain: Plain, word: str) -> None:
        self._trace, self._span, self._plain, self._word = trace, span, plain, word

    def __enter__(self) -> None:
        trace = self._trace
        chain = trace.last_chain
        if self._word != "when":
            if chain is None or chain[0] != trace.scope:
                trace.problem(
                    "PS119",
                    f"{self._word} does not follow a `when`",
                    span=self._span,
                    label="no `when` right before",
                    hint=f"write `with {self._word}(...)` directly after a `with when(...)` block",
                )
            else:
                self._plain["of" if self._word == "elsewhen" else "otherwise"] = chain[1]
        identity = trace.enter(self._word, self._plain, self._span)
        self._chain = identity if self._word == "when" or chain is None else chain[1]
        if self._word != "when" and (chain is None or chain[0] != trace.scopes[identity].get("in")):
            # An arm on its own is already reported; a chain of its own keeps the rest in shape.
            self._chain = identity
            trace.scopes[identity].pop("of", None)
            trace.scopes[identity].pop("otherwise", None)
            trace.scopes[identity].pop("elsewhen", None)
            trace.scopes[identity]["when"] = {"truth": {"value": True}}

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        trace = self._trace
        trace.leave()
        trace.last_chain = None if self._word == "otherwise" else (trace.scope, self._chain)


def _condition(trace: Trace, given: object, span: Span) -> Plain:
    if isinstance(given, Poison):
        return {"truth": {"value": True}}
    if isinstance(given, Conditional):
        return given._condition()  # pyright: ignore[reportPrivateUsage] - conditions are ours
    if isinstance(given, bool):
        return {"truth": {"value": given}}
    trace.problem(
        "PS132",
        f"a {type(given).__name__} is no condition",
        span=span,
        label="no condition",
        hint="compare run-time values, as in `when(metrics['auc'] >= 0.9)`",
    )
    return {"truth": {"value": True}}


def when(condition: bool | int) -> Arm:
    """Begins a branch: `with when(score > floor):` runs its steps only if that is so."""
    trace, span = _opening("when(...)")
    return Arm(trace, span, {"when": _condition(trace, condition, span)}, "when")


def elsewhen(condition: bool | int) -> Arm:
    """The next arm of the branch just before: runs if no earlier arm did and this is so."""
    trace, span = _opening("elsewhen(...)")
    return Arm(trace, span, {"elsewhen": _condition(trace, condition, span)}, "elsewhen")


def otherwise() -> Arm:
    """The last arm of the branch just before: runs if no earlier arm did."""
    trace, span = _opening("otherwise()")
    return Arm(trace, span, {}, "otherwise")


def one_of(*values: T) -> T:
    """The value of whichever branch ran; give one from each arm of one branch."""
    trace, span = _tracing("one_of(...)")
    if len(values) < 2:
        trace.problem(
            "PS120",
            "one_of needs a value from each arm of a branch",
            span=span,
            label="fewer than two",
            hint="give one value from each arm, the `otherwise` arm included",
        )
        return cast(T, Poison(trace))
    plain = [trace.value(value, "a value of one_of") for value in values]
    hint = next((one._hint for one in values if isinstance(one, Promise)), Any)  # pyright: ignore[reportPrivateUsage] - promises are ours
    return cast(T, Promise(trace, {"one_of": plain}, hint))


class Each(Generic[T]):
    """A loop, for use with `with ... as item`."""

    def __init__(
        self, trace: Trace, span: Span, plain: Plain, hint: Any, parts: int | None
    ) -> None:
        self._trace, self._span, self._plain = trace, span, plain
        self._hint, self._parts = hint, parts

    def __enter__(self) -> T:
        identity = self._trace.enter("each", self._plain, self._span)
        return cast(T, Promise(self._trace, {"item": identity}, self._hint, self._parts))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._trace.leave()
        self._trace.last_chain = None


def each(items: Iterable[T], *, parallel: int | None = None) -> Each[T]:
    """Runs the block once for each item; at most `parallel` of them at a time."""
    trace, span = _opening("each(...)")
    parts: int | None = None
    hint: Any = Any
    if isinstance(items, Promise):
        hint = item_of(items._hint)  # pyright: ignore[reportPrivateUsage] - promises are ours
        given: object = items
    elif isinstance(items, Condition | Done | Outputs):
        given = items
    elif isinstance(items, str) or not hasattr(items, "__iter__"):
        trace.problem(
            "PS206",
            f"each(...) needs a list, but this is {items!r:.60}",
            span=span,
            label="no list",
            hint="write a list, even of one item: each([...])",
        )
        given, hint = [], Any
    else:
        given = list(items)
        widths = {len(one) if isinstance(one, list | tuple) else None for one in given}  # pyright: ignore[reportUnknownArgumentType]
        parts = widths.pop() if len(widths) == 1 else None
        kinds = {type(one) for one in given}
        hint = kinds.pop() if len(kinds) == 1 else Any
    plain: Plain = {"each": trace.value(given, "what is looped over")}
    if parallel is not None:
        if type(parallel) is not int or parallel < 1:
            trace.problem(
                "PS127",
                f"parallel={parallel!r} is no count of 1 or more",
                span=span,
                hint="leave it out to run all items at once",
            )
        else:
            plain["parallel"] = parallel
    return Each(trace, span, plain, hint, parts)


def gather(value: T) -> list[T]:
    """After a loop: the list of what the value was for each item, in item order."""
    trace, span = _tracing("gather(...)")
    plain = trace.value(value, "what is gathered")
    if isinstance(value, Poison | Outputs | Done | Condition):
        return cast("list[T]", Poison(trace))
    loop = _loop_around(trace, _scope_of(trace, plain))
    hint = list[value._hint] if isinstance(value, Promise) else list  # type: ignore[name-defined]  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType] - a hint made at run time
    if loop is None or loop in trace.open:
        inside = loop is not None
        trace.problem(
            "PS118",
            "gather stands inside the loop that it gathers from"
            if inside
            else "this value is not made in a loop, so there is nothing to gather",
            span=span,
            label="the loop is still open" if inside else "made outside of a loop",
            hint="gather after the `with each(...)` block"
            if inside
            else "pass the value as it is; gather(...) is for values made under `with each(...)`",
        )
        return cast("list[T]", Poison(trace))
    return cast("list[T]", Promise(trace, {"gather": plain, "over": loop}, hint))


def _scope_of(trace: Trace, plain: Plain) -> str | None:
    """The scope that a value lives in."""
    if "step" in plain:
        return cast("str | None", trace.steps[cast(str, plain["step"])].get("in"))
    if "item" in plain:
        return cast(str, plain["item"])
    if "gather" in plain:
        return cast("str | None", trace.scopes[cast(str, plain["over"])].get("in"))
    inner = cast("list[Plain]", plain.get("one_of", plain.get("list", [])))
    scopes = [scope for scope in (_scope_of(trace, one) for one in inner) if scope is not None]
    if "one_of" in plain and scopes:
        return cast("str | None", trace.scopes[scopes[0]].get("in"))
    return max(scopes, key=lambda scope: len(_around(trace, scope)), default=None)


def _around(trace: Trace, scope: str | None) -> list[str]:
    chain: list[str] = []
    while scope is not None:
        chain.append(scope)
        scope = cast("str | None", trace.scopes[scope].get("in"))
    return chain


def _loop_around(trace: Trace, scope: str | None) -> str | None:
    return next((one for one in _around(trace, scope) if "each" in trace.scopes[one]), None)


def on_exit(call: object) -> None:
    """Runs the step that was called whatever happens, and last: `on_exit(notify(channel))`.

    A parameter of that step annotated `RunStatus` receives how the run ended.
    """
    trace, span = _tracing("on_exit(...)")
    identity = _single_step(call)
    if identity is None or identity not in trace.steps or _gone(trace, identity):
        trace.problem(
            "PS121",
            "on_exit takes the call of one step",
            span=span,
            label="no call of a step",
            hint="write on_exit(notify(...)) with the step's call inside",
        )
        return
    step = trace.steps[identity]
    step["on_exit"] = True
    definition = next(one for one in trace.definitions.values() if one.code == step["call"])
    inputs = cast(Plain, step.setdefault("inputs", {}))
    for name in definition.inputs:
        if definition.hints.get(name) is RunStatus and name not in inputs:
            inputs[name] = {"status": "run"}
    if not inputs:
        step.pop("inputs")


def _gone(trace: Trace, identity: str) -> bool:
    """Whether the step is in a scope that has ended: it was not called here."""
    return trace.steps[identity].get("in") not in (None, *trace.open)


def _single_step(call: object) -> str | None:
    if isinstance(call, Done):
        return call._name  # pyright: ignore[reportPrivateUsage] - ours
    if isinstance(call, Outputs):
        return call._source  # pyright: ignore[reportPrivateUsage] - ours
    if isinstance(call, Promise) and not isinstance(call, Poison):
        step = call._ref.get("step")  # pyright: ignore[reportPrivateUsage] - promises are ours
        return step if isinstance(step, str) else None
    return None


__all__ = ["each", "elsewhen", "gather", "on_exit", "one_of", "otherwise", "when"]
