"""Threads values from the level that makes them to the levels that use them.

A task sees only its own level: what comes from further in is an output of each DAG on the way,
what comes from further out an input of each. A value crosses each border once, however many
tasks use it, so the work grows with the number of crossings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Nested, Scope
from penstock_kubeflow.levels import ROOT, Levels
from penstock_kubeflow.names import LOOP_ITEM, Unique, safe_name
from penstock_kubeflow.ports import Chosen, Collected, Item, Made, Param, Part, Source
from penstock_kubeflow.sources import Sources


class Seen(NamedTuple):
    """How a task names a source in its own level: a task's output, or an input of the DAG."""

    kind: Literal["task", "input"]
    task: str
    key: str


class Export(NamedTuple):
    """An output of a DAG: the tasks inside that may make it, and the key of each."""

    name: str
    makers: tuple[tuple[str, str], ...]
    one_of: bool = False


class Threads:
    """The inputs and outputs of each level, found as tasks ask for them."""

    def __init__(self, names: Lookup, levels: Levels, sources: Sources) -> None:
        self.inputs: dict[str, dict[Source, str]] = {name: {} for name in levels.all}
        self.outputs: dict[str, dict[Source, Export]] = {name: {} for name in levels.all}
        self._levels = levels
        self._names = names
        self._sources = sources
        self._input_names: dict[str, Unique] = {}
        self._output_names: dict[str, Unique] = {}
        self._outermost: dict[Source, str] = {}
        self._preferred: dict[str, Mapping[Source, str]] = {}
        for parameter in names.ir.parameters:
            self.inputs[ROOT][Param(parameter.name)] = parameter.name
        for level in levels.all.values():
            if level.kind == "loop":
                # The driver knows the item of a round by this name.
                self.inputs[level.id][Item(level.id)] = LOOP_ITEM

    def at(self, source: Source, level: str) -> Seen:
        """How a task in the level reads the source."""
        home = self._sources.home(source)
        entered: list[str] = []
        here = level
        while source not in self.inputs[here] and not self._levels.holds(here, home):
            entered.append(here)
            here = self._levels.all[here].parent
        found = self._within(source, here, home)
        for inner in reversed(entered):
            found = self.enter(source, inner)
        return found

    def enter(self, source: Source, level: str) -> Seen:
        """Makes the source an input of the level's DAG, under one name."""
        name = self.inputs[level].get(source)
        if name is None:
            unique = self._input_names.get(level)
            if unique is None:
                unique = self._input_names[level] = Unique()
            name = unique(self._preferred_name(source, level))
            self.inputs[level][source] = name
        return Seen("input", "", name)

    def _within(self, source: Source, level: str, home: str) -> Seen:
        known = self.inputs[level].get(source)
        if known is not None:
            return Seen("input", "", known)
        if level == home:
            return self._base(source)
        return self._exported(source, level, home)

    def _base(self, source: Source) -> Seen:
        """The task that gives a source, in the level where it does."""
        match source:
            case Made():
                return Seen("task", self._levels.tasks[source.step], source.key)
            case Collected():
                key = self._given_by_loop(source)
                return Seen("task", self._levels.tasks[source.loop], key)
            case Chosen():
                key = self._given_by_arms(source)
                return Seen("task", self._levels.tasks[source.chain], key)
            case Part():
                return self.at(source.source, self._sources.home(source.source))
            case Param() | Item():
                raise KeyError(source)  # each is an input of its own level from the beginning

    def _given_by_loop(self, source: Collected) -> str:
        known = self.outputs[source.loop].get(source)
        if known is None:
            inside = self.at(source.source, source.loop)
            known = self._export(source, source.loop, (inside.task, inside.key))
        return known.name

    def _given_by_arms(self, source: Chosen) -> str:
        known = self.outputs[source.chain].get(source)
        if known is None:
            makers: list[tuple[str, str]] = []
            for one in source.sources:
                inside = self.at(one, source.chain)
                makers.append((inside.task, inside.key))
            known = self._export(source, source.chain, *makers, one_of=True)
        return known.name

    def _exported(self, source: Source, level: str, home: str) -> Seen:
        """Leads an output out of the DAGs around it, up to the level."""
        inner = self._outermost.get(source)
        if inner is not None and self._levels.holds(inner, level):
            inner = self._child(level, home)
        if inner is None:
            inner = home
            base = self._base(source)
            self._export(source, inner, (base.task, base.key))
            self._outermost[source] = inner
        tasks = self._levels.tasks
        while self._levels.all[inner].parent != level:
            outer = self._levels.all[inner].parent
            if source not in self.outputs[outer]:
                self._export(source, outer, (tasks[inner], self.outputs[inner][source].name))
                self._outermost[source] = outer
            inner = outer
        return Seen("task", tasks[inner], self.outputs[inner][source].name)

    def _child(self, level: str, home: str) -> str:
        while self._levels.all[home].parent != level:
            home = self._levels.all[home].parent
        return home

    def _export(
        self, source: Source, level: str, *makers: tuple[str, str], one_of: bool = False
    ) -> Export:
        unique = self._output_names.get(level)
        if unique is None:
            unique = self._output_names[level] = Unique()
        name = unique(_plain_name(source))
        export = self.outputs[level][source] = Export(name, makers, one_of)
        return export

    def _preferred_name(self, source: Source, level: str) -> str:
        """The name of the nested pipeline's own parameter, where the source is given to it."""
        known = self._preferred.get(level)
        if known is None:
            known = {}
            if self._levels.all[level].kind == "nested":
                known = self._own_names(self._names.scopes[level])
            self._preferred[level] = known
        return known.get(source) or _plain_name(source)

    def _own_names(self, scope: Scope) -> dict[Source, str]:
        found: dict[Source, str] = {}
        for binding in scope.inputs if isinstance(scope, Nested) else ():
            source = self._sources.source(binding.value)
            if source is not None and not isinstance(source, Part):
                found.setdefault(source, binding.name)
        return found


def _plain_name(source: Source) -> str:
    match source:
        case Param():
            return source.name
        case Item():
            return f"item-of-{safe_name(source.loop.rpartition('.')[2]) or 'loop'}"
        case Made():
            return f"{safe_name(source.step.rpartition('.')[2]) or 'step'}-{source.key}"
        case Collected():
            return f"all-{_plain_name(source.source)}"
        case Chosen():
            return f"one-of-{_plain_name(source.sources[0])}"
        case Part():
            words = [safe_name(str(key))[:20] for key in source.path]
            return "-".join([_plain_name(source.source), *filter(None, words)])
