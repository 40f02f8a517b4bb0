"""Puts the PipelineSpec together: root, a component for each task, executors for the steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from penstock.ir.lookup import Lookup, lookup, producers, scope_values
from penstock.ir.nodes import Branch, Loop, Nested, PipelineIR, Step
from penstock.ir.values import Constant, Path
from penstock_kubeflow.components import Spec, dag_outputs, definitions, present
from penstock_kubeflow.conditions import Conditions
from penstock_kubeflow.executors import STEP_ID, Executors
from penstock_kubeflow.inputs import Given, Inputs, Taken
from penstock_kubeflow.levels import ROOT, Level, Levels
from penstock_kubeflow.names import safe_name
from penstock_kubeflow.parameters import parameter_definitions
from penstock_kubeflow.platform_document import kubernetes
from penstock_kubeflow.ports import Item, Kind, Part, Port
from penstock_kubeflow.sources import Sources
from penstock_kubeflow.target import Target
from penstock_kubeflow.tasks import (
    arm_policy,
    cached,
    constant_input,
    dag_task,
    loop_policy,
    status_input,
    step_task,
    task_inputs,
    threaded_input,
)
from penstock_kubeflow.threads import Export, Seen, Threads

SCHEMA_VERSION = "2.1.0"  # the one that the server takes


class Assembly:
    """The parts of one pipeline's documents."""

    def __init__(self, ir: PipelineIR, target: Target) -> None:
        self.ir = ir
        self.target = target
        self.names: Lookup = lookup(ir)
        self.levels = Levels(self.names)
        self.sources = Sources(self.names, self.levels)
        self.threads = Threads(self.names, self.levels, self.sources)
        self._inputs = Inputs(self.sources)
        self._conditions = Conditions(self.names, self.sources, self.threads)
        self._executors = Executors(ir, target)
        self._after: dict[str, dict[str, None]] = {}
        self._known_definitions: dict[tuple[tuple[str, Port], ...], Spec] = {}
        self._repeated = self._in_loops()

    def documents(self) -> tuple[Spec, dict[str, Spec]]:
        """The PipelineSpec, and the settings of executors for the platform."""
        self._order()
        taken = {step.id: self._inputs.of(step) for step in self.ir.steps}
        tasks: dict[str, Spec] = {}
        for step in self.ir.steps:
            tasks[step.id] = self._step_task(step, taken[step.id])
        policies = {name: self._policy(level) for name, level in self.levels.all.items()}
        outputs = self._pipeline_outputs()
        for level in sorted(self.levels.all.values(), key=lambda one: -one.depth):
            if level.kind != "root":
                tasks[level.id] = self._level_task(level) | policies[level.id]
        components: Spec = {}
        for level in self.levels.all.values():
            for node in level.nodes:
                name = f"comp-{self.levels.tasks[node]}"
                if node in self.levels.all:
                    exports = self.threads.outputs[node]
                    ports = [(export, self.sources.port(one)) for one, export in exports.items()]
                    components[name] = self._dag(node, tasks, ports)
                else:
                    components[name] = self._component(node, taken[node])
        return self._document(tasks, components, outputs), self._settings()

    def _document(
        self, tasks: Mapping[str, Spec], components: Spec, outputs: list[tuple[Export, Port]]
    ) -> Spec:
        kinds = {one.label: {"container": one.container} for one in self._executors.kinds}
        return {
            "pipelineInfo": self._info(),
            "schemaVersion": SCHEMA_VERSION,
            "sdkVersion": "penstock",
            "root": self._dag(ROOT, tasks, outputs),
            "components": components,
            "deploymentSpec": {"executors": kinds},
        }

    def _info(self) -> Spec:
        name, ir = safe_name(self.ir.name), self.ir
        owner = f"Owner: {ir.owner}." if ir.owner else ""
        tags = f"Tags: {', '.join(ir.tags)}." if ir.tags else ""
        description = "\n".join(part for part in (ir.description, owner, tags) if part)
        shown = ir.name if ir.name != name else ""
        return {"name": name, **present(displayName=shown, description=description)}

    def _settings(self) -> dict[str, Spec]:
        """What Kubernetes has to know of each container."""
        if self.target.vertex:
            return {}
        records = self.target.store is not None
        found: dict[str, Spec] = {}
        for one in self._executors.kinds:
            known = self.target.kubernetes
            extra = None if known is None else known.of(one.extra)
            found[one.label] = kubernetes(one.options, extra, records=records)
        return present(**found)

    # -- order

    def _order(self) -> None:
        """Notes what waits for what only because of `after`, at the level where both stand."""
        for step in self.ir.steps:
            for before in step.after:
                self._wait(before, step.id)
            if step.on_exit:
                self._after[step.id] = {self.levels.tasks[self.levels.guard_of(step.id)]: None}
        for scope in self.ir.scopes:
            for value in scope_values(scope) if isinstance(scope, Nested) else ():
                for before in producers(value):
                    self._wait(before, scope.id)

    def _wait(self, before: str, then: str) -> None:
        pair = self.levels.siblings(before, then)
        if pair is not None:
            self._after.setdefault(pair[1], {})[self.levels.tasks[pair[0]]] = None

    def _seen(self, seen: Seen, node: str) -> Seen:
        if seen.kind == "task":
            self._after.setdefault(node, {})[seen.task] = None
        return seen

    # -- tasks

    def _in_loops(self) -> frozenset[str]:
        """The steps that run once in each round of a loop."""
        loops: dict[str | None, bool] = {None: False}
        for step in self.ir.steps:
            if step.scope not in loops:
                around = self.names.enclosing(step.scope)
                loops[step.scope] = any(isinstance(one, Loop) for one in around)
        return frozenset(step.id for step in self.ir.steps if loops[step.scope])

    def _step_task(self, step: Step, taken: Taken) -> Spec:
        level = self.levels.home[step.id]
        said = f"{step.id}*" if step.id in self._repeated else step.id
        found: list[tuple[str, Kind, Spec]] = [(STEP_ID, "parameter", constant_input(said))]
        for one in taken.ports:
            found.append((one.name, one.kind, self._given(one, step.id, level)))
        name, inputs = self.levels.tasks[step.id], task_inputs(found)
        cache = cached(step, self.names.components[step.component])
        after = self._after.get(step.id, ())
        return step_task(step, name, inputs, after, cache=cache, exits=step.on_exit)

    def _given(self, one: Given, node: str, level: str) -> Spec:
        if one.constant is not None:
            return constant_input(one.constant.value)
        if one.source is None:
            return status_input(self.levels.tasks[self.levels.guard_of(node)])
        seen = self._seen(self.threads.at(one.source, level), node)
        return threaded_input(one.kind, seen, one.path)

    def _policy(self, level: Level) -> Spec:
        """What decides whether, or how often, the DAG of a level runs."""
        scope = self.names.scopes.get(level.id)
        if isinstance(scope, Branch):
            return arm_policy(self._conditions.of(scope))
        if not isinstance(scope, Loop):
            return {}
        if isinstance(scope.items, Constant):
            return loop_policy(scope, "")
        source = self.sources.source(scope.items)
        if source is None:
            return {}
        if isinstance(source, Part):
            self.threads.enter(source, self.levels.home[scope.id])
        return loop_policy(scope, self.threads.enter(source, level.id).key)

    def _level_task(self, level: Level) -> Spec:
        """The task of a DAG; called when all inside it have asked for what they need."""
        found: list[tuple[str, Kind, Spec]] = []
        for source, name in self.threads.inputs[level.id].items():
            if source == Item(level.id):
                continue  # the iterator gives it
            kind, base = self.sources.port(source).kind, source
            path: Path = ()
            if isinstance(source, Part) and source not in self.threads.inputs[level.parent]:
                base, path = source.source, source.path
            seen = self._seen(self.threads.at(base, level.parent), level.id)
            found.append((name, kind, threaded_input(kind, seen, path)))
        name = self.levels.tasks[level.id]
        return dag_task(name, task_inputs(found), self._after.get(level.id, ()))

    def _pipeline_outputs(self) -> list[tuple[Export, Port]]:
        found: list[tuple[Export, Port]] = []
        for output in self.ir.outputs:
            source = self.sources.source(output.value)
            if source is not None:
                seen = self.threads.at(source, ROOT)
                export = Export(output.name, ((seen.task, seen.key),))
                found.append((export, self.sources.port(source)))
        return found

    # -- components

    def _component(self, node: str, taken: Taken) -> Spec:
        step, name = self.names.steps[node], self.levels.tasks[node]
        kind = self._executors.of(step, name, taken, self.sources.outputs(node))
        return {"executorLabel": kind.label, **kind.interface}

    def _dag(
        self, level: str, tasks: Mapping[str, Spec], exports: Iterable[tuple[Export, Port]]
    ) -> Spec:
        exports = list(exports)
        nodes = self.levels.all[level].nodes
        dag: Spec = {"tasks": {self.levels.tasks[node]: tasks[node] for node in nodes}}
        outputs = dag_outputs(exports)
        if outputs:
            dag["outputs"] = outputs
        if level == ROOT:
            taken = present(
                parameters=parameter_definitions(
                    self.ir.parameters, self.names.classes, self.target
                )
            )
        else:
            taken = self._definitions(tuple(self._inputs_of(level)))
        given = self._definitions(tuple((export.name, port) for export, port in exports))
        return {**present(inputDefinitions=taken, outputDefinitions=given), "dag": dag}

    def _definitions(self, ports: tuple[tuple[str, Port], ...]) -> Spec:
        """The definitions of ports, one object for equal ones: thousands of DAGs may be alike."""
        known = self._known_definitions.get(ports)
        if known is None:
            known = self._known_definitions[ports] = definitions(ports)
        return known

    def _inputs_of(self, level: str) -> Iterable[tuple[str, Port]]:
        for source, name in self.threads.inputs[level].items():
            yield name, self.sources.port(source)
