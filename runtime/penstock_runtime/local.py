"""A store in a folder of this machine.

Writing is create-only and survives a crash at any point: a temporary file in the store, fsync,
`os.link` to the final name (which fails if the name exists), fsync of the folder.
"""

import errno
import os
import stat
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from penstock_runtime.errors import ArtifactCorrupt, ArtifactMissing, StoreError
from penstock_runtime.hashing import hash_bytes, pump
from penstock_runtime.labels import is_digest, is_label
from penstock_runtime.local_files import (
    hashed,
    make_folder,
    no_links,
    raise_for,
    remove_file,
    remove_folder,
    sync_folder,
)
from penstock_runtime.local_sweep import leftovers_in, stored_blobs, take_away
from penstock_runtime.store import FORMAT, Blob, Leftovers, StoredBlob, canonical_json

_MARK = "penstock-store.json"
_TEMPORARY = "tmp"
_TRIES = 10
_LARGEST_RECORD = 64 << 20
_READ_ONLY_FILE = 0o444
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP)


class LocalStore:
    """A store in a folder; any number of processes may use it at once, without locks."""

    def __init__(self, root: Path, *, create: bool = True) -> None:
        self._root = root
        self._blobs = root / "cas" / "sha256"
        self._folders: set[str] = set()
        self._lasting: set[Path] = set()
        if not (root / _MARK).is_file():
            if not create:
                raise StoreError(f"{root} is not a penstock store (no {_MARK})")
            self._initialise()
        self._check_format()
        if create:
            with suppress(OSError):  # copies leave empty folders out; who writes is told
                (root / _TEMPORARY).mkdir(exist_ok=True)

    @property
    def url(self) -> str:
        """The folder, as an absolute path."""
        return str(self._root)

    def __repr__(self) -> str:
        return f"LocalStore({self.url!r})"

    def put_bytes(self, data: bytes) -> Blob:
        """Store bytes; the same bytes are stored once."""
        blob = hash_bytes(data)
        final = self._blob_path(blob.digest)
        if not self._holds(final, blob):
            self._publish(self._written(data), final, heal=True)
        return blob

    def put_file(self, path: Path, *, owned: bool = False) -> Blob:
        """Store a file; an `owned` one is linked into place, all others are copied."""
        temporary = path if owned else self._temporary()
        try:
            blob = hashed(path) if owned else self._copied(path, temporary)
            final = self._blob_path(blob.digest)
            if self._holds(final, blob):
                remove_file(temporary)
                return blob
            with open(temporary, "rb") as stream:
                os.fsync(stream.fileno())
            os.utime(temporary)  # a collector counts from now, not from when the step wrote it
            os.chmod(temporary, _READ_ONLY_FILE)
            self._publish(temporary, final, heal=True)
        except OSError as error:
            raise_for(error, temporary, path.stat().st_size if path.is_file() else None)
        finally:
            if not owned:
                remove_file(temporary)
        return blob

    def has(self, digest: str) -> bool:
        """Whether a blob is there."""
        return self._blob_path(digest).is_file()

    def renew(self, digest: str, size: int | None = None) -> bool:
        """Whether an intact blob is there; a collector then takes it for just used."""
        path = self._blob_path(digest)
        try:
            found = path.stat()
        except OSError:
            return False
        if size not in (None, found.st_size):
            return False
        if self._holds(path, Blob(digest, found.st_size)):
            return True
        # Another user's blob cannot be renewed: a copy takes its place.
        return found.st_uid != os.geteuid() and self.put_file(path).digest == digest

    def read_bytes(self, digest: str, size: int | None = None) -> bytes:
        """The verified content of a blob."""
        with self._opened(digest, size) as (stream, found):
            data = stream.read(found + 1)
            got = hash_bytes(data)
            self._verify(digest, size, got)
            return data

    def copy_to(self, digest: str, target: Path, size: int | None = None) -> None:
        """Write a blob to a new file, verified while it is copied."""
        with self._opened(digest, size) as (stream, _):
            try:
                with open(target, "xb") as out:
                    got = pump(stream, out)
            except OSError as error:
                raise_for(error, target)
            try:
                self._verify(digest, size, got)
            except ArtifactCorrupt:
                target.unlink()
                raise

    def fetch(self, digest: str, scratch: Path, size: int | None = None) -> Path:
        """The store's own file, verified; it must not be written to."""
        with self._opened(digest, size) as (stream, _):
            self._verify(digest, size, pump(stream, None))
        return self._blob_path(digest)

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        """Write a record; False if there is one already."""
        if not data:
            raise StoreError(f"the record {name} is empty")
        final = self._record_path(name)
        if final.exists():
            return False
        written = self._written(data, durable=durable)
        if not self._publish(written, final, durable=durable):
            return False
        if durable:
            self._make_last(final.parent)
        return True

    def _make_last(self, folder: Path) -> None:
        """Let a folder outlive a power cut: a record that need not do so may have made it."""
        while folder != self._root and folder not in self._lasting:
            sync_folder(folder.parent)
            self._lasting.add(folder)
            folder = folder.parent

    def read(self, name: str) -> bytes | None:
        """A record; None if there is none."""
        path = self._record_path(name)
        try:
            with open(path, "rb", opener=no_links) as stream:
                data = stream.read(_LARGEST_RECORD + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            raise_for(error, path)
        if len(data) > _LARGEST_RECORD:
            raise StoreError(f"{path} is larger than any record")
        return data

    def names(self, folder: str) -> list[str]:
        """The names inside a folder of records, sorted."""
        path = self._record_path(folder)
        try:
            return sorted(name for name in os.listdir(path) if is_label(name))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise_for(error, path)

    @contextmanager
    def scratch(self) -> Generator[Path, None, None]:
        """A folder inside the store, so that what is written there needs no second copy."""
        folder = self._temporary()
        try:
            folder.mkdir()
        except OSError as error:
            raise_for(error, folder)
        try:
            yield folder
        finally:
            remove_folder(folder)

    def blobs(self) -> Iterator[StoredBlob]:
        """Every blob, by digest."""
        return stored_blobs(self._blobs, self._now())

    def remove_blob(self, digest: str, idle: float = 0.0) -> bool:
        """Remove a blob for good, unless it was written or renewed in the last `idle` seconds."""
        return take_away(self._blob_path(digest), self._root / _TEMPORARY, idle, self._now)

    def age(self, name: str) -> float | None:
        """How many seconds ago a record was written."""
        try:
            return max(self._now() - self._record_path(name).stat().st_mtime, 0.0)
        except OSError:
            return None

    def remove(self, name: str) -> None:
        """Remove a record for good, and the folders that it leaves empty."""
        path = self._record_path(name)
        remove_file(path)
        for folder in (path, *path.parents):
            if folder == self._root:
                return
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:  # it holds more
                return

    def leftovers(self, idle: float, *, remove: bool = False) -> Leftovers:
        """What killed writers left behind at least so many seconds ago."""
        temporary = self._root / _TEMPORARY
        return leftovers_in(temporary, self._blobs, idle, self._now(), remove=remove)

    def _now(self) -> float:
        """The time as the file system tells it: clocks of machines that share a folder differ."""
        probe = self._temporary()
        try:
            probe.touch(exist_ok=False)
            now = probe.stat().st_mtime
        except OSError:  # a store that can only be read
            return time.time()
        remove_file(probe)
        return now

    def _initialise(self) -> None:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            (self._root / _TEMPORARY).mkdir(exist_ok=True)
            self._blobs.mkdir(parents=True, exist_ok=True)
            ignore = self._root / ".gitignore"
            if not ignore.exists():
                ignore.write_text("*\n", encoding="ascii")
        except OSError as error:
            raise_for(error, self._root)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        mark = {"format": FORMAT, "hash": "sha256", "created": now}
        self._publish(self._written(canonical_json(mark) + b"\n"), self._root / _MARK)

    def _check_format(self) -> None:
        import json

        try:
            mark = json.loads((self._root / _MARK).read_bytes())
            known = mark["format"] == FORMAT and mark["hash"] == "sha256"
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self._root / _MARK} is damaged: {error}") from error
        except OSError as error:
            raise_for(error, self._root / _MARK)
        if not known:
            raise StoreError(
                f"the store {self._root} has a format that this penstock is too old for"
            )

    def _blob_path(self, digest: str) -> Path:
        if not is_digest(digest):
            raise StoreError(f"{digest!r} is not a digest")
        name = digest.removeprefix("sha256:")
        return self._blobs / name[:2] / name[2:]

    def _record_path(self, name: str) -> Path:
        parts = name.split("/")
        if not all(is_label(part) for part in parts) or parts[0] in ("cas", _TEMPORARY):
            raise StoreError(f"{name!r} cannot name a record")
        place = str(self._root)
        for part in parts:
            place = f"{place}/{part}"
            # A folder that was none before is not looked at again: this is asked very often.
            if place in self._folders:
                continue
            try:
                mode = os.lstat(place).st_mode
            except OSError:  # whoever opens it is told
                break
            if stat.S_ISLNK(mode):
                raise StoreError(f"{place} is a link, which would lead out of the store")
            if stat.S_ISDIR(mode):
                self._folders.add(place)
        return Path(f"{self._root}/{name}")

    def _temporary(self) -> Path:
        return self._root / _TEMPORARY / f"{os.getpid()}-{os.urandom(8).hex()}"

    def _written(self, data: bytes, *, durable: bool = True) -> Path:
        temporary = self._temporary()
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _READ_ONLY_FILE)
            with open(descriptor, "wb", buffering=0) as stream:
                view = memoryview(data)
                while view:
                    view = view[stream.write(view) :]
                if durable:
                    os.fsync(descriptor)
        except OSError as error:
            remove_file(temporary)
            raise_for(error, temporary, len(data))
        except BaseException:
            remove_file(temporary)
            raise
        return temporary

    def _copied(self, path: Path, temporary: Path) -> Blob:
        with open(path, "rb") as stream, open(temporary, "xb") as out:
            return pump(stream, out)

    def _publish(
        self, temporary: Path, final: Path, *, heal: bool = False, durable: bool = True
    ) -> bool:
        try:
            self._link(temporary, final, durable)
        except FileExistsError:
            if not heal:
                return False
            # Another writer of the same bytes, or a rotten copy: ours is known to be right.
            os.replace(temporary, final)
        except OSError as error:
            if error.errno in _NO_LINKS:
                raise StoreError(f"the file system of {self._root} has no hard links") from error
            raise_for(error, final)
        finally:
            remove_file(temporary)
        if durable:
            sync_folder(final.parent)
        return True

    def _link(self, temporary: Path, final: Path, durable: bool) -> None:
        for _ in range(_TRIES):
            try:
                return os.link(temporary, final)
            except FileNotFoundError:
                # A collector may be removing folders that it has emptied.
                with suppress(FileNotFoundError):
                    make_folder(final.parent, durable=durable)
        os.link(temporary, final)

    def _holds(self, final: Path, blob: Blob) -> bool:
        try:
            if final.stat().st_size != blob.size or hashed(final) != blob:
                return False
            os.utime(final)  # a garbage collector spares what was used lately
            sync_folder(final.parent)  # its first writer may not have come so far
        except (FileNotFoundError, PermissionError):
            return False  # another user's blob cannot be renewed, only written anew
        except OSError as error:
            if error.errno == errno.EROFS:
                return True
            raise_for(error, final)
        return True

    @contextmanager
    def _opened(self, digest: str, size: int | None) -> Generator[tuple[BinaryIO, int], None, None]:
        path = self._blob_path(digest)
        try:
            stream = open(path, "rb", opener=no_links)  # noqa: SIM115 - closed by `with` below
        except (FileNotFoundError, NotADirectoryError):
            raise ArtifactMissing(digest, self.url) from None
        except OSError as error:
            raise_for(error, path)
        with stream:
            found = os.fstat(stream.fileno()).st_size
            if size is not None and found != size:
                raise ArtifactCorrupt(digest, f"{found} bytes instead of {size}", self.url)
            yield stream, found

    def _verify(self, digest: str, size: int | None, got: Blob) -> None:
        if got.digest != digest or (size is not None and got.size != size):
            raise ArtifactCorrupt(digest, got.digest, self.url)
