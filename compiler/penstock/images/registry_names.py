"""What images are called in a registry."""

from __future__ import annotations

import re

_REGISTRY = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d{1,5})?)"
    r"(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
)
_LONGEST = 200


def in_registry(registry: str, image: str) -> str:
    """The name of an image in `host:5000/team`; raises `ValueError` if that is no registry."""
    place = registry.removesuffix("/")
    if "://" in place:
        raise ValueError(f"{registry!r} is no registry: leave out {place.partition('://')[0]}://")
    if len(place) > _LONGEST or not _REGISTRY.fullmatch(place):
        raise ValueError(f"{registry!r} is no registry; one looks like registry.example.com/team")
    return f"{place}/{image}"


def pinned(reference: str, digest: str, *, tag: bool = True) -> str:
    """A reference by digest, its tag kept for people or left out."""
    name, colon, last = reference.rpartition(":")
    if not tag and colon and "/" not in last:
        return f"{name}@{digest}"
    return f"{reference}@{digest}"
