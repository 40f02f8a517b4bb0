"""Which source each value of a pipeline has, and of which type each source is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Branch, Input, Output, Role
from penstock.ir.projections import picked, projection_name, projections
from penstock.ir.types import ANY, Type, parse
from penstock.ir.value_types import parsed, type_of, type_of_constant
from penstock.ir.values import (
    Comparison,
    Condition,
    Constant,
    FromLoop,
    FromParameter,
    FromStep,
    Gathered,
    ListOf,
    Not,
    OneOf,
    Path,
    Truth,
    Value,
)
from penstock_kubeflow.artifact_types import ARTIFACT, schema_title
from penstock_kubeflow.levels import Levels, chain_level
from penstock_kubeflow.parameter_types import joined, nullable, parameter_type, type_of_value
from penstock_kubeflow.ports import Chosen, Collected, Item, Made, Param, Part, Port, Source


class Sources:
    """The sources of a pipeline's values and their ports, each worked out once."""

    def __init__(self, names: Lookup, levels: Levels) -> None:
        self.names = names
        self.levels = levels
        self.projected = projections(names.ir)
        self._outputs: dict[str, Mapping[str, Port]] = {}
        self._components: dict[str, Mapping[str, Port]] = {}
        self._asked: dict[Source, set[str | None]] = {}
        self._parts: dict[Part, str | None] = {}
        self._types: dict[str, tuple[Type, str | None]] = {}
        self._ports: dict[Source, Port] = {}
        if self.projected:
            self._see_what_is_asked()

    # -- values

    def source(self, value: Value, path: Path = ()) -> Source | None:
        """The source of a value, or of the part of it that the path leads to.

        None for what has none of its own: a constant, a list, the status, or what Kubeflow cannot
        lead there.
        """
        match value:
            case FromStep():
                full = picked(value, path)
                return Made(full.step, key_of(projection_name(full)) if full.path else full.output)
            case FromParameter():
                return self._part(Param(value.parameter), value, path)
            case FromLoop():
                return self._part(Item(value.loop), value, path)
            case Gathered():
                return self._collected(value, path)
            case OneOf():
                return self._chosen(value, (*value.path, *path))
            case ListOf() if path and isinstance(path[0], int):
                inside = -len(value.values) <= path[0] < len(value.values)
                return self.source(value.values[path[0]], path[1:]) if inside else None
            case _:
                return None

    def _part(self, whole: Source, value: FromParameter | FromLoop, path: Path) -> Source:
        full = (*value.path, *path)
        if not full:
            return whole
        part = Part(whole, full)
        if part not in self._parts:
            kind = type_of(value.model_copy(update={"path": full}), self.names)
            self._parts[part] = parameter_type(kind, self.names.classes)
        return part

    def _collected(self, value: Gathered, path: Path) -> Source | None:
        full, inner = (*value.path, *path), value.value
        if isinstance(inner, FromLoop) and inner.loop == value.loop:
            loop = self.names.scopes[value.loop]
            items = getattr(loop, "items", None)
            return None if inner.path or items is None else self.source(items, full)
        found = self.source(inner, full[1:])
        if found is None or isinstance(found, Collected | Part | Item | Param):
            return None
        whole = Collected(value.loop, found)
        if not full:
            return whole
        part = Part(whole, full[:1])
        self._parts.setdefault(part, self.port(found).type)
        return part

    def _chosen(self, value: OneOf, path: Path) -> Source | None:
        found = [self.source(one, path) for one in value.values]
        sources = [one for one in found if one is not None and not isinstance(one, Part)]
        if not sources or len(sources) != len(found):
            return None
        chain = self._chain_of([self.home(one) for one in sources])
        return None if chain is None else Chosen(chain, tuple(sources))

    def _chain_of(self, homes: list[str]) -> str | None:
        """The innermost level of arms that has all of these levels inside."""
        for scope in self.names.enclosing(self._scope_of(homes[0])):
            if isinstance(scope, Branch):
                level = chain_level(scope.chain)
                if level in self.levels.all and all(self.levels.holds(level, h) for h in homes):
                    return level
        return None

    def _scope_of(self, level: str) -> str | None:
        while level and level not in self.names.scopes:
            level = self.levels.all[level].parent
        return level or None

    def home(self, source: Source) -> str:
        """The level in which a task gives the source, or the DAG takes it in."""
        match source:
            case Made():
                return self.levels.home[source.step]
            case Param():
                return ""
            case Item():
                return source.loop
            case Collected():
                return self.levels.home[source.loop]
            case Chosen():
                return self.levels.home[source.chain]
            case Part():
                return self.home(source.source)

    # -- ports

    def _kinds(self, text: str) -> tuple[Type, str | None]:
        found = self._types.get(text)
        if found is None:
            kind = parsed(text) or ANY
            found = self._types[text] = kind, parameter_type(kind, self.names.classes)
        return found

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
            known = {one.name: self._output(one, component.role) for one in component.outputs}
            self._components[code] = known
        return known

    def _output(self, output: Output, role: Role) -> Port:
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
                asked = self._asked.get(Made(step, key_of(name)), set())
                kind = next(iter(asked)) if len(asked) == 1 else None
            found[key_of(name)] = Port("parameter", kind, (output, *path))
        return found

    def port(self, source: Source) -> Port:
        """What comes out of a source."""
        found = self._ports.get(source)
        if found is None:
            found = self._ports[source] = self._port_of(source)
        return found

    def _port_of(self, source: Source) -> Port:
        match source:
            case Made():
                return self.outputs(source.step)[source.key]
            case Param():
                parameter = self.names.parameters[source.name]
                kind, of_parameter = self._kinds(parameter.type)
                missing = parameter.default == "null" and nullable(kind)
                return Port("parameter", of_parameter, optional=missing)
            case Item():
                return Port("parameter", self._item(source.loop))
            case Collected():
                inner = self.port(source.source)
                if inner.kind == "parameter":
                    return Port("parameter", "LIST")
                return Port("artifact", inner.type, many=True)
            case Chosen():
                return _one([self.port(one) for one in source.sources])
            case Part(Collected() as whole):
                inner = self.port(whole.source)
                return Port(inner.kind, inner.type)
            case Part():
                return Port("parameter", self._parts.get(source))

    def _item(self, loop: str) -> str | None:
        items = getattr(self.names.scopes[loop], "items", None)
        if isinstance(items, Constant) and not items.value:
            return "STRING"  # of no item at all
        kind = type_of(FromLoop(loop=loop), self.names)
        return parameter_type(kind, self.names.classes)

    def _see_what_is_asked(self) -> None:
        """Notes as what each projection is taken, for those whose own type is not known."""
        for step in self.names.ir.steps:
            for binding in step.inputs:
                self._ask(binding.value, self.declared(step.component, binding.name)[1])
        for scope in self.names.ir.scopes:
            if isinstance(scope, Branch) and scope.condition is not None:
                for one in comparisons(scope.condition):
                    self._ask(one.left, _of_constant(one.right))
                    self._ask(one.right, _of_constant(one.left))
        for output in self.names.ir.outputs:
            self._ask(output.value, self._kinds(output.type)[1])

    def _ask(self, value: Value, kind: str | None) -> None:
        if kind is not None and isinstance(value, FromStep | OneOf):
            found = self.source(value)
            for one in found.sources if isinstance(found, Chosen) else (found,):
                if isinstance(one, Made):
                    self._asked.setdefault(one, set()).add(kind)

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


def _one(ports: list[Port]) -> Port:
    """The port that any of the ports can come through."""
    first, *others = ports
    if any((one.kind, one.many) != (first.kind, first.many) for one in others):
        return Port(first.kind, None, many=first.many)
    types = {one.type for one in ports}
    if first.kind == "artifact":
        return Port("artifact", types.pop() if len(types) == 1 else ARTIFACT, many=first.many)
    return Port("parameter", joined(types))


def _of_constant(value: Value) -> str | None:
    return type_of_value(value.value) if isinstance(value, Constant) else None


def comparisons(condition: Condition) -> Iterator[Comparison]:
    """The comparisons in a condition."""
    match condition:
        case Comparison():
            yield condition
        case Truth():
            yield Comparison(operator="==", left=condition.value, right=Constant(text="true"))
        case Not():
            yield from comparisons(condition.condition)
        case _:
            for one in condition.conditions:
                yield from comparisons(one)


def key_of(projection: str) -> str:
    """The name of the output parameter for a projection; no output of a step has a dash."""
    return projection.replace(".", "-")
