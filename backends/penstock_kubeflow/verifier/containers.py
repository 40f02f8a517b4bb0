"""Executors: what the backend runs, and what it replaces in arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from penstock_kubeflow.quantities import amount
from penstock_kubeflow.verifier.faults import Fault, Where
from penstock_kubeflow.verifier.view import Data, View, get, listed

_PLACEHOLDER = re.compile(r"\{\{(\$[^}]*)\}\}")
_INPUT = re.compile(r"\$\.inputs\.(parameters|artifacts)\['([^']*)'\](?:\.(uri|path))?")
_OUTPUT = re.compile(r"\$\.outputs\.(parameters|artifacts)\['([^']*)'\]\.(output_file|uri|path)")
_FACT = re.compile(r"\$\.(pipeline_(job|task)_[a-z_]+|workspace_path)")
_VARIABLE = re.compile(r"[-._A-Za-z][-._A-Za-z0-9]*")
_NOT_THERE = {"resolver": "resolvers", "customJob": "custom jobs"}
_IN_THE_DRIVER = ("argostub/createpvc", "argostub/deletepvc")
_RESERVED = "executor-logs"


def check_containers(view: View) -> Iterator[Fault]:
    """Everything about executors, and about what the components of one container have in common."""
    users: dict[str, list[tuple[str, Data]]] = {}
    for name, component in view.components.items():
        label = component.get("executorLabel")
        if label:
            users.setdefault(label, []).append((name, component))
        if _RESERVED in get(get(component, "outputDefinitions"), "artifacts"):
            yield Fault(
                ("components", name, "outputDefinitions", "artifacts", _RESERVED),
                f"{name} has an output {_RESERVED!r}, which the backend adds itself",
                "give it another name",
            )
    for label, executor in view.executors.items():
        where: Where = ("deploymentSpec", "executors", label)
        for kind, words in _NOT_THERE.items():
            if kind in executor:
                yield Fault((*where, kind), f"the backend runs no {words}", "use a container")
        if not any(one in executor for one in (*_NOT_THERE, "container", "importer")):
            yield Fault(where, f"{label} runs nothing", "give it a container")
        if "container" in executor:
            used = [component for _, component in users.get(label, [])]
            yield from _container((*where, "container"), label, executor["container"], used)
        if "importer" in executor:
            yield from _importer(view, (*where, "importer"), label, executor["importer"], users)
    yield from _alike(view, users)


def _container(where: Where, label: str, container: Data, used: list[Data]) -> Iterator[Fault]:
    if not container.get("image"):
        yield Fault((*where, "image"), f"{label} has no image", "name one")
    said = [*listed(container, "command"), *listed(container, "args")]
    if not said and container.get("image") not in _IN_THE_DRIVER:
        yield Fault(
            where,
            f"{label} has neither command nor args, and the image's own entry point is never used",
            "write a command",
        )
    if "lifecycle" in container:
        yield Fault(
            (*where, "lifecycle"), "the backend does not implement preCacheCheck", "leave it out"
        )
    for text in said:
        for problem, hint in _text(str(text), used):
            yield Fault((*where, "args"), f"{label}: {problem}", hint)
    for one in listed(container, "env"):
        name = str(one.get("name", ""))
        if not _VARIABLE.fullmatch(name):
            yield Fault((*where, "env"), f"{name!r} cannot name a variable", "use letters and '_'")
    yield from _resources((*where, "resources"), label, get(container, "resources"))


def _text(text: str, used: list[Data]) -> Iterator[tuple[str, str]]:
    if text.startswith('{"Concat"'):
        yield "the backend passes Concat on as it stands", "put the text together in the step"
    for found in _PLACEHOLDER.findall(text):
        if found == "$" or _FACT.fullmatch(found):
            continue
        given = _INPUT.fullmatch(found)
        match = given or _OUTPUT.fullmatch(found)
        if match is None:
            yield f"the backend does not replace {{{{{found}}}}}", "read it from {{$}} in the step"
            continue
        definitions = "inputDefinitions" if given is not None else "outputDefinitions"
        side, key = match[1], match[2]
        for component in used:
            if key not in get(get(component, definitions), side):
                yield f"there is no {key!r} for {{{{{found}}}}}", f"add it to {definitions}"
                break


def _resources(where: Where, label: str, wanted: Data) -> Iterator[Fault]:
    for key in ("resourceCpuLimit", "resourceCpuRequest"):
        yield from _quantity(where, label, key, wanted.get(key))
    for key in ("resourceMemoryLimit", "resourceMemoryRequest"):
        yield from _quantity(where, label, key, wanted.get(key))
    for key in ("cpuLimit", "cpuRequest", "memoryLimit", "memoryRequest"):
        value = wanted.get(key)
        if value is not None and not float(value) >= 0:
            yield Fault((*where, key), f"{label} has {key} {value}", "use a positive number")
    device = get(wanted, "accelerator")
    if device and not (device.get("type") or device.get("resourceType")):
        yield Fault((*where, "accelerator"), f"{label} asks for a nameless device", "give its type")


def _quantity(where: Where, label: str, key: str, value: Any) -> Iterator[Fault]:
    if isinstance(value, str) and value and "{{" not in value and amount(value) is None:
        yield Fault((*where, key), f"{label} has {key} {value!r}", "write it as 500m, 2 or 4Gi")


def _importer(
    view: View,
    where: Where,
    label: str,
    importer: Data,
    users: dict[str, list[tuple[str, Data]]],
) -> Iterator[Fault]:
    if not get(importer, "artifactUri"):
        yield Fault(where, f"the importer {label} imports nothing", "give it an artifactUri")
    names = {name for name, _ in users.get(label, [])}
    for name in view.looped:
        tasks = get(get(view.components.get(name) or {}, "dag"), "tasks")
        for task, one in tasks.items():
            if get(one, "componentRef").get("name") in names:
                yield Fault(
                    ("components", name, "dag", "tasks", task),
                    f"{task} imports inside a loop, which the backend cannot",
                    "import before the loop",
                )


def _alike(view: View, users: dict[str, list[tuple[str, Data]]]) -> Iterator[Fault]:
    """The backend knows a component by the content of its container alone: the first one wins."""
    seen: dict[str, tuple[str, str]] = {}
    for label, executor in view.executors.items():
        container = json.dumps(executor.get("container"), sort_keys=True)
        if container == "null":
            continue
        for name, component in users.get(label, []):
            parts = [component.get("inputDefinitions"), component.get("outputDefinitions")]
            interface = json.dumps(parts, sort_keys=True)
            first, known = seen.setdefault(container, (name, interface))
            if known != interface:
                yield Fault(
                    ("components", name),
                    f"{name} and {first} have one container and different interfaces: the backend "
                    "would run both with the interface of one",
                    "put a name into the arguments that tells them apart",
                )
