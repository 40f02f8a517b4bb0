"""What a garbage collector does in a store on this machine: list, remove, find leftovers.

A blob is removed by moving it aside first. Whoever renews it from then on finds none and writes
it anew, so that its time cannot change any more: if it is young, it is put back.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from penstock_runtime.labels import is_digest
from penstock_runtime.local_files import raise_for, remove_file, remove_folder
from penstock_runtime.store import Leftovers, StoredBlob

_ASIDE = "gone-"


def stored_blobs(blobs: Path, now: float) -> Iterator[StoredBlob]:
    """Every blob, by digest."""
    for first in inside(blobs):
        if (blobs / first).is_symlink():
            continue
        for rest in inside(blobs / first):
            digest = f"sha256:{first}{rest}"
            try:
                found = (blobs / first / rest).stat(follow_symlinks=False)
            except OSError:  # removed meanwhile
                continue
            if is_digest(digest):
                yield StoredBlob(digest, found.st_size, max(now - found.st_mtime, 0.0))


def take_away(final: Path, temporary: Path, idle: float, now: Callable[[], float]) -> bool:
    """Remove a blob's file unless it was written or renewed in the last `idle` seconds."""
    aside = temporary / f"{_ASIDE}{final.parent.name}{final.name}"
    try:
        os.rename(final, aside)
        if idle > 0 and now() - aside.lstat().st_mtime < idle:
            _put_back(aside, final)
            return False
    except FileNotFoundError:  # another collector has it
        return False
    except OSError as error:
        raise_for(error, final)
    remove_file(aside)
    return True


def _put_back(aside: Path, final: Path) -> None:
    with suppress(FileExistsError, FileNotFoundError):  # written anew, or put back, meanwhile
        os.link(aside, final)
    remove_file(aside)


def leftovers_in(
    temporary: Path, blobs: Path, idle: float, now: float, *, remove: bool
) -> Leftovers:
    """What killed writers left behind; a blob that a killed collector had aside is put back."""
    count, size = 0, 0
    for name in inside(temporary):
        path = temporary / name
        digest = name.removeprefix(_ASIDE)
        if name.startswith(_ASIDE) and is_digest(f"sha256:{digest}"):
            if remove:
                _put_back(path, blobs / digest[:2] / digest[2:])
            continue
        folder = path.is_dir() and not path.is_symlink()
        try:
            found = path.lstat()
            parts = [one.lstat() for one in path.rglob("*")] if folder else [found]
        except OSError:  # its writer is alive and has moved it
            continue
        if now - max(one.st_mtime for one in (found, *parts)) < idle:
            continue
        count, size = count + 1, size + sum(one.st_size for one in parts)
        if remove:
            remove_folder(path) if folder else remove_file(path)
    return Leftovers(count, size)


def inside(folder: Path) -> list[str]:
    """The names inside a folder, sorted; none if it does not exist. Raises StoreError."""
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise_for(error, folder)
