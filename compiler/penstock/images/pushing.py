"""Pushes an image, and says under which digest the registry has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from penstock.images.credential_header import credential_header
from penstock.images.engine_errors import EngineError, reason, told
from penstock.images.engine_events import Event, error_in, part, posted
from penstock.images.registry_errors import explained, registry_of
from penstock.images.transfers import Transfer

if TYPE_CHECKING:
    from docker import DockerClient

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_SAID = re.compile(r"\S+: digest: (sha256:[0-9a-f]{64}) size: \d+\s*")


def push_image(client: DockerClient, reference: str, listen: Callable[[str], None]) -> str:
    """Push an image under its name; the digest. Raises `EngineError`."""
    from docker.errors import APIError, DockerException

    what = f"the image {reference} cannot be pushed"
    name, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag or "@" in reference:
        raise EngineError(f"{what}: a push needs a tag")
    listen(f"pushing {reference}")
    transfer = Transfer(f"pushing {reference}", "Pushing", listen)
    digest = None
    try:
        headers = credential_header(client, registry_of(reference))
        with posted(client, f"/images/{name}/push", {"tag": tag}, headers=headers) as events:
            for event in events:
                if (problem := error_in(event)) is not None:
                    raise EngineError(told(what, explained(problem, reference)))
                transfer.hear(event)
                digest = _digest(event) or digest
    except APIError as error:
        raise EngineError(told(what, explained(reason(error), reference))) from None
    except (DockerException, OSError) as error:
        raise EngineError(told(what, reason(error))) from None
    if digest is None:
        raise EngineError(f"{what}: the engine ended without a digest")
    return digest


def _digest(event: Event) -> str | None:
    said = part(event, "aux").get("Digest")
    if isinstance(said, str) and _DIGEST.fullmatch(said):
        return said
    line = _SAID.fullmatch(str(event.get("status", "")))
    return line[1] if line is not None else None
