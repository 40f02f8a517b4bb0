"""Digests of files and folders."""

import hashlib
from pathlib import Path
from typing import BinaryIO

from penstock_runtime.store import Blob

_CHUNK = 1 << 20


class Hashing:
    """The digest and size of what comes in pieces."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.size = 0

    def update(self, *pieces: bytes) -> None:
        """The next pieces."""
        for piece in pieces:
            self._digest.update(piece)
            self.size += len(piece)

    def blob(self) -> Blob:
        """What all pieces so far are together."""
        return Blob(f"sha256:{self._digest.hexdigest()}", self.size)


def pump(stream: BinaryIO, out: BinaryIO | None) -> Blob:
    """Hash a stream to its end, and copy it on the way."""
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if out is not None:
            out.write(chunk)
    return Blob(f"sha256:{digest.hexdigest()}", size)


def hash_bytes(data: bytes) -> Blob:
    """The digest and size of bytes."""
    return Blob(f"sha256:{hashlib.sha256(data).hexdigest()}", len(data))


def hash_file(path: Path) -> Blob:
    """The digest and size of a file."""
    with open(path, "rb") as stream:
        return pump(stream, None)
