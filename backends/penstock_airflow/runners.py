"""How a step runs: in Docker, in a pod of Kubernetes, or in a Python environment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from penstock.ir.nodes import Options
from penstock_airflow import python_text as py
from penstock_airflow.settings import (
    Arguments,
    credential_arguments,
    docker_resources,
    kubernetes_resources,
    kubernetes_secrets,
    run_arguments,
    text,
)
from penstock_airflow.target import Target

_GROUP = 10001
"""The group of the user of images that penstock builds."""

RunnerName = Literal["docker", "kubernetes", "python"]


class Runner(Protocol):
    """The operator of a file: its name in templates, and the arguments that it takes."""

    @property
    def name(self) -> RunnerName:
        """The option's value, and the template's."""
        ...

    def arguments(self, options: Options, around: Options) -> Arguments:
        """What a step's options become, where they differ from those `around`."""
        ...

    def image(self, image: str) -> Arguments:
        """The image of a step."""
        ...

    def defaults(self) -> Arguments:
        """What all steps have in common."""
        ...

    def record(self) -> Arguments:
        """What makes the runtime write the end of the run."""
        ...


@dataclass(frozen=True)
class Docker:
    """DockerOperator."""

    target: Target
    name: RunnerName = "docker"

    def arguments(self, options: Options, around: Options) -> Arguments:
        """Secrets of Airflow, retries and timeout, CPU shares, memory and devices."""
        yield from credential_arguments(options.secrets)
        yield from run_arguments(options, around, self.target)
        yield from docker_resources(options.resources)

    def image(self, image: str) -> Arguments:
        """The name of the image; Airflow renders it."""
        yield "image", text(image)

    def defaults(self) -> Arguments:
        """The mount of the store, if it is a volume or a folder of the workers."""
        if self.target.mount is None:
            return
        folder, source, kind = self.target.mount
        where = (("target", text(folder)), ("source", text(source)), ("type", py.Literal(kind)))
        yield "mounts", py.ListOf((py.Call("Mount", kwargs=where),))

    def record(self) -> Arguments:
        """The whole command."""
        yield "command", py.Literal(["python", "-m", "penstock_runtime", "airflow", "end"])


@dataclass(frozen=True)
class Kubernetes:
    """KubernetesPodOperator."""

    target: Target
    name: RunnerName = "kubernetes"

    def arguments(self, options: Options, around: Options) -> Arguments:
        """Secrets, retries and timeout, requests and limits, the kind of GPU."""
        if self.target.secrets == "kubernetes":
            yield from kubernetes_secrets(options.secrets)
        else:
            yield from credential_arguments(options.secrets)
        yield from run_arguments(options, around, self.target)
        yield from kubernetes_resources(options.resources, self.target.gpu_label)

    def image(self, image: str) -> Arguments:
        """The name of the image; Airflow renders it."""
        yield "image", text(image)

    def defaults(self) -> Arguments:
        """The namespace, and the volume of the store."""
        if self.target.namespace is not None:
            yield "namespace", text(self.target.namespace)
        if self.target.mount is None:
            return
        folder, claim, _ = self.target.mount
        source = py.Call(
            "k8s.V1PersistentVolumeClaimVolumeSource", kwargs=(("claim_name", py.Literal(claim)),)
        )
        volume = py.Call(
            "k8s.V1Volume",
            kwargs=(("name", py.Literal("store")), ("persistent_volume_claim", source)),
        )
        mount = py.Call(
            "k8s.V1VolumeMount",
            kwargs=(("name", py.Literal("store")), ("mount_path", py.Literal(folder))),
        )
        yield "volumes", py.ListOf((volume,))
        yield "volume_mounts", py.ListOf((mount,))
        # A volume belongs to root; what runs in the images that penstock builds does not.
        group = (("fs_group", py.Literal(_GROUP)),)
        yield "security_context", py.Call("k8s.V1PodSecurityContext", kwargs=group)

    def record(self) -> Arguments:
        """The last word of the command."""
        yield "arguments", py.Literal(["end"])


@dataclass(frozen=True)
class Python:
    """A Python environment of the workers."""

    target: Target
    name: RunnerName = "python"

    def arguments(self, options: Options, around: Options) -> Arguments:
        """Secrets of Airflow, retries and timeout."""
        yield from credential_arguments(options.secrets)
        yield from run_arguments(options, around, self.target)

    def image(self, image: str) -> Arguments:
        """Nothing: steps run in the one environment."""
        del image
        return _nothing()

    def defaults(self) -> Arguments:
        """Nothing more."""
        return _nothing()

    def record(self) -> Arguments:
        """The last word of the command."""
        yield "arguments", py.Literal(["end"])


def _nothing() -> Iterator[tuple[str, py.Node]]:
    yield from ()


def runner_of(target: Target) -> Runner:
    """The runner that the options ask for."""
    match target.runner:
        case "docker":
            return Docker(target)
        case "kubernetes":
            return Kubernetes(target)
        case "python":
            return Python(target)
