"""The credentials of the user's docker client for one registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from penstock.images.engine_errors import EngineError, one_line

if TYPE_CHECKING:
    from docker import DockerClient

_NONE = "e30="
"""An empty object: podman refuses a request without the header."""


def credential_header(client: DockerClient, host: str) -> dict[str, str]:
    """What a request to an engine says of who asks; no other registry's credential is in it.

    Raises `EngineError`.
    """
    from docker import auth
    from docker.errors import DockerException

    try:
        found = cast(Any, auth).get_config_header(client.api, host)
    except (DockerException, OSError, ValueError) as error:
        why = one_line(str(error))
        raise EngineError(
            f"the credentials for {host} cannot be had: {why}; "
            "look at credsStore and credHelpers in the docker client's config.json"
        ) from None
    text = found.decode() if isinstance(found, bytes) else found
    return {"X-Registry-Auth": text or _NONE}
