"""Looks after each rewrite whether the pipeline is still whole; if not, that is our own bug."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.diagnostics import Diagnostic, PipelineError
from penstock.ir.lookup import Lookup, inner_values, scope_values
from penstock.ir.nodes import Branch
from penstock.ir.values import FromLoop, FromParameter, FromStep, Gathered, Value


def verify(names: Lookup, *, after: str) -> None:
    """Raises `PipelineError` with PS901 when a rewrite has left something dangling or doubled."""
    problem = next(_problems(names), None)
    if problem is not None:
        found = Diagnostic(
            "PS901",
            f"a bug of penstock: after {after}, {problem}",
            names.ir.span,
            hint="please report it with the output of `penstock ir`",
        )
        raise PipelineError((found,))


def _problems(names: Lookup) -> Iterator[str]:
    ir = names.ir
    for what, count, distinct in (
        ("step", len(ir.steps), len(names.steps)),
        ("scope", len(ir.scopes), len(names.scopes)),
        ("component", len(ir.components), len(names.components)),
        ("parameter", len(ir.parameters), len(names.parameters)),
    ):
        if count != distinct:
            yield f"a {what} stands twice"
    for step in ir.steps:
        if step.component not in names.components:
            yield f"step {step.id} calls {step.component}, which is not there"
        if step.scope is not None and step.scope not in names.scopes:
            yield f"step {step.id} is in {step.scope}, which is not there"
        for other in step.after:
            if other not in names.steps and other not in names.scopes:
                yield f"step {step.id} waits for {other}, which is not there"
        for binding in step.inputs:
            yield from _dangling(names, binding.value, f"step {step.id}")
    for scope in ir.scopes:
        if scope.parent is not None and scope.parent not in names.scopes:
            yield f"scope {scope.id} is in {scope.parent}, which is not there"
        if isinstance(scope, Branch) and names.chains[scope.chain][0].id != scope.chain:
            yield f"branch {scope.id} belongs to {scope.chain}, which does not begin it"
        for value in scope_values(scope):
            yield from _dangling(names, value, f"scope {scope.id}")
    for output in ir.outputs:
        yield from _dangling(names, output.value, f"output {output.name}")


def _dangling(names: Lookup, value: Value, where: str) -> Iterator[str]:
    for inner in inner_values(value):
        if isinstance(inner, FromStep):
            step = names.steps.get(inner.step)
            outputs = names.components[step.component].outputs if step else ()
            if inner.output not in (one.name for one in outputs):
                yield f"{where} uses {inner.step}.{inner.output}, which is not there"
        elif isinstance(inner, FromParameter):
            if inner.parameter not in names.parameters:
                yield f"{where} uses parameter {inner.parameter}, which is not there"
        elif isinstance(inner, FromLoop | Gathered) and inner.loop not in names.scopes:
            yield f"{where} uses loop {inner.loop}, which is not there"
