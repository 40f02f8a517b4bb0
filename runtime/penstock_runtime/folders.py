"""Folders as artifacts: a manifest and one blob per file, never an archive.

The manifest names each file with its digest, size and whether it may be executed. What it
says is checked when it is read: no name leads out of the folder.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from penstock_runtime.errors import BadRequest, StoreError
from penstock_runtime.labels import is_digest
from penstock_runtime.reference import as_list, as_object
from penstock_runtime.store import Blob, Store, canonical_json

_FORMAT = 1


def manifest_of(folder: Path, put: Callable[[Path], Blob]) -> bytes:
    """The manifest of a folder; `put` stores, or only hashes, each file.

    A link to a file counts as the file. Raises StoreError for a link to a folder, and for what
    is neither file nor folder.
    """
    files: list[dict[str, Any]] = []
    empty: list[str] = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        here = Path(parent)
        for name in folders:
            if (here / name).is_symlink():
                raise StoreError(f"{here / name} links to a folder; put a copy in its place")
        relative = here.relative_to(folder).as_posix()
        if not folders and not names and here != folder:
            empty.append(_checked(relative))
        for name in sorted(names):
            files.append(_entry(here / name, here.relative_to(folder) / name, put))
    files.sort(key=lambda entry: str(entry["name"]))
    return canonical_json({"format": _FORMAT, "files": files, "folders": sorted(empty)})


def put_folder(folder: Path, store: Store, *, owned: bool = False) -> Blob:
    """Store a folder; the blob of its manifest stands for it."""
    return store.put_bytes(manifest_of(folder, lambda path: store.put_file(path, owned=owned)))


class FileEntry(NamedTuple):
    """A file of a folder artifact; its name does not lead out of the folder."""

    name: str
    digest: str
    size: int
    executable: bool


def read_manifest(manifest: bytes) -> tuple[list[FileEntry], list[str]]:
    """The files and the empty folders that a manifest names. Raises StoreError."""
    from penstock_runtime.request import parse_json

    try:
        found = as_object(parse_json(manifest, "the manifest"), "the manifest")
        files = [
            _file(as_object(entry, "a file")) for entry in as_list(found.get("files"), "files")
        ]
        empty = [_checked(name) for name in as_list(found.get("folders"), "folders")]
        if found.get("format") != _FORMAT:
            raise BadRequest(f"its format is {found.get('format')!r}")
    except BadRequest as error:
        raise StoreError(f"the manifest of a folder cannot be read: {error}") from error
    return files, empty


def fetch_folder(manifest: bytes, store: Store, target: Path) -> None:
    """Write the folder that a manifest describes to a new folder, each file verified.

    Raises StoreError when the manifest is not one of ours or names a file outside of it.
    """
    files, empty = read_manifest(manifest)
    try:
        target.mkdir()
        for name in empty:
            (target / name).mkdir(parents=True, exist_ok=True)
        for entry in files:
            path = target / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            store.copy_to(entry.digest, path, entry.size)
            path.chmod(0o755 if entry.executable else 0o644)
    except OSError as error:
        raise StoreError(f"a folder artifact cannot be written to {target}: {error}") from error


def _file(entry: dict[str, Any]) -> FileEntry:
    name, digest, size = _checked(entry.get("name")), entry.get("digest"), entry.get("size")
    if not isinstance(digest, str) or not is_digest(digest) or not isinstance(size, int):
        raise StoreError(f"the manifest of a folder has a damaged entry for {name}")
    return FileEntry(name, digest, size, entry.get("executable") is True)


def _entry(path: Path, name: Path, put: Callable[[Path], Blob]) -> dict[str, Any]:
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode):
        raise StoreError(f"{path} is not a regular file")
    blob = put(path)
    executable = bool(mode & stat.S_IXUSR)
    return {
        "name": _checked(name.as_posix()),
        "digest": blob.digest,
        "size": blob.size,
        **({"executable": True} if executable else {}),
    }


def _checked(name: object) -> str:
    if isinstance(name, str) and name.isprintable() and "\\" not in name and len(name) <= 1000:
        parts = name.split("/")
        if all(part not in ("", ".", "..") for part in parts):
            return name
    raise StoreError(f"{name!r} cannot name a file inside a folder artifact")
