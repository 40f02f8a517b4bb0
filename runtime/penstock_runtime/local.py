"""A store in a folder of this machine.

Writing is create-only and survives a crash at any point: a temporary file in the store, fsync,
`os.link` to the final name (which fails if the name exists), fsync of the folder.
"""

import errno
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
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
from penstock_runtime.store import FORMAT, Blob, Leftovers, StoredBlob, canonical_json

_MARK = "penstock-store.json"
_LARGEST_RECORD = 64 << 20
_READ_ONLY_FILE = 0o444
_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP)


class LocalStore:
    """A store in a folder; any number of processes may use it at once, without locks."""

    def __init__(self, root: Path, *, create: bool = True) -> None:
        self._root = root
        if not (root / _MARK).is_file():
            if not create:
                raise StoreError(f"{root} is not a penstock store (no {_MARK})")
            self._initialise()
        self._check_format()

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
            found = path.stat().st_size
        except OSError:
            return False
        return size in (None, found) and self._holds(path, Blob(digest, found))

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
            sync_folder(final.parent.parent)  # a record that is not durable may have made it
        return True

    def read(self, name: str) -> bytes | None:
        """A record; None if there is none."""
        path = self._record_path(name)
        try:
            with open(path, "rb", opener=no_links) as stream:
                data = stream.read(_LARGEST_RECORD + 1)
        except (FileNotFoundError, NotADirectoryError):
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
        root, now = self._root / "cas" / "sha256", self._now()
        for first in self._inside(root):
            for rest in self._inside(root / first):
                digest = f"sha256:{first}{rest}"
                try:
                    found = (root / first / rest).stat(follow_symlinks=False)
                except OSError:  # removed meanwhile
                    continue
                if is_digest(digest):
                    yield StoredBlob(digest, found.st_size, max(now - found.st_mtime, 0.0))

    def remove_blob(self, digest: str) -> None:
        """Remove a blob for good."""
        remove_file(self._blob_path(digest))

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
        for folder in path.parents:
            if folder == self._root:
                return
            try:
                folder.rmdir()
            except OSError:  # it holds more
                return

    def leftovers(self, idle: float, *, remove: bool = False) -> Leftovers:
        """What killed writers left behind at least so many seconds ago."""
        now, count, size = self._now(), 0, 0
        for name in self._inside(self._root / "tmp"):
            path = self._root / "tmp" / name
            try:
                found = path.lstat()
                inside = [one.lstat() for one in path.rglob("*")] if path.is_dir() else [found]
            except OSError:  # its writer is alive and has moved it
                continue
            if now - max(one.st_mtime for one in (found, *inside)) < idle:
                continue
            count, size = count + 1, size + sum(one.st_size for one in inside)
            if remove:
                remove_folder(path) if path.is_dir() else remove_file(path)
        return Leftovers(count, size)

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

    def _inside(self, folder: Path) -> list[str]:
        try:
            return sorted(os.listdir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise_for(error, folder)

    def _initialise(self) -> None:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            (self._root / "tmp").mkdir(exist_ok=True)
            blobs = self._root / "cas" / "sha256"
            blobs.mkdir(parents=True, exist_ok=True)
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
        return self._root / "cas" / "sha256" / name[:2] / name[2:]

    def _record_path(self, name: str) -> Path:
        parts = name.split("/")
        if not all(is_label(part) for part in parts) or parts[0] in ("cas", "tmp"):
            raise StoreError(f"{name!r} cannot name a record")
        return self._root.joinpath(*parts)

    def _temporary(self) -> Path:
        return self._root / "tmp" / f"{os.getpid()}-{os.urandom(8).hex()}"

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
            try:
                os.link(temporary, final)
            except FileNotFoundError:
                make_folder(final.parent, durable=durable)
                os.link(temporary, final)
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

    def _holds(self, final: Path, blob: Blob) -> bool:
        try:
            if final.stat().st_size != blob.size or hashed(final) != blob:
                return False
            os.utime(final)  # a garbage collector spares what was used lately
            sync_folder(final.parent)  # its first writer may not have come so far
        except FileNotFoundError:
            return False
        except PermissionError:  # another user's blob: it is right, only its time stays
            return True
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
