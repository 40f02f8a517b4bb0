"""What the user says about the Airflow that the file is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

from penstock.backend import BackendError, Options

VOLUME = "penstock-store"
VOLUME_STORE = "/data/penstock"
VOLUME_FOLDER = "/data"
GPU_LABEL = "nvidia.com/gpu.product"

RUNNERS = ("docker", "kubernetes", "python")
SECRETS = ("connections", "variables", "kubernetes")
VERSIONS = ("3", "3.0", "3.1", "3.2", "3.3", "2.11")

_VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,99}")
_DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(
    r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?"
)
_OWN = {
    "docker": {"volume"},
    "kubernetes": {"volume", "namespace", "gpu-label"},
    "python": {"python"},
}


@dataclass(frozen=True)
class Target:
    """Where the store is for a step, what is mounted for it, and which Airflow runs it how.

    `mount` is target, source and kind: a folder of the workers, a Docker volume, or a claim.
    """

    store: str
    mount: tuple[str, str, str] | None
    version: str = "3"
    runner: Literal["docker", "kubernetes", "python"] = "docker"
    records: bool = True
    secrets: Literal["connections", "variables", "kubernetes"] = "connections"
    namespace: str | None = None
    gpu_label: str = GPU_LABEL
    python: str = "python3"

    @property
    def two(self) -> bool:
        """Whether it is Airflow 2."""
        return self.version.startswith("2")

    @property
    def multiplies(self) -> bool:
        """Whether the delay of a retry can grow by any factor."""
        return self.version in ("3.2", "3.3")


def target_of(options: Options) -> Target:
    """The target as the options describe it; raises `BackendError`."""
    own = ("volume", "namespace", "gpu-label", "python")
    values = options.known("airflow-version", "runner", "records", "secrets", *own)
    version = _one_of(values.get("airflow-version", "3"), "output for Airflow", VERSIONS)
    runner = _one_of(values.get("runner", "docker"), "runner", RUNNERS)
    for name in own:
        if name in values and name not in _OWN[runner]:
            raise BackendError(f"the option {name} means nothing to runner={runner}; leave it out")
    namespace = values.get("namespace")
    if namespace is not None and not _DNS_LABEL.fullmatch(namespace):
        raise BackendError(f"{namespace!r} cannot name a namespace of Kubernetes")
    gpu_label = values.get("gpu-label", GPU_LABEL)
    if not _LABEL_KEY.fullmatch(gpu_label):
        raise BackendError(f"{gpu_label!r} cannot be the label of a node")
    python = values.get("python", "python3")
    if not python or not python.isprintable():
        raise BackendError(f"{python!r} is no path of a Python")
    usual = "kubernetes" if runner == "kubernetes" else "connections"
    secrets = _one_of(values.get("secrets", usual), "place of secrets", SECRETS)
    if secrets == "kubernetes" and runner != "kubernetes":
        raise BackendError("secrets=kubernetes needs runner=kubernetes")
    store, mount = _place(options.store, values.get("volume"), runner)
    return Target(
        store=store,
        mount=mount,
        version=version,
        runner=cast(Literal["docker", "kubernetes", "python"], runner),
        records=_one_of(values.get("records", "yes"), "answer to records", ("yes", "no")) == "yes",
        secrets=cast(Literal["connections", "variables", "kubernetes"], secrets),
        namespace=namespace,
        gpu_label=gpu_label,
        python=python,
    )


def _one_of(value: str, what: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise BackendError(f"there is no {what} {value!r}; it can be {', '.join(known)}")
    return value


def _place(
    store: str | None, volume: str | None, runner: str
) -> tuple[str, tuple[str, str, str] | None]:
    if store is None:
        if runner == "python":
            raise BackendError("runner=python needs --store: a folder of the workers, or a bucket")
        name = volume or VOLUME
        known = _DNS_LABEL if runner == "kubernetes" else _VOLUME_NAME
        if not known.fullmatch(name):
            kind = "volume claim" if runner == "kubernetes" else "Docker volume"
            raise BackendError(f"{name!r} cannot name a {kind}")
        return VOLUME_STORE, (VOLUME_FOLDER, name, "volume")
    if volume is not None:
        raise BackendError("volume=... is for the default store; leave out one of both")
    folder = _folder(store)
    if folder is not None and runner == "kubernetes":
        raise BackendError(
            f"the store {store!r} is a folder of one machine, which pods do not have; "
            "use a bucket, or --option volume=CLAIM"
        )
    return store, (folder, folder, "bind") if folder and runner == "docker" else None


def _folder(store: str) -> str | None:
    """The folder of a store on the workers' disk; None for a remote store."""
    if "\0" in store or not store.isprintable():
        raise BackendError(f"the store {store!r} holds a character that no place has")
    scheme, separator, _ = store.partition("://")
    if separator and scheme != "file":
        return None
    folder = unquote(urlsplit(store).path) if separator else store
    if not folder.startswith("/") or folder == "/":
        raise BackendError(
            f"the store {store!r} must be an absolute path or a URL: the workers use it"
        )
    return folder
