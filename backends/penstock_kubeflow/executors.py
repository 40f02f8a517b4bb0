"""Executors: the containers of steps. Steps that differ in name alone share one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.images import images_of
from penstock.ir.nodes import Options, PipelineIR, Resources, Step
from penstock.ir.yamldump import Flow, FlowList
from penstock_kubeflow.components import Spec, interface, interface_hash
from penstock_kubeflow.hostile import escaped_variable, inert_json, inert_text
from penstock_kubeflow.inputs import Taken
from penstock_kubeflow.ports import Port
from penstock_kubeflow.quantities import amount, quantity_text
from penstock_kubeflow.target import Target

# The image's own entry point is never used, so the command says everything.
_COMMAND = FlowList(("python3", "-m", "penstock_runtime", "kubeflow"))
# The whole ExecutorInput as JSON: the only placeholder, because each other one fails on some
# backend, for a default or a null.
_EXECUTOR_INPUT = "{{$}}"
_GPU = "nvidia.com/gpu"

STEP_ID = "step-id"
"""The parameter that tells a shared container which step it runs; no input has a dash."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What steps of one container have in common: its label, and their interface."""

    label: str
    container: Spec
    interface: Spec
    options: Options
    extra: tuple[str, ...]


class Executors:
    """The containers of one pipeline."""

    def __init__(self, ir: PipelineIR, target: Target) -> None:
        self.kinds: list[Kind] = []
        self._ir, self._target = ir, target
        self._images = images_of(ir)
        self._settings: dict[tuple[int, str], Spec] = {}
        self._option_numbers: dict[int, int] = {}
        self._numbers_of_content: dict[object, int] = {}
        self._known: dict[object, Kind] = {}
        self._fields = {
            one.code: frozenset(entry.name for entry in one.inputs if entry.field)
            for one in ir.components
        }

    def of(self, step: Step, name: str, taken: Taken, outputs: Mapping[str, Port]) -> Kind:
        """What runs a step whose task has this name."""
        ports = tuple((one.name, one.port) for one in taken.ports)
        image = self._images[step.id]
        settings_of = self._target.kubernetes
        extra = () if settings_of is None else settings_of.key_of(step.id)
        options = self._same_options(step.options)
        key = (step.component, options, image, ports, taken.shapes, _made(outputs), extra)
        known = self._known.get(key)
        if known is None:
            settings = self._container_of(step, options, image)
            known = self._known[key] = Kind(
                label=f"exec-{name}",
                container=self._container(step, settings, taken, outputs, extra),
                interface=interface(ports, outputs, **{STEP_ID: Flow(parameterType="STRING")}),
                options=step.options,
                extra=extra,
            )
            self.kinds.append(known)
        return known

    def _container(
        self,
        step: Step,
        settings: Spec,
        taken: Taken,
        outputs: Mapping[str, Port],
        extra: object,
    ) -> Spec:
        args = [f"--code={step.component}"]
        given = {*(one.name for one in taken.ports), *(name for name, _ in taken.shapes)}
        known = self._fields[step.component]
        fields = [one.name for one in step.inputs if one.name in known and one.name in given]
        if fields:
            args.append(f"--fields={','.join(fields)}")
        lists = [one.name for one in taken.ports if one.port.many]
        if lists:
            args.append(f"--lists={','.join(lists)}")
        if taken.shapes:
            shapes = ", ".join(f'"{name}": {text}' for name, text in taken.shapes)
            args.append(f"--inputs={inert_text('{' + shapes + '}')}")
        parts = {name: list(port.path) for name, port in outputs.items() if port.path}
        if parts:
            args.append(f"--projections={inert_json(parts)}")
        secrets = [one.env for one in step.options.secrets or ()]
        if secrets:
            args.append(f"--secrets={','.join(secrets)}")
        # Argo takes two containers with equal arguments for one and the same, and the driver's
        # cache knows a container by image and arguments alone.
        ports = [[one.name, str(one.port)] for one in taken.ports]
        made = [[name, str(port)] for name, port in outputs.items()]
        kubernetes = [step.options.timeout, str(step.options.secrets), extra]
        args.append(f"--key={interface_hash([settings, ports, made, kubernetes])}")
        args += ["--executor-input", _EXECUTOR_INPUT]
        return {"image": settings["image"], "command": _COMMAND, "args": args, **settings}

    def _same_options(self, options: Options) -> int:
        """A number that options with equal containers have in common."""
        known = self._option_numbers.get(id(options))
        if known is None:
            content = (options.env, options.resources, options.secrets, options.timeout)
            known = self._numbers_of_content.setdefault(content, len(self._numbers_of_content))
            self._option_numbers[id(options)] = known
        return known

    def _container_of(self, step: Step, options: int, image: str) -> Spec:
        kind = (options, image)
        known = self._settings.get(kind)
        if known is None:
            known = self._settings[kind] = {"image": image}
            variables = self._target.variables | dict(step.options.env or ())
            if variables:
                known["env"] = [
                    Flow(name=name, value=escaped_variable(value))
                    for name, value in variables.items()
                ]
            wanted = _resources(step.options)
            if wanted:
                known["resources"] = wanted
        return known


def _made(outputs: Mapping[str, Port]) -> object:
    """What a step gives, to be compared; of a component without projections it is one object."""
    return tuple(outputs.items())


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
