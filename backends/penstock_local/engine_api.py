"""What runs of an engine use: the part of `docker.APIClient` that containers need, with types."""

from __future__ import annotations

from typing import Any, Protocol


class EngineApi(Protocol):
    """Every method raises `DockerException`, or an OSError when the engine is out of reach."""

    def info(self) -> dict[str, Any]:
        """What the engine says of itself and its machine."""
        ...

    def inspect_image(self, image: str) -> dict[str, Any]:
        """An image that is there."""
        ...

    def containers(self, *, all: bool, filters: dict[str, Any]) -> list[dict[str, Any]]:
        """The containers with a label, those that have ended too."""
        ...

    def create_host_config(self, **options: Any) -> dict[str, Any]:
        """What a container may use and do."""
        ...

    def create_container(self, image: str, **options: Any) -> dict[str, Any]:
        """A new container; its `Id`."""
        ...

    def attach_socket(self, container: str, *, params: dict[str, int]) -> Any:
        """A connection to the streams of a container."""
        ...

    def start(self, container: str) -> None:
        """Begins what a container is for."""
        ...

    def kill(self, container: str, signal: str) -> None:
        """Signals the first process of a container."""
        ...

    def wait(self, container: str, *, timeout: int) -> Any:
        """Returns when a container has ended."""
        ...

    def inspect_container(self, container: str) -> dict[str, Any]:
        """A container, with its `State`."""
        ...

    def remove_container(self, container: str, *, v: bool, force: bool) -> None:
        """Ends and removes a container, with its volumes."""
        ...

    def close(self) -> None:
        """Gives up the connections."""
        ...
