"""What the local store does with single files: sync them, remove them, tell what failed."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from penstock_runtime.errors import StoreError, StoreFull
from penstock_runtime.hashing import pump
from penstock_runtime.store import Blob

_FULL = (errno.ENOSPC, errno.EDQUOT)


def remove_file(temporary: Path) -> None:
    """Remove a temporary file, if it is there."""
    # A leftover is harmless and is swept later; an error here would hide the real one.
    with suppress(OSError):
        temporary.unlink()


def remove_folder(folder: Path) -> None:
    """Remove a folder of temporary files."""
    try:
        folder.rmdir()  # mostly it is empty: what it held was linked into place
    except OSError:
        import shutil  # 10 ms that most steps need not pay

        shutil.rmtree(folder, ignore_errors=True)


def hashed(path: Path) -> Blob:
    """The digest and size of a file inside the store."""
    with open(path, "rb", opener=no_links) as stream:
        return pump(stream, None)


def no_links(path: str, flags: int) -> int:
    """An opener for `open` that refuses a symbolic link."""
    # A symbolic link inside the store would lead a reader out of it.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def make_folder(folder: Path, *, durable: bool) -> None:
    """Make a folder and those above it; a durable one outlives a power cut."""
    try:
        folder.mkdir()
    except FileNotFoundError:
        make_folder(folder.parent, durable=durable)
        folder.mkdir(exist_ok=True)
    except FileExistsError:
        return
    if durable:
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names inside a folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def raise_for(error: OSError, path: Path, size: int | None = None) -> NoReturn:
    """Raise StoreFull or StoreError for what the file system refused."""
    if error.errno in _FULL:
        what = f"{size} bytes" if size is not None else "a new name"
        raise StoreFull(f"no space left for {what} at {path}; free some, then resume") from error
    raise StoreError(f"the store failed at {path}: {error.strerror or error}") from error
