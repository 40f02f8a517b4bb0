"""What branches decide, loops go through and gather, must be something that a DAG can name."""

from __future__ import annotations

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup, inner_values, scope_values
from penstock.ir.nodes import Branch, Loop, PipelineOutput
from penstock.ir.values import Constant, Gathered, ListOf, OneOf, Value
from penstock.passes.model import Log
from penstock_kubeflow.conditions import Conditions, Uncomparable
from penstock_kubeflow.hostile import reinterpreted
from penstock_kubeflow.inputs import of_items
from penstock_kubeflow.levels import Levels
from penstock_kubeflow.parameter_types import too_large
from penstock_kubeflow.ports import Item, Param, Part
from penstock_kubeflow.sources import Sources, comparisons
from penstock_kubeflow.threads import Threads
from penstock_kubeflow.unrolling import is_joined


def check_scopes(sources: Sources, log: Log) -> None:
    """Reports values that no DAG of Kubeflow can lead to where they are used."""
    names, levels = sources.names, sources.levels
    scopes = _Scopes(names, sources, log)
    for step in names.ir.steps:
        for binding in step.inputs:
            scopes.nameable(binding.value, step.span)
    for output in names.ir.outputs:
        scopes.returned(output)
    for scope in names.ir.scopes:
        if scope.id not in levels.all:
            continue  # without steps nothing of it is emitted
        before = len(log.found)
        for value in scope_values(scope):
            scopes.nameable(value, scope.span)
        if len(log.found) > before:
            continue
        if isinstance(scope, Loop):
            scopes.loop(scope)
        elif isinstance(scope, Branch) and scope.condition is not None:
            scopes.branch(scope)
    scopes.rounds(levels)
    if not any(one.severity == "error" for one in log.found):
        scopes.conditions(levels)


def check_written_out(names: Lookup, log: Log) -> None:
    """Tells of loops that are written out, and what that changes."""
    for scope in names.ir.scopes:
        if isinstance(scope, Loop) and is_joined(scope) and scope.parallel is not None:
            log.warning(
                "PS407",
                at=scope.span,
                message="kubeflow runs all rounds of this loop at once: a loop over a list whose "
                "items come from several places is written out",
                hint="return the list from a step to keep the limit",
            )


class _Scopes:
    def __init__(self, names: Lookup, sources: Sources, log: Log) -> None:
        self._names, self._sources, self._log = names, sources, log
        self._gathered: dict[str, None] = {}

    def nameable(self, value: Value, at: Span | None) -> None:
        """Reports what has no source of its own."""
        for inner in inner_values(value):
            if isinstance(inner, Gathered) and not of_items(inner):
                self._gathered[inner.loop] = None
        match value:
            case ListOf():
                for one in value.values:
                    self.nameable(one, at)
            case Gathered() if self._sources.source(value) is None:
                if not of_items(value):
                    self._log.error(
                        "PS401",
                        at=at,
                        message="kubeflow cannot gather lists that are gathered themselves, or "
                        "made of several values: it would give one flat list",
                        hint="join the inner values in a step, and gather what it returns",
                    )
            case OneOf() if self._sources.source(value) is None:
                self._log.error(
                    "PS401",
                    at=at,
                    message="kubeflow cannot choose between these values: each must be the output "
                    "of a step in its arm",
                    hint="call a step in each arm that returns the value",
                )
            case _:
                pass

    def returned(self, output: PipelineOutput) -> None:
        """Reports what a DAG cannot give: only what its tasks give leads out of it."""
        self.nameable(output.value, self._names.ir.span)
        source = self._sources.source(output.value)
        if source is None or isinstance(source, Param | Item | Part):
            self._refuse(
                self._names.ir.span,
                f"kubeflow cannot express the output {output.name!r}: "
                "a pipeline returns what its steps give",
                "return an output of a step",
            )

    def loop(self, scope: Loop) -> None:
        """Reports lists that the driver cannot go through."""
        constant = isinstance(scope.items, Constant)
        source = self._sources.source(scope.items)
        if source is None and not constant:
            self._refuse(
                scope.span,
                "kubeflow cannot loop over a list whose items come from several places",
                "return the list from a step, and loop over that",
            )
            return
        if self._sources.port(Item(scope.id)).type is None:
            self._log.error(
                "PS404",
                at=scope.span,
                message="kubeflow has no one parameter type for the items of the loop",
                hint="give items of one type, and annotate their list with it, as in list[int]",
            )
            return
        if isinstance(scope.items, Constant):
            self._constant(scope, scope.items.value)
        if source is None:
            return
        port = self._sources.port(source)
        if port.kind == "artifact":
            self._refuse(
                scope.span,
                "kubeflow cannot loop over artifacts: its backend has no artifactIterator",
                "loop over numbers or text, and load what belongs to them in the step",
            )
        elif port.type not in ("LIST", None):
            self._log.error(
                "PS404",
                at=scope.span,
                message="kubeflow loops over lists alone",
                hint="annotate what the loop goes through with list[...]",
            )
        self._positions(source, scope.span)

    def _constant(self, scope: Loop, items: object) -> None:
        marker, number = reinterpreted(items), too_large(items)
        if marker is not None:
            self._log.error(
                "PS404",
                at=scope.span,
                message="kubeflow would change an item of the loop: "
                f"Argo or Kubernetes replaces '{marker}' in it",
                hint="build such text inside the step",
            )
        if number is not None:
            self._log.error(
                "PS404",
                at=scope.span,
                message=f"kubeflow cannot hold the item {str(number)[:40]} exactly: "
                "its numbers are doubles",
                hint="pass it as text",
            )

    def branch(self, scope: Branch) -> None:
        """Reports parts that the driver cannot pick, and numbers that it would round."""
        for one in comparisons(scope.condition) if scope.condition is not None else ():
            for side in (one.left, one.right):
                source = self._sources.source(side)
                if source is not None:
                    self._positions(source, scope.span)
                number = too_large(side.value) if isinstance(side, Constant) else None
                if number is not None:
                    self._log.error(
                        "PS404",
                        at=scope.span,
                        message=f"kubeflow cannot compare with {str(number)[:40]} exactly: "
                        "its numbers are doubles",
                        hint="compare inside a step that returns a bool",
                    )

    def _positions(self, source: object, at: Span | None) -> None:
        if isinstance(source, Part) and any(
            isinstance(key, int) and key < 0 for key in source.path
        ):
            self._refuse(
                at,
                "kubeflow counts positions from the front, in conditions and lists of loops",
                "return the last one from a step",
            )

    def _refuse(self, at: Span | None, message: str, hint: str) -> None:
        self._log.error("PS401", at=at, message=message, hint=hint)

    def rounds(self, levels: Levels) -> None:
        """Reports loops that give nothing to who gathers from them, for lack of rounds."""
        for name in self._gathered:
            scope = self._names.scopes[name]
            if not isinstance(scope, Loop) or scope.id not in levels.all:
                continue
            if not isinstance(scope.items, Constant):
                self._log.warning(
                    "PS407",
                    at=scope.span,
                    message="kubeflow fails where something is gathered from this loop and its "
                    "list is empty",
                    hint="make sure that the list has an item",
                )
            elif not scope.items.value:
                self._refuse(
                    scope.span,
                    "kubeflow cannot gather from a loop without rounds",
                    "give the list an item, or leave out the loop",
                )

    def conditions(self, levels: Levels) -> None:
        """Reports conditions over values whose type is not known."""
        threads = Threads(self._names, levels, self._sources)
        conditions = Conditions(self._names, self._sources, threads)
        for scope in self._names.ir.scopes:
            if isinstance(scope, Branch) and scope.id in levels.all:
                try:
                    conditions.of(scope)
                except Uncomparable as error:
                    self._log.error(
                        "PS404",
                        at=scope.span,
                        message=f"kubeflow cannot decide this condition: {error}",
                        hint="compare an int, float, str or bool whose type is annotated",
                    )
