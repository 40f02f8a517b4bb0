"""What each step is given: the ports of its task, and how its inputs are put together from them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from penstock.ir.nodes import Step
from penstock.ir.values import Constant, FinalStatus, FromLoop, Gathered, ListOf, Path, Value
from penstock_kubeflow.hostile import reinterpreted
from penstock_kubeflow.parameter_types import (
    holds_whole_float,
    tells_numbers,
    too_large,
    type_of_value,
)
from penstock_kubeflow.ports import Item, Kind, Param, Part, Port, Source
from penstock_kubeflow.sources import Sources

Shape = dict[str, Any]
"""How one input is made: `{"in": port}`, with `"at"` or `"each"` the path to a part of it or of
each of its items; `{"list": [shape, ...]}`; or `{"value": ...}`."""


@dataclass(frozen=True, slots=True)
class Given:
    """One input of a step's task: a constant, the status, or a source."""

    name: str
    port: Port
    constant: Constant | None = None
    source: Source | None = None
    path: Path = ()

    @property
    def kind(self) -> Kind:
        """Whether it is a parameter or an artifact."""
        return self.port.kind


@dataclass(frozen=True, slots=True)
class Taken:
    """All that a step's task is given, and the inputs that are more than one port."""

    ports: tuple[Given, ...]
    shapes: tuple[tuple[str, str], ...]
    """The name of an input and its shape as JSON."""


class Inputs:
    """The inputs of steps, constants worked out once for each component."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self._constants: dict[tuple[str, str, str], tuple[bool, str | None]] = {}

    def of(self, step: Step) -> Taken:
        """What a step is given; an input whose default is None, and that is None, is left out."""
        ports: list[Given] = []
        shapes: list[tuple[str, str]] = []
        for binding in step.inputs:
            shape = self._bind(step.component, binding.name, binding.name, binding.value, ports)
            if shape is not None and shape != {"in": binding.name}:
                shapes.append((binding.name, json.dumps(shape, ensure_ascii=False)))
        return Taken(tuple(ports), tuple(shapes))

    def _bind(
        self, component: str, name: str, port: str, value: Value, ports: list[Given]
    ) -> Shape | None:
        """Adds the ports for a value; how it is made from them, None if it is left out."""
        if isinstance(value, Constant):
            return self._constant(component, name, port, value, ports)
        if isinstance(value, FinalStatus):
            ports.append(Given(port, Port("parameter", "TASK_FINAL_STATUS", optional=True)))
            return {"in": port}
        if isinstance(value, ListOf):
            items = [
                self._bind(component, name, f"{port}-{number}", one, ports) or {"value": None}
                for number, one in enumerate(value.values, 1)
            ]
            return {"list": items}
        if isinstance(value, Gathered) and of_items(value):
            return self._each(component, name, port, value, ports)
        return self._sourced(component, name, port, self.sources.source(value), ports)

    def _sourced(
        self, component: str, name: str, port: str, source: Source | None, ports: list[Given]
    ) -> Shape:
        if source is None:
            ports.append(Given(port, Port("parameter", None)))
            return {"in": port}
        found = self.sources.port(source)
        if isinstance(source, Part):
            if selectable(source):
                kind = found.type or self.sources.declared(component, name)[1]
                given = Given(port, Port("parameter", kind), source=source.source, path=source.path)
                ports.append(given)
                return {"in": port}
            ports.append(Given(port, self.sources.port(source.source), source=source.source))
            return {"in": port, "at": list(source.path)}
        ports.append(Given(port, found, source=source))
        return {"in": port, "optional": True} if found.optional else {"in": port}

    def _each(
        self,
        component: str,
        name: str,
        port: str,
        value: Gathered,
        ports: list[Given],
    ) -> Shape:
        """The list that a loop goes through, or a part of each of its items."""
        items = getattr(self.sources.names.scopes[value.loop], "items", None)
        shape = self._bind(component, name, port, items, ports) if items is not None else None
        found = shape or {"value": None}
        inner = getattr(value.value, "path", ())
        if inner:
            found = {**found, "each": list(inner)}
        return {**found, "pick": list(value.path)} if value.path else found

    def _constant(
        self, component: str, name: str, port: str, value: Constant, ports: list[Given]
    ) -> Shape | None:
        if value.text == "null":
            asked = self.sources.names.inputs(component).get(name)
            left_out = port == name and asked is not None and asked.default == "null"
            return None if left_out else {"value": None}
        key = (component, name, value.text)
        known = self._constants.get(key)
        if known is None:
            known = self._constant_fits(*key), self._constant_type(*key)
            self._constants[key] = known
        fits, kind = known
        if not fits:
            return {"value": value.value}
        ports.append(Given(port, Port("parameter", kind), constant=value))
        return {"in": port}

    def _constant_type(self, component: str, name: str, text: str) -> str | None:
        plain = type_of_value(json.loads(text))
        asked = self.sources.declared(component, name)[1]
        both = {"NUMBER_INTEGER", "NUMBER_DOUBLE"}
        return asked if asked == plain or {asked, plain} == both else plain

    def _constant_fits(self, component: str, name: str, text: str) -> bool:
        """Whether a constant arrives as it is when it travels as a parameter: no mark of Argo or
        Kubernetes in it, no number that a double loses, no 1.0 that may be 1.
        """
        value = json.loads(text)
        declared = self.sources.declared(component, name)[0]
        told = tells_numbers(declared, self.sources.names.classes)
        return (
            reinterpreted(value) is None
            and too_large(value) is None
            and "-0.0" not in text
            and (told or not holds_whole_float(value))
        )


def of_items(value: Gathered) -> bool:
    """Whether what is gathered is just the items of the loop, or a part of each."""
    return isinstance(value.value, FromLoop) and value.value.loop == value.loop


def selectable(part: Part) -> bool:
    """Whether the driver can pick the part: its expressions count positions from the front."""
    plain = all(not isinstance(key, int) or key >= 0 for key in part.path)
    return plain and isinstance(part.source, Param | Item)
