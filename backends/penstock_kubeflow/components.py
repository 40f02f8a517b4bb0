"""Components: the interface of each task, and the DAG of each level."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.backend import BackendError
from penstock.ir.yamldump import Flow
from penstock_kubeflow.sources import Given, Port, Sources
from penstock_kubeflow.threads import Export

Spec = dict[str, Any]
"""A part of the document: plain data."""


def definitions(ports: Iterable[tuple[str, Port]]) -> Spec:
    """`artifacts` and `parameters` of an interface; what is empty is left out."""
    artifacts: Spec = {}
    parameters: Spec = {}
    for name, port in ports:
        if port.type is None:
            raise BackendError(f"kubeflow has no parameter type for {name!r}; run `penstock check`")
        if port.kind == "artifact":
            artifacts[name] = Flow(artifactType=artifact_type(port.type))
        else:
            parameters[name] = Flow(parameterType=port.type)
    return present(artifacts=artifacts, parameters=parameters)


def artifact_type(title: str) -> Spec:
    """The schema of an artifact by its title."""
    return Flow(schemaTitle=title, schemaVersion="0.0.1")


def present(**parts: Any) -> Spec:
    """The parts that are not empty."""
    return {name: part for name, part in parts.items() if part}


def interface(inputs: Iterable[Given], outputs: Mapping[str, Port]) -> Spec:
    """What a step takes and gives."""
    taken = ((one.name, Port(one.kind, one.type)) for one in inputs)
    return present(
        inputDefinitions=definitions(taken),
        outputDefinitions=definitions(outputs.items()),
    )


def interface_hash(parts: object) -> str:
    """Eight hex digits that stand for an interface, so that no two look alike."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]


def dag_outputs(exports: Iterable[tuple[Export, Port]]) -> Spec:
    """Where the outputs of a DAG come from."""
    artifacts: Spec = {}
    parameters: Spec = {}
    for export, port in exports:
        if port.kind == "artifact":
            selector = Flow(producerSubtask=export.task, outputArtifactKey=export.key)
            artifacts[export.name] = Flow(artifactSelectors=[selector])
        else:
            selector = Flow(producerSubtask=export.task, outputParameterKey=export.key)
            parameters[export.name] = Flow(valueFromParameter=selector)
    return present(artifacts=artifacts, parameters=parameters)


def ports_of(sources: Sources, exports: Mapping[Any, Export]) -> list[tuple[Export, Port]]:
    """The exports of a level, each with what goes through it."""
    return [(export, sources.port(source)) for source, export in exports.items()]
