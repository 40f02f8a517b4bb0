"""A store in a bucket: create-only records, verified blobs, any number of writers.

An object appears whole or not at all: only complete bytes and files are sent, large ones in
parts that the server joins at the end. A record is created under the condition that there is
none; where the server ignores it, by claims (`remote_claims`). What a write may have done
before its answer was lost is found by reading it back.
"""

import json
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from penstock_runtime.errors import ArtifactCorrupt, ArtifactMissing, StoreError
from penstock_runtime.hashing import Hashing, hash_bytes, hash_file
from penstock_runtime.labels import is_digest, is_label
from penstock_runtime.local_files import raise_for, remove_file
from penstock_runtime.remote_bucket import LARGEST_RECORD, PIECE, Bucket
from penstock_runtime.remote_calls import Refused
from penstock_runtime.remote_claims import CLAIMS, Claims
from penstock_runtime.remote_probe import minds_conditions
from penstock_runtime.store import FORMAT, Blob, Leftovers, StoredBlob, canonical_json

_MARK = "penstock-store.json"
_NO_RECORDS = ("cas", "tmp", CLAIMS)
_FRESH = 86_400.0
_LOOKS = 2


class RemoteStore:
    """A store below a prefix of a bucket."""

    def __init__(self, bucket: Bucket, url: str, *, create: bool = True) -> None:
        self._url = url
        self._bucket = bucket
        self._claims = Claims(self._bucket)
        self._conditions: bool | None = None
        mark = self._bucket.get(_MARK)
        if mark is None:
            if not create:
                raise StoreError(f"{self._url} is not a penstock store (no {_MARK})")
            mark = self._initialised()
        self._check_format(mark)

    @property
    def url(self) -> str:
        """The bucket and the prefix."""
        return self._url

    def __repr__(self) -> str:
        return f"RemoteStore({self.url!r})"

    def put_bytes(self, data: bytes) -> Blob:
        """Store bytes; the same bytes are stored once."""
        blob = hash_bytes(data)
        key = _blob_key(blob.digest)
        if not self._holds(key, blob):
            self._bucket.put(key, data)  # over nothing, the same, or a rotten copy
        return blob

    def put_file(self, path: Path, *, owned: bool = False) -> Blob:
        """Store a file; it is sent only if it is not there already."""
        try:
            if path.stat().st_size <= PIECE:
                return self.put_bytes(path.read_bytes())
            blob = hash_file(path)
            key = _blob_key(blob.digest)
            if not self._holds(key, blob):
                self._bucket.upload(key, path, blob)
            if owned:
                remove_file(path)
        except OSError as error:
            raise_for(error, path)
        return blob

    def has(self, digest: str) -> bool:
        """Whether a blob is there."""
        return self._bucket.find(_blob_key(digest)) is not None

    def renew(self, digest: str, size: int | None = None) -> bool:
        """Whether an intact blob is there; one not used for a day then counts as just used."""
        found = self._bucket.find(_blob_key(digest))
        if found is None or size not in (None, found.size):
            return False
        return self._holds(_blob_key(digest), Blob(digest, found.size))

    def read_bytes(self, digest: str, size: int | None = None) -> bytes:
        """The verified content of a blob."""
        data = bytearray()
        self._verified(digest, size, data.clear, data.extend)
        return bytes(data)

    def copy_to(self, digest: str, target: Path, size: int | None = None) -> None:
        """Write a blob to a new file, verified while it is copied."""
        try:
            out = open(target, "xb")  # noqa: SIM115 - closed by `with` below
        except OSError as error:
            raise_for(error, target)
        try:
            with out:

                def again() -> None:
                    out.seek(0)
                    out.truncate()

                self._verified(digest, size, again, out.write)
        except BaseException as error:
            remove_file(target)
            if isinstance(error, OSError):
                raise_for(error, target, size)
            raise

    def fetch(self, digest: str, scratch: Path, size: int | None = None) -> Path:
        """A verified copy at `scratch`."""
        self.copy_to(digest, scratch, size)
        return scratch

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Write a record; False if there is one already. Here each one is durable."""
        if not data:
            raise StoreError(f"the record {name} is empty")
        if len(data) > LARGEST_RECORD:
            raise StoreError(f"the record {name} would be larger than any record")
        key = _record_key(name)
        return (self._bucket.put_new if self._minds() else self._claims.create)(key, data)

    def read(self, name: str) -> bytes | None:
        """A record; None if there is none."""
        # None is empty, so nothing in it is a record on its way, where writes are not atomic.
        return self._bucket.get(_record_key(name)) or None

    def names(self, folder: str) -> list[str]:
        """The names inside a folder of records, sorted."""
        return sorted(
            one.name for one in self._bucket.inside(_record_key(folder)) if is_label(one.name)
        )

    @contextmanager
    def scratch(self) -> Generator[Path, None, None]:
        """A folder for temporary files of this machine; TMPDIR says where."""
        try:
            folder = tempfile.TemporaryDirectory(prefix="penstock-", ignore_cleanup_errors=True)
        except OSError as error:
            raise_for(error, Path(tempfile.gettempdir()))
        with folder as name:
            yield Path(name)

    def blobs(self) -> Iterator[StoredBlob]:
        """Every blob, by digest."""
        for first in self._bucket.inside("cas/sha256"):
            for rest, found in self._bucket.inside(f"cas/sha256/{first.name}"):
                digest = f"sha256:{first.name}{rest}"
                if found is not None and is_digest(digest):
                    yield StoredBlob(digest, found.size, found.idle)

    def remove_blob(self, digest: str, idle: float = 0.0) -> bool:
        """Remove a blob for good, unless it was written or renewed lately.

        Where `idle` is not 0, a blob of the last day stays: using it leaves its time alone.
        """
        if idle > 0:
            found = self._bucket.find(_blob_key(digest))
            if found is None or found.idle < max(idle, _FRESH):
                return False
        self._bucket.remove(_blob_key(digest))
        return True

    def age(self, name: str) -> float | None:
        """How many seconds ago a record was written."""
        found = self._bucket.find(_record_key(name))
        return None if found is None else found.idle

    def remove(self, name: str) -> None:
        """Remove a record for good."""
        self._bucket.remove(_record_key(name))

    def leftovers(self, idle: float, *, remove: bool = False) -> Leftovers:
        """Uploads that were not completed, and claims of writers that were killed."""
        claims = self._claims.dead(idle)
        files, size = self._bucket.unfinished(idle, remove=remove)
        for claim in claims if remove else ():
            self._bucket.remove(claim)
        return Leftovers(files + len(claims), size)

    def _minds(self) -> bool:
        """Whether the server minds conditions; asked before the first write."""
        if self._conditions is None:
            self._conditions = minds_conditions(self._bucket)
        return self._conditions

    def _initialised(self) -> bytes:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        mark = canonical_json({"format": FORMAT, "hash": "sha256", "created": now}) + b"\n"
        self.create(_MARK, mark)
        return self._bucket.get(_MARK) or mark

    def _check_format(self, data: bytes) -> None:
        try:
            mark = json.loads(data)
            known = mark["format"] == FORMAT and mark["hash"] == "sha256"
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self._url}/{_MARK} is damaged: {error}") from error
        if not known:
            raise StoreError(
                f"the store {self._url} has a format that this penstock is too old for"
            )

    def _holds(self, key: str, blob: Blob) -> bool:
        """Whether an object is that blob, read to its end; an old one is made to count as new."""
        found = self._bucket.find(key)
        if found is None or found.size != blob.size:
            return False
        hashing = Hashing()
        try:
            for piece in self._bucket.pieces(key):
                hashing.update(piece)
            if hashing.blob() != blob:
                return False
            if found.idle > _FRESH:
                self._bucket.refresh(key, blob.size)
        except FileNotFoundError:  # removed meanwhile
            return False
        except Refused as refused:
            if refused.status != 403:
                raise
            # Who may only read may still use the blob; its time stays.
        return True

    def _verified(
        self,
        digest: str,
        size: int | None,
        again: Callable[[], object],
        write: Callable[[bytes], object],
    ) -> None:
        """Hand over a blob in pieces, and tell at the end whether it was right."""
        key = _blob_key(digest)
        got = Blob("", 0)
        for _ in range(_LOOKS):  # what was damaged on the way is right the second time
            again()
            hashing = Hashing()
            try:
                for piece in self._bucket.pieces(key):
                    hashing.update(piece)
                    write(piece)
                    if size is not None and hashing.size > size:
                        break
            except FileNotFoundError:
                raise ArtifactMissing(digest, self.url) from None
            got = hashing.blob()
            if got.digest == digest and size in (None, got.size):
                return
        if size not in (None, got.size):
            raise ArtifactCorrupt(digest, f"{got.size} bytes instead of {size}", self.url)
        raise ArtifactCorrupt(digest, got.digest, self.url)


def _blob_key(digest: str) -> str:
    if not is_digest(digest):
        raise StoreError(f"{digest!r} is not a digest")
    name = digest.removeprefix("sha256:")
    return f"cas/sha256/{name[:2]}/{name[2:]}"


def _record_key(name: str) -> str:
    parts = name.split("/")
    if not all(is_label(part) for part in parts) or parts[0] in _NO_RECORDS:
        raise StoreError(f"{name!r} cannot name a record")
    return name
