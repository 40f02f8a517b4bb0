"""Asks an engine for something that takes its time, and reads what it tells meanwhile.

The SDK's own functions drop what comes after an error, and some give up after a minute of silence.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

if TYPE_CHECKING:
    from docker import DockerClient

Event = dict[str, Any]

_PIECE = 1 << 16
_SENDING_SECONDS = 600
_SILENT_SECONDS = 3600
"""A build may be silent for long: a single command of a Dockerfile need not say anything."""

_LONGEST = 64 << 20


@contextmanager
def posted(
    client: DockerClient,
    path: str,
    params: Mapping[str, str],
    *,
    headers: Mapping[str, str] | None = None,
    body: BinaryIO | None = None,
) -> Generator[Iterator[Event]]:
    """The events of the answer to a request, to its end.

    Raises what the SDK raises: `DockerException`, or an OSError when the connection breaks.
    """
    api = cast(Any, client.api)
    response = api._post(
        api._url(path),
        params=dict(params),
        headers=dict(headers or {}),
        data=body,
        stream=True,
        timeout=(_SENDING_SECONDS, _SILENT_SECONDS),
    )
    try:
        api._raise_for_status(response)
        yield _events(response.iter_content(_PIECE))
    finally:
        response.close()


def part(event: Event, name: str) -> Event:
    """An object inside an event, empty where there is none."""
    found = event.get(name)
    return cast(Event, found) if isinstance(found, dict) else {}


def error_in(event: Event) -> str | None:
    """What an event says that went wrong."""
    found = part(event, "errorDetail").get("message") or event.get("error")
    return str(found) if found is not None else None


def _events(pieces: Iterator[bytes]) -> Iterator[Event]:
    """One JSON object for each line."""
    rest: list[bytes] = []
    held = 0
    for piece in pieces:
        *whole, last = piece.split(b"\n")
        if whole:
            whole[0] = b"".join([*rest, whole[0]])
            rest, held = [], 0
            yield from _parsed(whole)
        rest.append(last)
        held += len(last)
        if held > _LONGEST:
            raise OSError("the answer of the Docker engine has no end")
    yield from _parsed([b"".join(rest)])


def _parsed(lines: list[bytes]) -> Iterator[Event]:
    for line in lines:
        if line.strip():
            try:
                event = json.loads(line)
            except ValueError:
                raise OSError("the answer of the Docker engine is cut off") from None
            if isinstance(event, dict):
                yield cast(Event, event)
