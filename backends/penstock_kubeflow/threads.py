"""Threads values from the level that makes them to the levels that use them.

A task sees only its own level: what comes from further in is an output of each DAG on the way,
what comes from further out an input of each. A value crosses each border once, however many
tasks use it, so the work grows with the number of crossings.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Nested, Scope
from penstock.ir.values import FromParameter
from penstock_kubeflow.levels import ROOT, Levels, task_name
from penstock_kubeflow.names import Unique, safe_name
from penstock_kubeflow.sources import Source, source_of


class Seen(NamedTuple):
    """How a task names a source in its own level: a task's output, or an input of the DAG."""

    kind: Literal["task", "input"]
    task: str
    key: str


class Export(NamedTuple):
    """An output of a DAG: the task inside that makes it, and the key there."""

    name: str
    task: str
    key: str


class Threads:
    """The inputs and outputs of each level, found as tasks ask for them."""

    def __init__(self, names: Lookup, levels: Levels) -> None:
        self.inputs: dict[str, dict[Source, str]] = {name: {} for name in levels.all}
        self.outputs: dict[str, dict[Source, Export]] = {name: {} for name in levels.all}
        self._levels = levels
        self._names = names
        self._input_names = {name: Unique() for name in levels.all}
        self._output_names = {name: Unique() for name in levels.all}
        self._outermost: dict[Source, str] = {}
        self._preferred: dict[str, dict[Source, str]] = {}
        for parameter in names.ir.parameters:
            self.inputs[ROOT][Source(None, parameter.name)] = parameter.name

    def at(self, source: Source, level: str) -> Seen:
        """How a task in the level reads the source."""
        home = ROOT if source.step is None else self._levels.home[source.step]
        if level == home and source.step is not None:
            return Seen("task", _producer(source), source.key)
        entered: list[str] = []
        here = level
        while source not in self.inputs[here] and not self._levels.holds(here, home):
            entered.append(here)
            here = self._levels.all[here].parent
        found = self._within(source, here, home)
        for inner in reversed(entered):
            name = self._input_names[inner](self._preferred_name(source, inner))
            self.inputs[inner][source] = name
            found = Seen("input", "", name)
        return found

    def _within(self, source: Source, level: str, home: str) -> Seen:
        known = self.inputs[level].get(source)
        if known is not None:
            return Seen("input", "", known)
        if level == home:
            return Seen("task", _producer(source), source.key)
        return self._exported(source, level, home)

    def _exported(self, source: Source, level: str, home: str) -> Seen:
        """Leads the output of a step out of the DAGs around it, up to the level."""
        inner = self._outermost.get(source)
        if inner is not None and self._levels.holds(inner, level):
            inner = self._child(level, home)
        if inner is None:
            inner = home
            self._export(source, inner, _producer(source), source.key)
        while self._levels.all[inner].parent != level:
            outer = self._levels.all[inner].parent
            if source not in self.outputs[outer]:
                self._export(source, outer, task_name(inner), self.outputs[inner][source].name)
            inner = outer
        return Seen("task", task_name(inner), self.outputs[inner][source].name)

    def _child(self, level: str, home: str) -> str:
        while self._levels.all[home].parent != level:
            home = self._levels.all[home].parent
        return home

    def _export(self, source: Source, level: str, task: str, key: str) -> None:
        name = self._output_names[level](_plain_name(source))
        self.outputs[level][source] = Export(name, task, key)
        self._outermost[source] = level

    def _preferred_name(self, source: Source, level: str) -> str:
        """The name of the nested pipeline's own parameter, where the source is given to it."""
        known = self._preferred.get(level)
        if known is None:
            known = self._preferred[level] = _own_names(self._names.scopes[level])
        return known.get(source) or _plain_name(source)


def _own_names(scope: Scope) -> dict[Source, str]:
    found: dict[Source, str] = {}
    for binding in scope.inputs if isinstance(scope, Nested) else ():
        source = source_of(binding.value)
        whole = not isinstance(binding.value, FromParameter) or not binding.value.path
        if source is not None and whole:
            found.setdefault(source, binding.name)
    return found


def _plain_name(source: Source) -> str:
    if source.step is None:
        return source.key
    return f"{safe_name(source.step.rpartition('.')[2]) or 'step'}-{source.key}"


def _producer(source: Source) -> str:
    return task_name(source.step or "")
