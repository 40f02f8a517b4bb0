"""Writes the defaults of step functions into the calls that leave them out."""

from __future__ import annotations

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Binding, PipelineIR, Step
from penstock.ir.values import Constant
from penstock.passes.model import rewrite


@rewrite
def fill_defaults(names: Lookup) -> PipelineIR:
    """After it, each step says every input that it runs with, but those only its code knows."""
    defaults = {
        component.code: tuple(
            Binding(name=one.name, value=Constant(text=one.default))
            for one in component.inputs
            if one.default is not None
        )
        for component in names.ir.components
    }
    orders = {
        component.code: {one.name: place for place, one in enumerate(component.inputs)}
        for component in names.ir.components
    }

    def filled(step: Step) -> Step:
        given = {binding.name for binding in step.inputs}
        missing = tuple(one for one in defaults[step.component] if one.name not in given)
        if not missing:
            return step
        order = orders[step.component]
        inputs = sorted((*step.inputs, *missing), key=lambda one: order[one.name])
        return step.model_copy(update={"inputs": tuple(inputs)})

    return names.ir.model_copy(update={"steps": tuple(map(filled, names.ir.steps))})
