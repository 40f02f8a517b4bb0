"""Puts the PipelineSpec together: root, a component for each task, an executor for each step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from penstock.ir.lookup import Lookup, lookup, scope_values
from penstock.ir.nodes import PipelineIR, Step
from penstock_kubeflow.components import (
    Spec,
    dag_outputs,
    definitions,
    interface,
    ports_of,
    present,
)
from penstock_kubeflow.executors import Executors
from penstock_kubeflow.levels import ROOT, Levels, task_name
from penstock_kubeflow.names import safe_name
from penstock_kubeflow.parameters import parameter_definitions
from penstock_kubeflow.platform_document import kubernetes
from penstock_kubeflow.sources import Given, Kind, Port, Source, Sources, source_of
from penstock_kubeflow.tasks import (
    cached,
    constant_input,
    dag_task,
    step_task,
    task_inputs,
    threaded_input,
)
from penstock_kubeflow.threads import Export, Seen, Threads

SCHEMA_VERSION = "2.1.0"  # the one that the server takes


class Assembly:
    """The parts of one pipeline's documents."""

    def __init__(self, ir: PipelineIR, store: str | None) -> None:
        self.ir = ir
        self.names: Lookup = lookup(ir)
        self.sources = Sources(self.names)
        self.levels = Levels(self.names)
        self.threads = Threads(self.names, self.levels)
        self.settings: dict[str, Spec] = {}
        self._executors = Executors(ir, store)
        self._interfaces: dict[object, Spec] = {}
        self._after: dict[str, dict[str, None]] = {}

    def documents(self) -> tuple[Spec, dict[str, Spec]]:
        """The PipelineSpec, and the settings of executors for the platform."""
        given = {step.id: self.sources.given(step) for step in self.ir.steps}
        self._order()
        inputs = {step.id: self._inputs(step, given[step.id]) for step in self.ir.steps}
        outputs = self._pipeline_outputs()
        inputs |= self._dag_inputs()
        components: Spec = {}
        executors: Spec = {}
        for level in self.levels.all.values():
            for node in level.nodes:
                name = task_name(node)
                if node in self.names.steps:
                    step = self.names.steps[node]
                    components[f"comp-{name}"] = {
                        "executorLabel": f"exec-{name}",
                        **self._interface(node, given[node]),
                    }
                    outputs_of = self.sources.outputs(node)
                    executors[f"exec-{name}"] = {
                        "container": self._executors.container(step, given[node], outputs_of)
                    }
                    settings = kubernetes(step.options)
                    if settings:
                        self.settings[f"exec-{name}"] = settings
                else:
                    exports = ports_of(self.sources, self.threads.outputs[node])
                    components[f"comp-{name}"] = self._dag(node, inputs, exports)
        root = self._dag(ROOT, inputs, outputs)
        spec = {
            "pipelineInfo": self._info(),
            "schemaVersion": SCHEMA_VERSION,
            "sdkVersion": "penstock",
            "root": root,
            "components": components,
            "deploymentSpec": {"executors": executors},
        }
        return spec, self.settings

    def _info(self) -> Spec:
        name, ir = safe_name(self.ir.name), self.ir
        owner = f"Owner: {ir.owner}." if ir.owner else ""
        tags = f"Tags: {', '.join(ir.tags)}." if ir.tags else ""
        description = "\n".join(part for part in (ir.description, owner, tags) if part)
        shown = ir.name if ir.name != name else ""
        return {"name": name, **present(displayName=shown, description=description)}

    def _interface(self, node: str, given: list[Given]) -> Spec:
        outputs = self.sources.outputs(node)
        key = (tuple((one.name, one.kind, one.type) for one in given), id(outputs))
        if key not in self._interfaces:
            self._interfaces[key] = interface(given, outputs)
        return self._interfaces[key]

    def _order(self) -> None:
        """Notes what waits for what only because of `after`, at the level where both stand."""
        for step in self.ir.steps:
            for before in step.after:
                self._wait(before, step.id)
        for scope in self.ir.scopes:
            for value in scope_values(scope):
                source = source_of(value)
                if source is not None and source.step is not None:
                    self._wait(source.step, scope.id)

    def _wait(self, before: str, then: str) -> None:
        pair = self.levels.siblings(before, then)
        if pair is not None:
            self._after.setdefault(pair[1], {})[task_name(pair[0])] = None

    def _inputs(self, step: Step, given: list[Given]) -> Spec:
        level = self.levels.home[step.id]
        found: list[tuple[str, Kind, Spec]] = []
        for one in given:
            if one.source is None:
                found.append((one.name, "parameter", constant_input(one)))
            else:
                seen = self._seen(one.source, level, step.id)
                found.append((one.name, one.kind, threaded_input(one.kind, seen, one.path)))
        return task_inputs(found)

    def _seen(self, source: Source, level: str, node: str) -> Seen:
        seen = self.threads.at(source, level)
        if seen.kind == "task":
            self._after.setdefault(node, {})[seen.task] = None
        return seen

    def _dag_inputs(self) -> dict[str, Spec]:
        """The inputs of the tasks of nested pipelines; known once all their steps have asked."""
        found: dict[str, Spec] = {}
        for level in self.levels.all.values():
            if level.id == ROOT:
                continue
            inputs: list[tuple[str, Kind, Spec]] = []
            for source, name in self.threads.inputs[level.id].items():
                kind = self.sources.port(source).kind
                seen = self._seen(source, level.parent, level.id)
                inputs.append((name, kind, threaded_input(kind, seen)))
            found[level.id] = task_inputs(inputs)
        return found

    def _pipeline_outputs(self) -> list[tuple[Export, Port]]:
        found: list[tuple[Export, Port]] = []
        for output in self.ir.outputs:
            source = source_of(output.value)
            if source is not None and source.step is not None:
                seen = self.threads.at(source, ROOT)
                found.append((Export(output.name, seen.task, seen.key), self.sources.port(source)))
        return found

    def _dag(
        self, level: str, inputs: Mapping[str, Spec], exports: Iterable[tuple[Export, Port]]
    ) -> Spec:
        exports = list(exports)
        dag: Spec = {
            "tasks": {
                task_name(node): self._task(node, inputs[node])
                for node in self.levels.all[level].nodes
            }
        }
        outputs = dag_outputs(exports)
        if outputs:
            dag["outputs"] = outputs
        if level == ROOT:
            taken = present(
                parameters=parameter_definitions(self.ir.parameters, self.names.classes)
            )
        else:
            taken = definitions(
                (name, self.sources.port(source))
                for source, name in self.threads.inputs[level].items()
            )
        given = definitions((export.name, port) for export, port in exports)
        return {**present(inputDefinitions=taken, outputDefinitions=given), "dag": dag}

    def _task(self, node: str, inputs: Spec) -> Spec:
        name = task_name(node)
        after = self._after.get(node, ())
        step = self.names.steps.get(node)
        if step is None:
            return dag_task(node, f"comp-{name}", inputs, after)
        cache = cached(step, self.names.components[step.component])
        return step_task(step, f"comp-{name}", inputs, after, cache=cache)
