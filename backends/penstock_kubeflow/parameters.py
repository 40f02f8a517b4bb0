"""The parameters of the pipeline, as the form of Kubeflow shows and checks them."""

from __future__ import annotations

import json
from collections.abc import Iterable

from penstock.backend import BackendError
from penstock.ir.nodes import Constraints, Parameter
from penstock.ir.types import ANY, Classes
from penstock.ir.value_types import parsed
from penstock.ir.yamldump import FlowList
from penstock_kubeflow.components import Spec
from penstock_kubeflow.parameter_types import allowed_values, parameter_type
from penstock_kubeflow.target import Target

_WORDS = {
    "ge": "at least {}",
    "gt": "greater than {}",
    "le": "at most {}",
    "lt": "less than {}",
    "multiple_of": "a multiple of {}",
    "min_length": "of length {} or more",
    "max_length": "of length {} or less",
    "pattern": "matched by {}",
}


def parameter_definitions(
    parameters: Iterable[Parameter], classes: Classes, target: Target
) -> Spec:
    """The inputs of the root: type, default, allowed values, description."""
    return {one.name: _definition(one, classes, target) for one in parameters}


def _definition(parameter: Parameter, classes: Classes, target: Target) -> Spec:
    kind = parsed(parameter.type) or ANY
    name = parameter_type(kind, classes)
    if name is None:
        raise BackendError(
            f"kubeflow has no parameter type for {parameter.name!r}; run `penstock check`"
        )
    found: Spec = {"parameterType": name}
    if parameter.default is not None:
        default = json.loads(parameter.default)
        if default is not None:
            found["defaultValue"] = default
        found["isOptional"] = True
    literals = allowed_values(kind, classes)
    if literals and target.since("2.16"):
        found["literals"] = FlowList(literals)
    told = () if target.since("2.16") else literals
    description = described(parameter, told)
    if description:
        found["description"] = description
    return found


def described(parameter: Parameter, values: tuple[object, ...] = ()) -> str:
    """The parameter's description, and what its value must satisfy."""
    limits = limits_of(parameter.constraints)
    if values:
        allowed = "one of " + ", ".join(json.dumps(one, ensure_ascii=False) for one in values)
        limits = f"{allowed}, and {limits}" if limits else allowed
    sentence = f"Must be {limits}." if limits else ""
    return "\n".join(part for part in (parameter.description, sentence) if part)


def limits_of(constraints: Constraints) -> str:
    """The constraints in words; empty when there are none."""
    said = (
        words.format(getattr(constraints, name))
        for name, words in _WORDS.items()
        if getattr(constraints, name) is not None
    )
    return " and ".join(said)
