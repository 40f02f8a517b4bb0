"""What the user says about the Kubeflow that the spec is for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from penstock.backend import BackendError, Options

if TYPE_CHECKING:
    from penstock_kubeflow.kubernetes_settings import Kubernetes

VERSIONS = ("2.5", "2.14", "2.16", "2.17", "vertex")


@dataclass(frozen=True)
class Target:
    """The version of the backend, where artifacts and records go, and settings of Kubernetes."""

    version: str = "2.17"
    store: str | None = None
    root: str | None = None
    kubernetes: Kubernetes | None = None
    variables: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def vertex(self) -> bool:
        """Whether it is Vertex AI Pipelines, which has no Kubernetes document."""
        return self.version == "vertex"

    def since(self, version: str) -> bool:
        """Whether the backend is of this version or newer; Vertex is of none."""
        return not self.vertex and _number(self.version) >= _number(version)


def target_of(options: Options) -> Target:
    """The target as the options describe it. Raises `BackendError`."""
    values = options.known("kfp-target", "pipeline-root", "kubernetes")
    version = values.get("kfp-target", "2.17")
    if version not in VERSIONS:
        raise BackendError(f"there is no kfp-target {version!r}; it can be {', '.join(VERSIONS)}")
    root = values.get("pipeline-root")
    for url in (options.store, root):
        if url is not None:
            _without_password(url)
    if version == "vertex":
        _for_vertex(root, "kubernetes" in values)
    return Target(
        version=version,
        store=options.store,
        root=root,
        kubernetes=_settings(values["kubernetes"]) if "kubernetes" in values else None,
        variables={"PENSTOCK_STORE": options.store} if options.store is not None else {},
    )


def _settings(text: str) -> Kubernetes:
    # Imported here: most pipelines have no such file, and its models take a while to make.
    from penstock_kubeflow.kubernetes_settings import read_settings

    return read_settings(text)


def _for_vertex(root: str | None, settings: bool) -> None:
    if root is None:
        raise BackendError("Vertex needs --option pipeline-root=gs://BUCKET/FOLDER")
    if not root.startswith("gs://"):
        raise BackendError(f"Vertex keeps artifacts in gs:// alone, not in {root!r}")
    if settings:
        raise BackendError("Vertex has no Kubernetes document: leave out --option kubernetes")


def _number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _without_password(url: str) -> None:
    try:
        authority = urlsplit(url).netloc
    except ValueError:
        raise BackendError(f"{url!r} is no URL") from None
    if not url.isprintable() or not url:
        raise BackendError(f"{url!r} is no URL")
    if "@" in authority:
        raise BackendError("the URL of a store holds no user or password; give a role to the pods")
