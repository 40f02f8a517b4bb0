"""Where the inputs of tasks come from, and of which type each source is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Input, Output, Role, Step
from penstock.ir.projections import projection_name, projections
from penstock.ir.types import ANY, Type, parse
from penstock.ir.value_types import parsed, type_of, type_of_constant
from penstock.ir.values import Constant, FromParameter, FromStep, Path, Value
from penstock_kubeflow.artifact_types import schema_title
from penstock_kubeflow.parameter_types import parameter_type, type_of_value

Kind = Literal["parameter", "artifact"]


class Source(NamedTuple):
    """An output of a step, or, where `step` is None, a parameter of the pipeline."""

    step: str | None
    key: str


@dataclass(frozen=True, slots=True)
class Port:
    """What goes through: a parameter with its parameter type, or an artifact with its schema.

    `path` is set for a projection: the output and the keys that lead to the part.
    """

    kind: Kind
    type: str | None
    path: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """One input of a step: a constant, or a source with the path into a pipeline's parameter."""

    name: str
    kind: Kind
    type: str | None
    constant: Constant | None = None
    source: Source | None = None
    path: Path = ()


class Sources:
    """The ports of a pipeline's steps and parameters, each worked out once."""

    def __init__(self, names: Lookup) -> None:
        self.names = names
        self.projected = projections(names.ir)
        self._constants: dict[tuple[str, str, str], Given | None] = {}
        self._outputs: dict[str, Mapping[str, Port]] = {}
        self._components: dict[str, Mapping[str, Port]] = {}
        self._asked: dict[Source, set[str | None]] = {}
        self._kinds = cache(self._kind_of_text)
        if self.projected:
            self._see_what_is_asked()

    def _kind_of_text(self, text: str) -> tuple[Type, str | None]:
        kind = parsed(text) or ANY
        return kind, parameter_type(kind, self.names.classes)

    def declared(self, component: str, name: str) -> tuple[Type, str | None]:
        """The type of a component's input, and its parameter type where there is one."""
        found: Input | None = self.names.inputs(component).get(name)
        return self._kinds(found.type) if found is not None else (ANY, None)

    def outputs(self, step: str) -> Mapping[str, Port]:
        """All that a step gives: its outputs, then the parts of them that others need."""
        known = self._outputs.get(step)
        if known is None:
            known = self._of_component(self.names.steps[step].component)
            parts = self.projected.get(step)
            if parts:
                known = {**known, **self._projections(step, parts)}
            self._outputs[step] = known
        return known

    def _of_component(self, code: str) -> Mapping[str, Port]:
        known = self._components.get(code)
        if known is None:
            component = self.names.components[code]
            known = {one.name: self._port(one, component.role) for one in component.outputs}
            self._components[code] = known
        return known

    def _port(self, output: Output, role: Role) -> Port:
        kind, of_parameter = self._kinds(output.type)
        if output.kind == "parameter":
            return Port("parameter", of_parameter)
        return Port("artifact", schema_title(kind, role, self.names.classes))

    def _projections(self, step: str, parts: Mapping[str, tuple[str, Path]]) -> dict[str, Port]:
        found: dict[str, Port] = {}
        for name, (output, path) in parts.items():
            value = FromStep(step=step, output=output, path=path)
            kind = parameter_type(type_of(value, self.names), self.names.classes)
            if kind is None:
                asked = self._asked.get(Source(step, name), set())
                kind = next(iter(asked)) if len(asked) == 1 else None
            found[key_of(name)] = Port("parameter", kind, (output, *path))
        return found

    def _see_what_is_asked(self) -> None:
        """Notes as what each projection is taken, for those whose own type is not known."""
        for step in self.names.ir.steps:
            for binding in step.inputs:
                value = binding.value
                if isinstance(value, FromStep) and value.path:
                    asked = self.declared(step.component, binding.name)[1]
                    source = Source(value.step, projection_name(value))
                    self._asked.setdefault(source, set()).add(asked)
        for output in self.names.ir.outputs:
            if isinstance(output.value, FromStep) and output.value.path:
                source = Source(output.value.step, projection_name(output.value))
                self._asked.setdefault(source, set()).add(self._kinds(output.type)[1])

    def port(self, source: Source) -> Port:
        """What comes out of a source."""
        if source.step is not None:
            return self.outputs(source.step)[source.key]
        parameter = self.names.parameters[source.key]
        return Port("parameter", self._kinds(parameter.type)[1])

    def given(self, step: Step) -> list[Given]:
        """The inputs that a step is given; None for an input whose default is None is left out."""
        found: list[Given] = []
        for binding in step.inputs:
            one = self._given(step, binding.name, binding.value)
            if one is not None:
                found.append(one)
        return found

    def _given(self, step: Step, name: str, value: Value) -> Given | None:
        if isinstance(value, Constant):
            key = (step.component, name, value.text)
            if key not in self._constants:
                self._constants[key] = self._given_constant(step.component, name, value)
            return self._constants[key]
        source = source_of(value)
        if source is None:
            return Given(name, "parameter", None)
        port = self.port(source)
        if not isinstance(value, FromParameter) or not value.path:
            return Given(name, port.kind, port.type, source=source)
        kind = parameter_type(type_of(value, self.names), self.names.classes)
        asked = kind or self.declared(step.component, name)[1]
        return Given(name, "parameter", asked, source=source, path=value.path)

    def _given_constant(self, component: str, name: str, value: Constant) -> Given | None:
        if value.text == "null" and self.names.inputs(component)[name].default == "null":
            return None
        asked = self.declared(component, name)[1] or type_of_value(value.value)
        return Given(name, "parameter", asked, constant=value)

    def type_of(self, value: Value) -> Type:
        """The type of what is given, as exact as it is known."""
        if isinstance(value, Constant):
            return type_of_constant(value.value)
        if isinstance(value, FromStep) and not value.path:
            step = self.names.steps[value.step]
            for one in self.names.components[step.component].outputs:
                if one.name == value.output:
                    return parse(one.type)
        return type_of(value, self.names)


def source_of(value: Value) -> Source | None:
    """The source of a value; None when it is made of several, or when it is none at all."""
    if isinstance(value, FromStep):
        return Source(value.step, key_of(projection_name(value)) if value.path else value.output)
    return Source(None, value.parameter) if isinstance(value, FromParameter) else None


def key_of(projection: str) -> str:
    """The name of the output parameter for a projection; no output of a step has a dash."""
    return projection.replace(".", "-")
