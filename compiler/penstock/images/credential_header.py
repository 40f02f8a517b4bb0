"""The credentials of the user's docker client for one registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from docker import DockerClient

_NONE = "e30="
"""An empty object: podman refuses a request without the header."""


def credential_header(client: DockerClient, host: str) -> dict[str, str]:
    """What a request to an engine says of who asks; no other registry's credential is in it."""
    from docker import auth

    found = cast(Any, auth).get_config_header(client.api, host)
    text = found.decode() if isinstance(found, bytes) else found
    return {"X-Registry-Auth": text or _NONE}
