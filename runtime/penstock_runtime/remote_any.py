"""A bucket of any other kind that fsspec knows: gs://, az://, and memory:// for tests.

Only complete files and bytes are handed over, never an open file: one that an error closes
publishes what was written so far.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from penstock_runtime.errors import StoreError
from penstock_runtime.hashing import hash_file, pump
from penstock_runtime.local_files import raise_for, remove_file
from penstock_runtime.places import Bucketed
from penstock_runtime.remote_bucket import LARGEST_RECORD, PIECE, Entry, Found, library
from penstock_runtime.remote_calls import Calls
from penstock_runtime.store import Blob, Leftovers

# The oldest libraries that are allowed may not know `mode`; then the probe finds that out.
_CREATE: dict[str, dict[str, Any]] = {
    "gs": {"mode": "create"},
    "az": {"overwrite": False},
    "memory": {"mode": "create"},
}
_REPLACE: dict[str, dict[str, Any]] = {"gs": {}, "az": {"overwrite": True}, "memory": {}}
_PIECES: dict[str, dict[str, Any]] = {"gs": {"chunksize": PIECE}}
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")


class AnyBucket:
    """Objects below a prefix, by the methods that all file systems of fsspec share."""

    def __init__(self, place: Bucketed) -> None:
        library(place)
        import_fsspec = library(Bucketed("memory", place.bucket, place.prefix))
        self._fs = import_fsspec.filesystem(
            place.protocol, skip_instance_cache=True, use_listings_cache=False
        )
        self._async = bool(getattr(self._fs, "async_impl", False))
        passing = [getattr(import_module(module), name) for module, name in _broken(place)]
        self.calls = Calls(place.url, self._fs.loop if self._async else None, (OSError, *passing))
        self._place = place
        self._root = "/".join(filter(None, (place.bucket, place.prefix)))
        self._ahead: float | None = None

    def find(self, key: str) -> Found | None:
        """The object, if it is there."""
        try:
            facts = self._ask("looking for", key, "info")
        except FileNotFoundError:
            return None
        return self._found(facts) if facts.get("type") == "file" else None

    def get(self, key: str) -> bytes | None:
        """A small object, if it is there."""
        found = self.find(key)
        if found is None:
            return None
        if found.size > LARGEST_RECORD:
            raise StoreError(f"{self._place.url}/{key} is larger than any record")
        try:
            return bytes(self._ask("reading", key, "cat_file"))
        except FileNotFoundError:
            return None

    def pieces(self, key: str) -> Iterator[bytes]:
        """The content in order, a piece at a time."""
        found = self.find(key)
        if found is None:
            raise FileNotFoundError(key)
        if not found.size:
            yield b""
        for start in range(0, found.size, PIECE):
            stop = min(start + PIECE, found.size)
            yield bytes(self._ask("reading", key, "cat_file", start=start, end=stop))

    def put(self, key: str, data: bytes, within: float | None = None) -> None:
        """Write an object, over another if there is one."""
        options = _REPLACE[self._place.protocol]
        self._ask("writing", key, "pipe_file", data, within=within, **options)

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object if there is none, and the server minds the condition.

        Of two writers of the same bytes both may be told that they were first.
        """
        try:
            self._ask("writing", key, "pipe_file", data, **_CREATE[self._place.protocol])
        except FileExistsError:
            # The answer to our own first try may have been lost: then what is there is ours.
            return self.get(key) == data
        return True

    def upload(self, key: str, path: Path, blob: Blob) -> None:
        """Write a large file, from a copy: the user may change the file meanwhile."""
        handle, name = tempfile.mkstemp(prefix="penstock-")
        copy = Path(name)
        try:
            with open(path, "rb") as stream, open(handle, "wb") as out:
                got = pump(stream, out)
            if got != blob or hash_file(copy) != blob:
                raise StoreError(f"{path} changed while it was stored")
            options = {
                **_REPLACE[self._place.protocol],
                **_PIECES.get(self._place.protocol, {}),
            }
            self.calls.run(f"writing {key}", self._work("put_file", name, self._at(key), **options))
        except OSError as error:
            raise_for(error, copy, blob.size)
        finally:
            remove_file(copy)

    def refresh(self, key: str, size: int) -> None:
        """Write the object again; a copy onto itself is not allowed everywhere."""
        handle, name = tempfile.mkstemp(prefix="penstock-")
        copy = Path(name)
        try:
            with open(handle, "wb") as out:
                for piece in self.pieces(key):
                    out.write(piece)
            self.upload(key, copy, hash_file(copy))
        finally:
            remove_file(copy)

    def remove(self, key: str) -> None:
        """Remove an object."""
        with suppress(FileNotFoundError):
            self._ask("removing", key, "rm_file")

    def inside(self, folder: str) -> Iterator[Entry]:
        """What is inside a folder."""
        try:
            listed = self._ask("listing", folder, "ls", detail=True)
        except FileNotFoundError:
            return
        for facts in sorted(listed, key=lambda facts: str(facts["name"])):
            name = str(facts["name"]).rstrip("/").rpartition("/")[2]
            yield Entry(name, self._found(facts) if facts.get("type") == "file" else None)

    def unfinished(self, idle: float, *, remove: bool) -> Leftovers:
        """None: these servers forget uploads that were not completed."""
        return Leftovers(0, 0)

    def _found(self, facts: dict[str, Any]) -> Found:
        moment = next((facts[name] for name in _TIMES if facts.get(name) is not None), None)
        if moment is None:
            raise StoreError(f"the store {self._place.url} does not tell how old an object is")
        return Found(int(facts.get("size") or 0), max(self._now() - _seconds(moment), 0.0))

    def _now(self) -> float:
        """The server's time, as it stamps objects; its distance from ours is asked once."""
        if self._ahead is None:
            self._ahead = 0.0
            key = f"tmp/clock-{os.urandom(8).hex()}"
            with suppress(StoreError):  # a store that can only be read
                self.put(key, b"clock")
                facts = self._ask("looking for", key, "info")
                moment = next(facts[name] for name in _TIMES if facts.get(name) is not None)
                self._ahead = _seconds(moment) - time.time()
                self.remove(key)
        return time.time() + self._ahead

    def _ask(
        self,
        what: str,
        key: str,
        method: str,
        *values: Any,
        within: float | None = None,
        **options: Any,
    ) -> Any:
        work = self._work(method, self._at(key), *values, **options)
        return self.calls.run(f"{what} {key}", work, within)

    def _work(self, method: str, *values: Any, **options: Any) -> Any:
        bound = getattr(self._fs, f"_{method}" if self._async else method)

        def plain() -> Any:
            return bound(*values, **options)

        async def coroutine() -> Any:
            return await bound(*values, **options)

        return coroutine if self._async else plain

    def _at(self, key: str) -> str:
        return f"{self._root}/{key}"


def _broken(place: Bucketed) -> list[tuple[str, str]]:
    """The errors of a library that stand for a bad connection."""
    azure = "azure.core.exceptions"
    known = {
        "gs": [("aiohttp", "ClientError")],
        "az": [(azure, "ServiceRequestError"), (azure, "ServiceResponseError")],
    }
    return known.get(place.protocol, [])


def _seconds(moment: Any) -> float:
    return float(moment if isinstance(moment, (int, float)) else moment.timestamp())
