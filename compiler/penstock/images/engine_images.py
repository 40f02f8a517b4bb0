"""Looking at the images that an engine has, and removing them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from penstock.images.engine_errors import asking
from penstock.images.engine_events import part

if TYPE_CHECKING:
    from docker import DockerClient

_ADDED = ("localhost/", "docker.io/library/", "docker.io/")
"""What podman puts before a name that has no registry."""


@dataclass(frozen=True)
class EngineImage:
    """What the engine says of one image; `digests` are those that registries know."""

    id: str
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    layers: tuple[str, ...]
    digests: tuple[str, ...]
    size: int
    created: str


def find_image(client: DockerClient, reference: str) -> EngineImage | None:
    """An image by its name or id, None if the engine has none; raises `EngineError`."""
    from docker.errors import NotFound

    with asking(f"the image {reference} cannot be looked up"):
        try:
            found: dict[str, Any] = cast(Any, client.api).inspect_image(reference)
        except NotFound:
            return None
    return _image(found)


def list_images(client: DockerClient, label: str | None = None) -> tuple[EngineImage, ...]:
    """All images, or those with a label (`name` or `name=value`), oldest first.

    Raises `EngineError`.
    """
    filters = {} if label is None else {"label": label}
    with asking("the images cannot be listed"):
        listed: list[dict[str, Any]] = cast(Any, client.api).images(filters=filters)
    found = (find_image(client, one) for one in dict.fromkeys(str(one["Id"]) for one in listed))
    return tuple(sorted((one for one in found if one), key=lambda one: (one.created, one.id)))


def layer_sizes(client: DockerClient, image: EngineImage) -> tuple[int, ...]:
    """The size of each layer of an image, the lowest first; none if it has gone meanwhile.

    Raises `EngineError`.
    """
    from docker.errors import NotFound

    with asking(f"the image {image.id} cannot be looked up"):
        try:
            listed: list[dict[str, Any]] = cast(Any, client.api).history(image.id)
        except NotFound:
            return ()
    made = [one for one in reversed(listed) if one.get("Size")]
    if len(made) != len(image.layers):  # a folder alone is a layer too, and has no size
        made = [one for one in reversed(listed) if one.get("Size") or _makes_folder(one)]
    if len(made) == len(image.layers):
        return tuple(int(one.get("Size") or 0) for one in made)
    return (*(0 for _ in image.layers[1:]), image.size) if image.layers else ()


def _makes_folder(entry: Mapping[str, Any]) -> bool:
    return "WORKDIR " in str(entry.get("CreatedBy"))


def remove_image(client: DockerClient, reference: str) -> None:
    """Remove a name, and the image with its last one; raises `EngineError` if it is in use."""
    from docker.errors import NotFound

    with asking(f"the image {reference} cannot be removed"):
        try:
            cast(Any, client.api).remove_image(reference)
        except NotFound:
            return


def _image(found: dict[str, Any]) -> EngineImage:
    labels = part(part(found, "Config"), "Labels")
    return EngineImage(
        id=str(found["Id"]),
        tags=tuple(sorted(set(map(_short, _texts(found, "RepoTags"))))),
        labels={str(key): str(value) for key, value in labels.items()},
        layers=_texts(part(found, "RootFS"), "Layers"),
        digests=tuple(sorted(map(_short, _texts(found, "RepoDigests")))),
        size=int(found.get("Size") or 0),
        created=str(found.get("Created") or ""),
    )


def _texts(found: dict[str, Any], name: str) -> tuple[str, ...]:
    listed = cast("list[object]", found.get(name) or [])
    return tuple(map(str, listed))


def _short(name: str) -> str:
    for one in _ADDED:
        if name.startswith(one):
            return name.removeprefix(one)
    return name
