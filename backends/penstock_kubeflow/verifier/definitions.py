"""Defaults and literals of parameters must be of the type beside them."""

from __future__ import annotations

from collections.abc import Iterator

from penstock_kubeflow.verifier.faults import Fault, Where
from penstock_kubeflow.verifier.values import fits, parameter_type
from penstock_kubeflow.verifier.view import Data, View, get, listed


def check_definitions(view: View) -> Iterator[Fault]:
    """Everything about the parameters of components."""
    everything: list[tuple[Where, Data]] = [(("root",), get(view.spec, "root"))]
    everything += [(("components", name), one) for name, one in view.components.items()]
    for place, component in everything:
        for side in ("inputDefinitions", "outputDefinitions"):
            for name, definition in get(get(component, side), "parameters").items():
                where: Where = (*place, side, "parameters", name)
                kind = parameter_type(definition)
                if kind is None or kind == "PARAMETER_TYPE_ENUM_UNSPECIFIED":
                    yield Fault(where, f"{name!r} has no type", "give it a parameterType")
                    continue
                default = definition.get("defaultValue")
                if default is not None and not fits(default, kind):
                    yield Fault(
                        (*where, "defaultValue"),
                        f"the default of {name!r}, {str(default)[:60]!r}, is no {kind}",
                        "write a value of the type",
                    )
                literals = listed(definition, "literals")
                if not all(fits(one, kind) for one in literals):
                    yield Fault(
                        (*where, "literals"),
                        f"the literals of {name!r} are not all {kind}",
                        "write values of the type",
                    )
                elif literals and default is not None and default not in literals:
                    yield Fault(
                        (*where, "defaultValue"),
                        f"the default of {name!r} is none of its literals",
                        "use one of them",
                    )
