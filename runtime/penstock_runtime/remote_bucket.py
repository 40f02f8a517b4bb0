"""What a remote store needs of a bucket: few operations, each whole or not at all."""

import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from penstock_runtime.errors import StoreError
from penstock_runtime.places import LIBRARIES, Bucketed
from penstock_runtime.remote_calls import Calls
from penstock_runtime.store import Blob, Leftovers

PIECE = 6 << 20
"""Bytes that are sent or fetched in one request, so that a large file needs little memory."""

LARGEST_RECORD = 64 << 20


class Found(NamedTuple):
    """An object: its size, and the seconds since it was written, by the server's clock."""

    size: int
    idle: float


class Entry(NamedTuple):
    """A name inside a folder; a folder of its own has no `found`."""

    name: str
    found: Found | None


class Bucket(Protocol):
    """Objects under relative keys. Every method may raise StoreError."""

    calls: Calls

    def find(self, key: str) -> Found | None:
        """The object, if it is there."""
        ...

    def get(self, key: str) -> bytes | None:
        """A small object, if it is there."""
        ...

    def pieces(self, key: str) -> Iterator[bytes]:
        """The content in order; FileNotFoundError if there is none."""
        ...

    def put(self, key: str, data: bytes, within: float | None = None) -> None:
        """Write an object, over another if there is one."""
        ...

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object under the condition that there is none; False if there was one.

        Some servers ignore the condition: see `remote_probe`.
        """
        ...

    def upload(self, key: str, path: Path, blob: Blob) -> None:
        """Write a large file, seen by others only once it is complete and is that blob."""
        ...

    def refresh(self, key: str, size: int) -> None:
        """Make an object count as just written; FileNotFoundError if there is none."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...

    def inside(self, folder: str) -> Iterator[Entry]:
        """What is inside a folder, not deeper."""
        ...

    def unfinished(self, idle: float, *, remove: bool) -> Leftovers:
        """Uploads that were begun so long ago and never completed."""
        ...


def library(place: Bucketed) -> Any:
    """The module that speaks a protocol. Raises StoreError when it is not installed."""
    name = LIBRARIES.get(place.protocol, "fsspec")
    try:
        return import_module(name)
    except ImportError as error:
        raise StoreError(
            f'the store {place.url} needs {name}: pip install "penstock[{place.protocol}]"'
        ) from error


def piece_size(size: int, most: int = 10_000) -> int:
    """The size of the pieces of an upload, which may have no more than so many."""
    return max(PIECE, -(-size // most))


def seconds_since(moment: Any, now: float | None) -> float:
    """Seconds from a server's time stamp to its present time; never negative."""
    stamp: float = moment.timestamp()
    return max((time.time() if now is None else now) - stamp, 0.0)
