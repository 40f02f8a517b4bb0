"""The proxies that commands of a build need to reach the network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from docker import DockerClient

_COMMAND = re.compile(r"^\s*RUN\s", re.IGNORECASE | re.MULTILINE)


def proxy_arguments(client: DockerClient, dockerfile: str) -> dict[str, str]:
    """Those of the docker client's config.json, if the Dockerfile runs anything.

    Engines know these names: they are in no layer, no history and no key of a cache.
    """
    if not _COMMAND.search(dockerfile):
        return {}
    found = cast(Any, client.api)._proxy_configs.get_environment()
    return {str(name): str(value) for name, value in found.items()}
