"""TEMPORARY stand-in until the real engine is merged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import docker

from penstock.images.context import Context, packed


class EngineError(Exception): ...


class BuildFailed(EngineError):
    line = ""
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class EngineImage:
    id: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    layers: tuple[str, ...]
    digests: tuple[str, ...]
    size: int
    created: str


class Engine:
    def __init__(self) -> None:
        self.client = docker.from_env()
        self.architecture = self.client.version()["Arch"]
        self.buildkit = False

    def find(self, reference: str) -> EngineImage | None:
        try:
            a: Any = self.client.images.get(reference).attrs
        except docker.errors.ImageNotFound:
            return None
        return EngineImage(
            a["Id"],
            tuple(a["RepoTags"]),
            a["Config"]["Labels"] or {},
            tuple(a["RootFS"]["Layers"]),
            tuple(a["RepoDigests"]),
            a["Size"],
            a["Created"],
        )

    def pull(self, reference: str, listen: Callable[[str], None]) -> EngineImage:
        raise EngineError(f"cannot pull {reference}")

    def build(self, context: Context, tag: str, listen: Callable[[str], None]) -> EngineImage:
        for e in self.client.api.build(
            fileobj=packed(context),
            custom_context=True,
            tag=tag,
            rm=True,
            forcerm=True,
            decode=True,
        ):
            if "error" in e:
                raise BuildFailed(e["error"])
            if e.get("stream", "").strip():
                listen(e["stream"].strip())
        found = self.find(tag)
        assert found
        return found

    def remove(self, reference: str) -> None:
        self.client.images.remove(reference)

    def run(
        self, reference: str, command: Sequence[str], *, seconds: float = 120
    ) -> tuple[int, str]:
        c = self.client.containers.run(
            reference,
            list(command),
            detach=True,
            network_mode="none",
            read_only=True,
            cap_drop=["ALL"],
            tmpfs={"/tmp": ""},
        )
        code = c.wait()["StatusCode"]
        out = c.logs().decode()
        c.remove()
        return code, out
