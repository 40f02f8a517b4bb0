"""Everything that is said about how steps run, with its place."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Nested, Options


def all_options(names: Lookup) -> Iterator[tuple[Options, Span | None]]:
    """The options of the pipeline, its components, nested pipelines and steps."""
    yield names.ir.options, names.ir.span
    for component in names.ir.components:
        yield component.options, component.span
    for scope in names.ir.scopes:
        if isinstance(scope, Nested):
            yield scope.options, scope.span
    for step in names.ir.steps:
        yield step.options, step.span
