"""Components: the interface of each task, and the DAG of each level."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from penstock.backend import BackendError
from penstock.ir.yamldump import Flow
from penstock_kubeflow.ports import Port
from penstock_kubeflow.threads import Export

Spec = dict[str, Any]
"""A part of the document: plain data."""


def definitions(ports: Iterable[tuple[str, Port]], **more: Spec) -> Spec:
    """`artifacts` and `parameters` of an interface; what is empty is left out."""
    artifacts: Spec = {}
    parameters: Spec = {}
    for name, port in ports:
        if port.type is None:
            raise BackendError(f"kubeflow has no parameter type for {name!r}; run `penstock check`")
        found = Flow(artifactType=artifact_type(port.type)) if port.kind == "artifact" else None
        if found is None:
            found = parameters[name] = Flow(parameterType=port.type)
        else:
            artifacts[name] = found
            if port.many:
                found["isArtifactList"] = True
        if port.optional:
            found["isOptional"] = True
    return Flow(present(artifacts=Flow(artifacts), parameters=Flow({**parameters, **more})))


def artifact_type(title: str) -> Spec:
    """The schema of an artifact by its title."""
    return Flow(schemaTitle=title, schemaVersion="0.0.1")


def present(**parts: Any) -> Spec:
    """The parts that are not empty."""
    return {name: part for name, part in parts.items() if part}


def interface_hash(parts: object) -> str:
    """Eight hex digits that stand for an interface, so that no two look alike."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def dag_outputs(exports: Iterable[tuple[Export, Port]]) -> Spec:
    """Where the outputs of a DAG come from."""
    artifacts: Spec = {}
    parameters: Spec = {}
    for export, port in exports:
        if port.kind == "artifact":
            # Of several the first that was made counts.
            artifacts[export.name] = Flow(
                artifactSelectors=[
                    Flow(producerSubtask=task, outputArtifactKey=key) for task, key in export.makers
                ]
            )
            continue
        makers = [Flow(producerSubtask=task, outputParameterKey=key) for task, key in export.makers]
        parameters[export.name] = (
            Flow(valueFromOneof=Flow(parameterSelectors=makers))
            if export.one_of
            else Flow(valueFromParameter=makers[0])
        )
    return present(artifacts=artifacts, parameters=parameters)


def interface(taken: Iterable[tuple[str, Port]], outputs: Mapping[str, Port], **more: Spec) -> Spec:
    """What a step takes and gives."""
    return present(
        inputDefinitions=definitions(taken, **more),
        outputDefinitions=definitions(outputs.items()),
    )
