"""The images that a Dockerfile begins with."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FROM = re.compile(
    r"\s*FROM\s+(?:--platform=(?P<platform>\S+)\s+)?(?P<name>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class BaseImage:
    """An image after FROM, and the platform it is wanted for."""

    reference: str
    platform: str | None = None


def base_images(dockerfile: str) -> tuple[BaseImage, ...]:
    """The images after each FROM, without stages and `scratch`."""
    stages = {"scratch"}
    found: dict[BaseImage, None] = {}
    for line in dockerfile.splitlines():
        match = _FROM.fullmatch(line)
        if match is None:
            continue
        if match["name"].lower() not in stages and "$" not in match["name"]:
            found[BaseImage(match["name"], match["platform"])] = None
        if match["stage"]:
            stages.add(match["stage"].lower())
    return tuple(found)
