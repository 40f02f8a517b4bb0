"""A bucket that speaks S3, through s3fs: its connection and its settings, request by request.

Whole requests, and not s3fs's files: those publish what was written so far when an error comes.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from penstock_runtime.errors import StoreError
from penstock_runtime.hashing import Hashing
from penstock_runtime.places import Bucketed
from penstock_runtime.remote_bucket import (
    LARGEST_RECORD,
    PIECE,
    Entry,
    Found,
    library,
    piece_size,
    seconds_since,
)
from penstock_runtime.remote_calls import Calls
from penstock_runtime.store import Blob, Leftovers

_CONNECTION = {
    "connect_timeout": 5,
    "read_timeout": 30,
    "retries": {"mode": "standard", "max_attempts": 3},
    "response_checksum_validation": "when_required",  # ours is stronger, and tells what is rotten
}
_AT_ONCE = 2  # more would be quicker far away, and need more memory
_LARGEST_COPY = 5 << 30  # what S3 copies in one request
_WRITER = "penstock-writer"


class S3Bucket:
    """Objects below a prefix of a bucket; the server's clock tells how old they are."""

    def __init__(self, place: Bucketed) -> None:
        s3fs, errors = library(place), import_module("botocore.exceptions")
        self._fs = s3fs.S3FileSystem(
            skip_instance_cache=True, use_listings_cache=False, config_kwargs=dict(_CONNECTION)
        )
        self._fs.retries = 1  # Calls tries again, and knows the deadline
        passing = (
            errors.HTTPClientError,
            errors.ConnectionError,
            errors.IncompleteReadError,
            import_module("botocore.parsers").ResponseParserError,
            import_module("aiohttp").ClientError,
        )
        self.calls = Calls(place.url, self._fs.loop, passing)
        self._place = place
        self._prefix = f"{place.prefix}/" if place.prefix else ""

    def find(self, key: str) -> Found | None:
        """The object, if it is there."""
        try:
            answer = self._ask("looking for", key, "head_object")
        except FileNotFoundError:
            return None
        return Found(answer["ContentLength"], _idle(answer["LastModified"], answer))

    def get(self, key: str) -> bytes | None:
        """A small object, if it is there."""
        data = bytearray()
        try:
            for piece in self.pieces(key):
                data += piece
                if len(data) > LARGEST_RECORD:
                    raise StoreError(f"{self._place.url}/{key} is larger than any record")
        except FileNotFoundError:
            return None
        return bytes(data)

    def pieces(self, key: str) -> Iterator[bytes]:
        """The content in order, a few pieces at a time."""
        first, total = self._run("reading", key, lambda: self._piece(key, 0))
        starts = range(len(first), total, PIECE)
        yield first
        del first  # no more than one group is kept
        for place in range(0, len(starts), _AT_ONCE):
            group = starts[place : place + _AT_ONCE]
            yield from self._run("reading", key, self._group(key, group))

    def put(self, key: str, data: bytes, within: float | None = None) -> None:
        """Write an object, over another if there is one."""
        self._ask("writing", key, "put_object", within, Body=data)

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object if there is none, and the server minds the condition."""
        mark = os.urandom(16).hex()
        options: dict[str, Any] = {"IfNoneMatch": "*", "Metadata": {_WRITER: mark}}
        try:
            self._ask("writing", key, "put_object", Body=data, **options)
        except FileExistsError:
            # The answer to our own first try may have been lost: then what is there is ours.
            try:
                found = self._ask("looking for", key, "head_object")
            except FileNotFoundError:
                return False
            return bool(found.get("Metadata", {}).get(_WRITER) == mark)
        return True

    def upload(self, key: str, path: Path, blob: Blob) -> None:
        """Write a large file in pieces, hashed on the way: a file that changes is not completed."""
        begun = self._ask("writing", key, "create_multipart_upload")
        upload: dict[str, Any] = {"UploadId": begun["UploadId"]}
        try:
            with open(path, "rb") as stream:
                parts, got = self._sent(key, upload, stream.read, blob)
            if got != blob:
                raise StoreError(f"{path} changed while it was stored")
            all_of_it: dict[str, Any] = {**upload, "MultipartUpload": {"Parts": parts}}
            try:
                self._ask("writing", key, "complete_multipart_upload", **all_of_it)
            except FileNotFoundError:
                # No such upload any more: an earlier try has completed it, or it is gone.
                found = self.find(key)
                if found is None or found.size != blob.size:
                    raise StoreError(f"the upload of {path} was aborted by someone else") from None
        except BaseException:
            self._abort(key, upload)
            raise

    def refresh(self, key: str, size: int) -> None:
        """Copy the object onto itself, on the server."""
        name = f"{self._place.bucket}/{self._prefix}{key}"
        if size > _LARGEST_COPY:
            copy = self._fs._copy_managed  # only uploads in parts can be larger
            self._run("renewing", key, lambda: copy(name, name, size, block=_LARGEST_COPY))
            return
        date = _date(self._ask("looking for", key, "head_object"))
        options: dict[str, Any] = {
            "CopySource": name,
            "MetadataDirective": "REPLACE",  # a copy onto itself must change something
            "Metadata": {"mtime": f"{time.time() if date is None else date:.3f}"},  # rclone's word
        }
        self._ask("renewing", key, "copy_object", **options)

    def remove(self, key: str) -> None:
        """Remove an object."""
        try:
            self._ask("removing", key, "delete_object")
        except FileNotFoundError:
            return

    def inside(self, folder: str) -> Iterator[Entry]:
        """What is inside a folder, page by page."""
        inner = f"{self._prefix}{folder}/"
        options: dict[str, Any] = {"Prefix": inner, "Delimiter": "/"}
        while True:
            try:
                page = self._list("list_objects_v2", folder, options)
            except FileNotFoundError:  # of servers that keep objects as files
                return
            for one in page.get("Contents", []):
                found = Found(one["Size"], _idle(one["LastModified"], page))
                yield Entry(one["Key"].removeprefix(inner), found)
            for one in page.get("CommonPrefixes", []):
                yield Entry(one["Prefix"].removeprefix(inner).rstrip("/"), None)
            if not page.get("IsTruncated"):
                return
            options["ContinuationToken"] = page["NextContinuationToken"]

    def unfinished(self, idle: float, *, remove: bool) -> Leftovers:
        """Uploads in parts that were begun so long ago and not completed."""
        count = size = 0
        options: dict[str, Any] = {"Prefix": f"{self._prefix}cas/"}
        while True:
            try:
                page = self._list("list_multipart_uploads", "cas", options)
            except FileNotFoundError:  # rclone's answer when there is none
                return Leftovers(count, size)
            for one in page.get("Uploads", []):
                if _idle(one["Initiated"], page) < idle:
                    continue
                key, upload = one["Key"].removeprefix(self._prefix), {"UploadId": one["UploadId"]}
                try:
                    parts = self._ask("looking for", key, "list_parts", **upload).get("Parts", [])
                except FileNotFoundError:  # completed meanwhile
                    continue
                count, size = count + 1, size + sum(part["Size"] for part in parts)
                if remove:
                    self._abort(key, upload)
            if not page.get("IsTruncated"):
                return Leftovers(count, size)
            options["KeyMarker"] = page["NextKeyMarker"]
            options["UploadIdMarker"] = page["NextUploadIdMarker"]

    def _sent(
        self, key: str, upload: dict[str, Any], read: Callable[[int], bytes], blob: Blob
    ) -> tuple[list[dict[str, Any]], Blob]:
        size, hashing = piece_size(blob.size), Hashing()
        at_once = _AT_ONCE if size == PIECE else 1
        parts: list[dict[str, Any]] = []
        while group := [data for data in (read(size) for _ in range(at_once)) if data]:
            hashing.update(*group)
            work = self._part_group(key, upload, len(parts) + 1, group)
            parts += self._run("writing", key, work)
            group.clear()  # before the next one is read
        return parts, hashing.blob()

    def _part_group(
        self, key: str, upload: dict[str, Any], first: int, group: list[bytes]
    ) -> Callable[[], Any]:
        async def part(number: int, data: bytes) -> dict[str, Any]:
            options = {**upload, "PartNumber": number, "Body": data}
            answer = await self._fs._call_s3("upload_part", **self._named(key), **options)
            return {"PartNumber": number, "ETag": answer["ETag"]}

        async def work() -> list[dict[str, Any]]:
            return await asyncio.gather(*(part(first + i, one) for i, one in enumerate(group)))

        return work

    def _group(self, key: str, starts: range) -> Callable[[], Any]:
        async def work() -> list[bytes]:
            found = await asyncio.gather(*(self._piece(key, start) for start in starts))
            return [data for data, _ in found]

        return work

    async def _piece(self, key: str, start: int) -> tuple[bytes, int]:
        """One piece of an object, and the size of all of it."""
        options = {"Range": f"bytes={start}-{start + PIECE - 1}"}
        try:
            answer = await self._fs._call_s3("get_object", **self._named(key), **options)
        except OSError:
            # An empty object has no first byte: what servers answer to that differs.
            if start:
                raise
            answer = await self._fs._call_s3("head_object", **self._named(key))
            if answer["ContentLength"]:
                raise
            return b"", 0
        total = int(answer.get("ContentRange", "").rpartition("/")[2] or answer["ContentLength"])
        wanted = min(PIECE, total - start)
        async with answer["Body"] as body:
            if answer["ContentLength"] != wanted:
                raise StoreError(f"the server of {self._place.url} cannot read a part of an object")
            data = bytes(await body.read())
        if len(data) != wanted:
            raise ConnectionError(f"{len(data)} bytes came instead of {wanted}")
        return data, total

    def _abort(self, key: str, upload: dict[str, Any]) -> None:
        try:
            self._ask("removing the upload of", key, "abort_multipart_upload", **upload)
        except (FileNotFoundError, StoreError):
            return  # a leftover is harmless and is swept later; the first error counts

    def _list(self, method: str, folder: str, options: dict[str, Any]) -> dict[str, Any]:
        async def work() -> Any:
            return await self._fs._call_s3(method, Bucket=self._place.bucket, **options)

        return dict(self._run("listing", folder, work))

    def _ask(
        self, what: str, key: str, method: str, within: float | None = None, **options: Any
    ) -> dict[str, Any]:
        async def work() -> Any:
            return await self._fs._call_s3(method, **self._named(key), **options)

        return dict(self._run(what, key, work, within))

    def _run(
        self, what: str, key: str, work: Callable[[], Any], within: float | None = None
    ) -> Any:
        return self.calls.run(f"{what} {key}", work, within)

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self._place.bucket, "Key": f"{self._prefix}{key}"}


def _idle(moment: Any, answer: dict[str, Any]) -> float:
    """Seconds since a time of the server, by the `Date` of its answer."""
    return seconds_since(moment, _date(answer))


def _date(answer: dict[str, Any]) -> float | None:
    """The server's clock when it answered."""
    from email.utils import parsedate_to_datetime

    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(date).timestamp() if date else None
