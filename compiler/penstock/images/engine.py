"""The Docker-compatible engine that builds, keeps, pushes and runs images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from penstock.images.base_images import base_images
from penstock.images.buildkit_builder import build_buildkit
from penstock.images.classic_builder import build_classic
from penstock.images.connecting import connect
from penstock.images.context import Context, packed
from penstock.images.engine_errors import BuildFailed, EngineError, asking
from penstock.images.engine_images import (
    EngineImage,
    find_image,
    layer_sizes,
    list_images,
    remove_image,
)
from penstock.images.one_container import Command, run_command
from penstock.images.proxy_arguments import proxy_arguments
from penstock.images.pulling import pull_image
from penstock.images.pushing import push_image

if TYPE_CHECKING:
    from docker import DockerClient

__all__ = ["BuildFailed", "Engine", "EngineError", "EngineImage"]

_BUILDKIT_SINCE = (1, 40)


class Engine:
    """An engine. Every method raises `EngineError` with one sentence that says what to do.

    `listen` is given lines for people, without control characters.
    """

    client: DockerClient
    version: str
    architecture: str
    buildkit: bool

    def __init__(self) -> None:
        self.client, self.address = connect()
        with asking(f"the Docker engine at {self.address} does not say what it is"):
            found: dict[str, Any] = cast(Any, self.client.api).version()
        if found.get("Os", "linux") != "linux":
            raise EngineError(f"the Docker engine at {self.address} runs no Linux containers")
        self.version = str(found.get("Version", ""))
        self.architecture = str(found.get("Arch", ""))
        parts = found.get("Components") or ()
        self.podman = any("podman" in str(one.get("Name", "")).lower() for one in parts)
        self.buildkit = not self.podman and _api(found) >= _BUILDKIT_SINCE

    def close(self) -> None:
        """Give up the connections."""
        self.client.close()

    def find(self, reference: str) -> EngineImage | None:
        """An image by its name or id, None if the engine has none."""
        return find_image(self.client, reference)

    def pull(
        self, reference: str, listen: Callable[[str], None], platform: str | None = None
    ) -> EngineImage:
        """Get an image from its registry."""
        pull_image(self.client, reference, listen, platform)
        return self._there(reference)

    def build(
        self,
        context: Context,
        tag: str,
        listen: Callable[[str], None],
        *,
        buildkit: bool | None = None,
    ) -> EngineImage:
        """Build an image and call it `tag`; an image that had the name before is removed.

        Raises `BuildFailed` for a mistake in the context.
        """
        before = self.find(tag)
        dockerfile = _dockerfile(context, tag)
        self._get_bases(dockerfile, tag, listen)
        use = self.buildkit if buildkit is None else buildkit and self.buildkit
        build = build_buildkit if use else build_classic
        proxies = proxy_arguments(self.client, dockerfile)
        with asking(f"the image {tag} cannot be built"), packed(context) as body:
            build(self.client, body, tag, listen, proxies)
        built = self._there(tag)
        if before is not None and before.id != built.id:
            self._forget(before)
        return built

    def tag(self, reference: str, name: str) -> None:
        """Give an image another name, such as that of a registry."""
        repository, _, tag = name.rpartition(":")
        with asking(f"the image {reference} cannot be called {name}"):
            cast(Any, self.client.api).tag(reference, repository, tag)

    def push(self, reference: str, listen: Callable[[str], None]) -> str:
        """Push an image under its name; the digest under which the registry has it."""
        return push_image(self.client, reference, listen)

    def labelled(self, label: str) -> tuple[EngineImage, ...]:
        """The images with a label (`name` or `name=value`), oldest first."""
        return list_images(self.client, label)

    def images(self) -> tuple[EngineImage, ...]:
        """All images, whoever made them, oldest first."""
        return list_images(self.client)

    def layer_sizes(self, image: EngineImage) -> tuple[int, ...]:
        """The size of each layer of an image, the lowest first."""
        return layer_sizes(self.client, image)

    def remove(self, reference: str) -> None:
        """Remove a name, and the image with its last one; nothing if it is gone already."""
        remove_image(self.client, reference)

    def run(
        self,
        reference: str,
        command: Sequence[str],
        *,
        stdin: bytes | None = None,
        network: bool = False,
        seconds: float = 120,
    ) -> tuple[int, str]:
        """The exit code and the output of a command; nothing of its container is left."""
        order = Command(reference, command, stdin, network, seconds)
        return run_command(self.client, order, podman=self.podman)

    def _there(self, reference: str) -> EngineImage:
        found = self.find(reference)
        if found is None:
            raise EngineError(f"the image {reference} is gone again: did something remove it?")
        return found

    def _get_bases(self, dockerfile: str, tag: str, listen: Callable[[str], None]) -> None:
        """Pull what the engine lacks: a builder has no credentials for it, and says less."""
        for base in base_images(dockerfile):
            try:
                if self.find(base.reference) is None:
                    self.pull(base.reference, listen, base.platform)
            except EngineError as error:
                raise EngineError(f"{error}; the FROM of {tag} names it") from None

    def _forget(self, image: EngineImage) -> None:
        """Remove what lost its last name; one that is in use stays, and `prune` takes it later."""
        with suppress(EngineError):
            found = self.find(image.id)
            if found is not None and not found.tags:
                self.remove(image.id)


def _dockerfile(context: Context, tag: str) -> str:
    file = context.get("Dockerfile")
    if file is None:
        raise BuildFailed(f"the image {tag} cannot be built: its context has no Dockerfile")
    if isinstance(file.content, bytes):
        return file.content.decode("utf-8", "replace")
    with asking(f"the image {tag} cannot be built"):
        return file.content.read_text(encoding="utf-8", errors="replace")


def _api(found: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(one) for one in str(found.get("ApiVersion", "0")).split(".") if one.isdigit())
