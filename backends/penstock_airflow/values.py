"""Where an input's value comes from, as a call of the helpers in the emitted file."""

from __future__ import annotations

import json

from penstock.ir.lookup import Lookup
from penstock.ir.projections import projection_name
from penstock.ir.values import Constant, FromParameter, FromStep, ListOf, Value
from penstock_airflow import python_text as py


def is_artifact(value: Value, names: Lookup) -> bool:
    """Whether the value travels by reference: what counts is how its producer puts it out."""
    if isinstance(value, ListOf):
        return bool(value.values) and all(is_artifact(one, names) for one in value.values)
    if not isinstance(value, FromStep) or value.path:
        return False
    component = names.components[names.steps[value.step].component]
    return any(one.name == value.output and one.kind == "artifact" for one in component.outputs)


def expression(value: Value) -> py.Node:
    """`output("load")`, `param("n")`, `listing(...)`, or the constant itself."""
    if isinstance(value, Constant):
        return py.Literal(json.loads(value.text))
    if isinstance(value, FromStep):
        name = projection_name(value) if value.path else value.output
        args = (value.step,) if name == "value" else (value.step, name)
        return py.Call("output", tuple(map(py.Literal, args)))
    if isinstance(value, FromParameter):
        return py.Call("param", tuple(map(py.Literal, (value.parameter, *value.path))))
    if isinstance(value, ListOf):
        return py.Call("listing", tuple(map(expression, value.values)))
    raise TypeError(f"a value of kind {value.kind!r} is not emitted")


def uses_listing(value: Value) -> bool:
    """Whether `expression` needs the helper `listing`."""
    return isinstance(value, ListOf)
