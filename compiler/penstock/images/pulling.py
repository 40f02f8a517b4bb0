"""Pulls an image, with the credentials of the user's docker client."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock.images.credential_header import credential_header
from penstock.images.engine_errors import EngineError, reason, told
from penstock.images.engine_events import error_in, posted
from penstock.images.registry_errors import explained, registry_of
from penstock.images.transfers import Transfer

if TYPE_CHECKING:
    from docker import DockerClient


def pull_image(
    client: DockerClient,
    reference: str,
    listen: Callable[[str], None],
    platform: str | None = None,
) -> None:
    """Pull an image; raises `EngineError`."""
    from docker.errors import APIError, DockerException

    what = f"the image {reference} cannot be pulled"
    name, tag = _parts(reference)
    params = {"fromImage": name, "tag": tag}
    if platform is not None:
        params["platform"] = platform
    listen(f"pulling {reference}")
    transfer = Transfer(f"pulling {reference}", "Downloading", listen)
    try:
        headers = credential_header(client, registry_of(reference))
        with posted(client, "/images/create", params, headers=headers) as events:
            for event in events:
                if (problem := error_in(event)) is not None:
                    raise EngineError(told(what, explained(problem, reference)))
                transfer.hear(event)
    except APIError as error:
        raise EngineError(told(what, explained(reason(error), reference))) from None
    except (DockerException, OSError) as error:
        raise EngineError(told(what, reason(error))) from None


def _parts(reference: str) -> tuple[str, str]:
    """The name, and the tag or digest; without either the engine would pull every tag."""
    name, at, digest = reference.partition("@")
    if at:
        return name, digest
    head, colon, tag = reference.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (reference, "latest")
