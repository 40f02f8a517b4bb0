"""The store: blobs by digest, and records that are written once."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

FORMAT = 1
"""The layout that this version writes; a store of a newer layout is refused."""


class Blob(NamedTuple):
    """A stored blob: `sha256:<hex>` and its size in bytes."""

    digest: str
    size: int


class StoredBlob(NamedTuple):
    """A blob as the store lists it; `idle` seconds ago it was written or renewed.

    The seconds are told by the store's own clock, whatever the clock of this machine says.
    """

    digest: str
    size: int
    idle: float


class Leftovers(NamedTuple):
    """Unfinished files of writers that were killed: how many, and their bytes together."""

    files: int
    size: int


class Store(Protocol):
    """Everything that running and reading need of a store; every read is verified.

    All methods raise StoreError or one of its kinds: StoreFull, ArtifactMissing,
    ArtifactCorrupt.
    """

    @property
    def url(self) -> str:
        """Where the store is, without credentials."""
        ...

    def put_bytes(self, data: bytes) -> Blob:
        """Store a blob; the same bytes are stored once."""
        ...

    def put_file(self, path: Path, *, owned: bool = False) -> Blob:
        """Store a file; an `owned` one lies in `scratch()` and may be moved instead of copied."""
        ...

    def has(self, digest: str) -> bool:
        """Whether a blob is there (its content is checked when it is read)."""
        ...

    def renew(self, digest: str, size: int | None = None) -> bool:
        """Whether the blob is there and intact, all of it read; one that is counts as just used."""
        ...

    def read_bytes(self, digest: str, size: int | None = None) -> bytes:
        """The content of a blob."""
        ...

    def copy_to(self, digest: str, target: Path, size: int | None = None) -> None:
        """Write a blob to a new file, which exists only if its content is right."""
        ...

    def fetch(self, digest: str, scratch: Path, size: int | None = None) -> Path:
        """A file that holds the blob, to be read only: the store's own, or a copy in `scratch`."""
        ...

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Write a record under a relative name; False if there is one already.

        One that is not `durable` is whole or absent too, but need not outlive a power cut.
        """
        ...

    def read(self, name: str) -> bytes | None:
        """A record; None if there is none."""
        ...

    def names(self, folder: str) -> list[str]:
        """The names inside a folder of records, sorted; empty if there is no such folder."""
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder for files on their way into the store, removed at the end."""
        ...

    def blobs(self) -> Iterator[StoredBlob]:
        """Every blob, by digest; nothing is read."""
        ...

    def remove_blob(self, digest: str, idle: float = 0.0) -> bool:
        """Remove a blob for good; only a collector that knows all references may.

        False, and it stays, if it was written or renewed in the last `idle` seconds.
        """
        ...

    def age(self, name: str) -> float | None:
        """How many seconds ago, by the store's own clock, a record was written; None if absent."""
        ...

    def remove(self, name: str) -> None:
        """Remove a record for good; one that is not there is no error."""
        ...

    def leftovers(self, idle: float, *, remove: bool = False) -> Leftovers:
        """What killed writers left behind at least so many seconds ago; removed if so asked."""
        ...


def canonical_json(value: Any) -> bytes:
    """JSON as penstock stores it: ASCII, no spaces, keys in the order given, one line."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.encode("ascii")
