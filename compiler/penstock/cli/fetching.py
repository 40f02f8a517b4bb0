"""Writes an artifact to a place of the user's: whole and verified, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from penstock.cli.failures import Failure, WrongUsage
from penstock_runtime.folders import fetch_folder
from penstock_runtime.store import Store

_CHUNK = 1 << 20
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r")) + b"\x7f"


def fetch_file(store: Store, digest: str, size: int | None, target: Path, *, force: bool) -> None:
    """Write a blob to a file. Raises Failure if something is there, StoreError."""
    if target.is_dir() and not target.is_symlink():
        raise Failure(f"{target} is a folder; name the file to write")
    if not force:
        _free(target)
    with _beside(target) as staged:
        store.copy_to(digest, staged, size)
        if force:
            os.replace(staged, target)
        else:
            _take_name(staged, target)


def fetch_folder_to(
    store: Store, digest: str, size: int | None, target: Path, *, force: bool
) -> None:
    """Write a folder artifact to a new folder; a folder is never replaced."""
    if force and target.is_dir():
        raise Failure(f"{target} is there already, and folders are not replaced; remove it first")
    _free(target)
    with _beside(target) as staged:
        fetch_folder(store.read_bytes(digest, size), store, staged)
        _free(target)
        os.rename(staged, target)


def to_stream(store: Store, digest: str, size: int | None, out: IO[str], *, folder: bool) -> None:
    """Write a blob to a stream, after all of it was verified."""
    if folder:
        raise WrongUsage("a folder cannot be written to standard output; name a folder with -o")
    with TemporaryDirectory(prefix="penstock-get-") as scratch:
        path = store.fetch(digest, Path(scratch, "blob"), size)
        if out.isatty() and _is_binary(path):
            raise WrongUsage("it is not text, which a terminal needs; name a file with -o")
        out.flush()
        with open(path, "rb") as stream:
            shutil.copyfileobj(stream, out.buffer, _CHUNK)  # type: ignore[attr-defined]
        out.buffer.flush()  # type: ignore[attr-defined]


def _is_binary(path: Path) -> bool:
    with open(path, "rb") as stream:
        return any(
            len(chunk.translate(None, _CONTROL)) != len(chunk)
            for chunk in iter(lambda: stream.read(_CHUNK), b"")
        )


def _free(target: Path) -> None:
    if target.exists() or target.is_symlink():
        raise Failure(f"{target} is there already; --force replaces a file")


def _take_name(staged: Path, target: Path) -> None:
    try:
        os.link(staged, target)
    except FileExistsError:
        _free(target)
    except OSError:  # a file system without hard links
        _free(target)
        os.rename(staged, target)


@contextmanager
def _beside(target: Path) -> Generator[Path, None, None]:
    """A name in a hidden folder beside the target, on the same file system."""
    if not target.parent.is_dir():
        raise Failure(f"there is no folder {target.parent}")
    with TemporaryDirectory(prefix=".penstock-get-", dir=target.parent) as folder:
        yield Path(folder, "artifact")
