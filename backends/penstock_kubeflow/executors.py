"""Executors: the container of each step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from penstock.images import image_of
from penstock.ir.nodes import Options, PipelineIR, Resources, Step
from penstock.ir.yamltext import Flow, FlowList
from penstock_kubeflow.components import Spec, interface_hash
from penstock_kubeflow.hostile import escaped_variable, inert_json
from penstock_kubeflow.quantities import amount, quantity_text
from penstock_kubeflow.sources import Given, Port

# The image's own entry point is never used, so the command says everything.
_COMMAND = ("python3", "-m", "penstock_runtime", "kubeflow")
# The whole ExecutorInput as JSON: the only placeholder, because each other one fails on some
# backend, for a default or a null.
_EXECUTOR_INPUT = "{{$}}"
_GPU = "nvidia.com/gpu"


def container(
    ir: PipelineIR,
    step: Step,
    given: Sequence[Given],
    outputs: Mapping[str, Port],
    fields: frozenset[str],
    store: str | None,
) -> Spec:
    """The container that runs a step."""
    image = image_of(ir, step)
    variables = _variables(step.options, store)
    mark = interface_hash(
        [
            [step.component, image, variables],
            [[one.name, one.kind, one.type] for one in given],
            [[name, port.kind, port.type, port.path] for name, port in outputs.items()],
        ]
    )
    # Argo takes two containers with equal arguments for one and the same, and the driver's cache
    # knows a container by image and arguments alone: the mark keeps what differs apart.
    args = ["--code", step.component, "--step", f"{step.id}#{mark}"]
    as_fields = [one.name for one in given if one.name in fields]
    if as_fields:
        args += ["--fields", ",".join(as_fields)]
    parts = {name: list(port.path) for name, port in outputs.items() if port.path}
    if parts:
        args += ["--projections", inert_json(parts)]
    args += ["--executor-input", _EXECUTOR_INPUT]
    found: Spec = {"image": image, "command": FlowList(_COMMAND), "args": args}
    if variables:
        found["env"] = [Flow(name=name, value=value) for name, value in variables]
    wanted = resources(step.options.resources) if step.options.resources is not None else {}
    if wanted:
        found["resources"] = wanted
    return found


def _variables(options: Options, store: str | None) -> list[tuple[str, str]]:
    variables = dict(options.env or ())
    if store is not None:
        variables.setdefault("PENSTOCK_STORE", store)
    return [(name, escaped_variable(value)) for name, value in variables.items()]


def resources(wanted: Resources) -> Spec:
    """Requests and limits, as text for present backends and as numbers for old ones."""
    found: Spec = {}
    if wanted.cpu is not None:
        cores, text = amount(wanted.cpu), quantity_text(wanted.cpu)
        found |= {"resourceCpuRequest": text, "resourceCpuLimit": text}
        found |= {"cpuRequest": cores, "cpuLimit": cores}
    if wanted.memory is not None:
        size, text = amount(wanted.memory), quantity_text(wanted.memory)
        gigabytes = (size or math.nan) / 1e9
        found |= {"resourceMemoryRequest": text, "resourceMemoryLimit": text}
        found |= {"memoryRequest": gigabytes, "memoryLimit": gigabytes}
    device = gpu_resource(wanted)
    if device is not None:
        count = str(wanted.gpu or 1)
        found["accelerator"] = Flow(
            resourceType=device, resourceCount=count, type=device, count=count
        )
    return found


def gpu_resource(wanted: Resources) -> str | None:
    """The resource that Kubernetes hands out the devices under; None when none is wanted."""
    if not wanted.gpu and not wanted.gpu_type:
        return None
    return wanted.gpu_type or _GPU
