"""Executors: the container of each step."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from penstock.images import images_of
from penstock.ir.nodes import Options, PipelineIR, Resources, Step
from penstock.ir.yamldump import Flow, FlowList
from penstock_kubeflow.components import Spec, interface_hash
from penstock_kubeflow.hostile import escaped_variable, inert_json
from penstock_kubeflow.quantities import amount, quantity_text
from penstock_kubeflow.sources import Given, Port

# The image's own entry point is never used, so the command says everything.
_COMMAND = FlowList(("python3", "-m", "penstock_runtime", "kubeflow"))
# The whole ExecutorInput as JSON: the only placeholder, because each other one fails on some
# backend, for a default or a null.
_EXECUTOR_INPUT = "{{$}}"
_GPU = "nvidia.com/gpu"


class Executors:
    """The containers of one pipeline; what steps share is made once."""

    def __init__(self, ir: PipelineIR, store: str | None) -> None:
        self._ir = ir
        self._store = store
        self._images = images_of(ir)
        self._settings: dict[tuple[int, str], Spec] = {}
        self._marks: dict[object, str] = {}
        self._fields = {
            one.code: frozenset(entry.name for entry in one.inputs if entry.field)
            for one in ir.components
        }

    def container(self, step: Step, given: Sequence[Given], outputs: Mapping[str, Port]) -> Spec:
        """The container that runs a step."""
        kind = (id(step.options), self._images[step.id])
        settings = self._settings.get(kind)
        if settings is None:
            settings = self._settings[kind] = self._of_options(step)
        mark = self._mark(step, given, outputs, settings)
        args = [f"--code={step.component}", f"--step={step.id}#{mark}"]
        fields = [one.name for one in given if one.name in self._fields[step.component]]
        if fields:
            args.append(f"--fields={','.join(fields)}")
        parts = {name: list(port.path) for name, port in outputs.items() if port.path}
        if parts:
            args.append(f"--projections={inert_json(parts)}")
        args += ["--executor-input", _EXECUTOR_INPUT]
        return {"image": settings["image"], "command": _COMMAND, "args": args, **settings}

    def _of_options(self, step: Step) -> Spec:
        found: Spec = {"image": self._images[step.id]}
        variables = dict(step.options.env or ())
        if self._store is not None:
            variables.setdefault("PENSTOCK_STORE", self._store)
        if variables:
            found["env"] = [
                Flow(name=name, value=escaped_variable(value)) for name, value in variables.items()
            ]
        wanted = _resources(step.options)
        if wanted:
            found["resources"] = wanted
        return found

    def _mark(
        self, step: Step, given: Sequence[Given], outputs: Mapping[str, Port], settings: Spec
    ) -> str:
        """What tells steps apart that differ in more than name and code.

        Argo takes two containers with equal arguments for one and the same, and the driver's
        cache knows a container by image and arguments alone.
        """
        taken = tuple((one.name, one.kind, one.type) for one in given)
        key = (step.component, id(settings), taken, id(outputs))
        mark = self._marks.get(key)
        if mark is None:
            made = [[name, port.kind, port.type, port.path] for name, port in outputs.items()]
            about = [step.component, settings["image"], settings.get("env"), taken, made]
            mark = self._marks[key] = interface_hash(about)
        return mark


def _resources(options: Options) -> Spec:
    return resources(options.resources) if options.resources is not None else {}


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
