"""Gives each step the options it runs with: its own, else its component's, else the pipeline's."""

from __future__ import annotations

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Nested, Options, PipelineIR, Step
from penstock.passes.model import rewrite


@rewrite
def resolve_options(names: Lookup) -> PipelineIR:
    """After it, `step.options` is complete; the nearer option counts, `env` is joined by name."""
    around: dict[str | None, Options] = {None: names.ir.options}

    def outside(scope: str | None) -> Options:
        if scope not in around:
            found = names.ir.options
            for node in reversed(list(names.enclosing(scope))):
                if isinstance(node, Nested):
                    found = merged(found, node.options)
            around[scope] = found
        return around[scope]

    known: dict[tuple[str | None, str], Options] = {}

    def resolved(step: Step) -> Step:
        key = (step.scope, step.component)
        if key not in known:
            known[key] = merged(outside(step.scope), names.components[step.component].options)
        options = merged(known[key], step.options)
        return step if options == step.options else step.model_copy(update={"options": options})

    return names.ir.model_copy(update={"steps": tuple(map(resolved, names.ir.steps))})


def merged(far: Options, near: Options) -> Options:
    """The options where `near` counts before `far`."""
    if near == _NOTHING:
        return far
    said = {name: value for name, value in near if value is not None}
    if far.env and near.env:
        said["env"] = tuple((dict(far.env) | dict(near.env)).items())
    return far.model_copy(update=said)


_NOTHING = Options.model_construct()
