"""Which of our images nobody uses any more, and removing them; those of others stay untouched."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from penstock.images.engine import Engine, EngineError, EngineImage
from penstock.images.engine_errors import asking
from penstock.images.one_container import is_abandoned

LABELS = ("io.penstock.env", "io.penstock.pipeline")

_NAME = re.compile(r"(?:.*/)?penstock-[^/]+")


@dataclass(frozen=True)
class UnusedImage(EngineImage):
    """An image that can go; `space` is the size of those of its layers that nothing else has."""

    space: int = 0


def our_images(engine: Engine) -> tuple[EngineImage, ...]:
    """The images that penstock has built, oldest first; raises `EngineError`."""
    found = {one.id: one for label in LABELS for one in engine.labelled(label)}
    ours = (one for one in found.values() if is_ours(one))
    return tuple(sorted(ours, key=lambda one: (one.created, one.id)))


def is_ours(image: EngineImage) -> bool:
    """Whether penstock built an image.

    What others build on our images has our labels too, but a name of theirs.
    """
    labelled = not image.labels.keys().isdisjoint(LABELS)
    return labelled and all(_NAME.fullmatch(one) for one in image.tags)


def unused_images(engine: Engine, wanted: Collection[str]) -> tuple[UnusedImage, ...]:
    """Our images that are neither among `wanted` (names or ids) nor used by any container.

    What a used image stands on is used. Those without a name come first.
    """
    names, busy = set(wanted), _used_by_containers(engine)
    ours = our_images(engine)
    kept = [one for one in ours if one.id in busy | names or names & set(one.tags)]
    unused = [
        one
        for one in ours
        if one not in kept and not (one.tags and any(_stands_on(other, one) for other in kept))
    ]
    unused.sort(key=lambda one: (bool(one.tags), -len(one.layers), one.created, one.id))
    return tuple(_with_space(engine, unused))


def prune_images(engine: Engine, unused: Iterable[UnusedImage]) -> tuple[UnusedImage, ...]:
    """Remove images, and say which are gone; one that came into use meanwhile stays."""
    asked = [one for one in unused if is_ours(one)]
    _remove_abandoned(engine)
    for one in asked:
        try:
            for name in one.tags or (one.id,):
                engine.remove(name)
        except EngineError:
            continue  # it stays, and is not among those that are gone
    return tuple(one for one in asked if engine.find(one.id) is None)


def space_of(images: Iterable[UnusedImage]) -> int:
    """The bytes that the engine gets back when all these are gone."""
    return sum(one.space for one in images)


def _with_space(engine: Engine, unused: Iterable[EngineImage]) -> Iterator[UnusedImage]:
    listed = list(unused)
    gone = {one.id for one in listed}
    kept = (one for one in engine.images() if one.id not in gone)
    # A layer is one only together with all those below it.
    counted = {one.layers[:count] for one in kept for count in range(1, len(one.layers) + 1)}
    for one in listed:
        space = 0
        for count, size in enumerate(engine.layer_sizes(one), start=1):
            if one.layers[:count] not in counted:
                counted.add(one.layers[:count])
                space += size
        yield UnusedImage(**vars(one), space=space)


def _stands_on(image: EngineImage, below: EngineImage) -> bool:
    """Whether an image begins with the layers of another."""
    return image.layers[: len(below.layers)] == below.layers


def _used_by_containers(engine: Engine) -> set[str]:
    """The images of all containers, those that have ended too."""
    return {str(one.get("ImageID")) for one in _containers(engine) if not is_abandoned(one)}


def _containers(engine: Engine) -> list[dict[str, Any]]:
    with asking("the containers cannot be listed"):
        return cast("list[dict[str, Any]]", cast(Any, engine.client.api).containers(all=True))


def _remove_abandoned(engine: Engine) -> None:
    with asking("a container cannot be removed"):
        for one in _containers(engine):
            if is_abandoned(one):
                cast(Any, engine.client.api).remove_container(one["Id"], v=True, force=True)
