"""Folders as artifacts: a manifest and one blob per file, never an archive.

The manifest names each file with its digest, size and whether it may be executed. What it
says is checked when it is read: no name leads out of the folder.
"""

import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from penstock_runtime.errors import BadRequest, StoreError
from penstock_runtime.hashing import hash_bytes, hash_file
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


def manifest(files: Mapping[str, Blob]) -> bytes:
    """The manifest of a folder with these stored files, none of which is executable."""
    entries = [
        {"name": _checked(name), "digest": blob.digest, "size": blob.size}
        for name, blob in sorted(files.items())
    ]
    return canonical_json({"format": _FORMAT, "files": entries, "folders": []})


def put_folder(folder: Path, store: Store, *, owned: bool = False) -> Blob:
    """Store a folder; the blob of its manifest stands for it."""
    return store.put_bytes(manifest_of(folder, lambda path: store.put_file(path, owned=owned)))


def named_files(content: bytes) -> list[tuple[str, Blob]]:
    """The files of a folder by name. Raises StoreError when the manifest is not one of ours."""
    return [(_checked(entry.get("name")), _blob(entry)) for entry in _read(content)[0]]


def folder_files(content: bytes) -> list[Blob]:
    """The blobs of a folder's files. Raises StoreError when the manifest is not one of ours."""
    return [_blob(entry) for entry in _read(content)[0]]


def fetch_folder(content: bytes, store: Store, target: Path) -> None:
    """Write the folder that a manifest describes to a new folder, each file verified.

    Raises StoreError when the manifest is not one of ours or names a file outside of it.
    """
    entries, empty = _read(content)
    try:
        target.mkdir()
        for name in empty:
            (target / _checked(name)).mkdir(parents=True, exist_ok=True)
        _fetch_files(entries, store, target)
    except OSError as error:
        raise StoreError(f"a folder artifact cannot be written to {target}: {error}") from error


def _read(content: bytes) -> tuple[list[dict[str, Any]], list[Any]]:
    """The entries of the files, and the names of the empty folders."""
    from penstock_runtime.request import parse_json

    try:
        found = as_object(parse_json(content, "the manifest"), "the manifest")
        entries = [as_object(e, "a file") for e in as_list(found.get("files"), "files")]
        empty = as_list(found.get("folders"), "folders")
        if found.get("format") != _FORMAT:
            raise BadRequest(f"its format is {found.get('format')!r}")
    except BadRequest as error:
        raise StoreError(f"the manifest of a folder cannot be read: {error}") from error
    return entries, empty


def _blob(entry: dict[str, Any]) -> Blob:
    digest, size = entry.get("digest"), entry.get("size")
    if not isinstance(digest, str) or not is_digest(digest) or not isinstance(size, int):
        name = str(entry.get("name"))[:200]
        raise StoreError(f"the manifest of a folder has a damaged entry for {name!r}")
    return Blob(digest, size)


def _fetch_files(entries: list[dict[str, Any]], store: Store, target: Path) -> None:
    for entry in entries:
        path = target / _checked(entry.get("name"))
        blob = _blob(entry)
        path.parent.mkdir(parents=True, exist_ok=True)
        store.copy_to(blob.digest, path, blob.size)
        path.chmod(0o755 if entry.get("executable") is True else 0o644)


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


def hash_path(path: Path) -> Blob:
    """The digest of a file, or of a folder's manifest: the one that a store would give."""
    if not path.is_dir():
        return hash_file(path)
    return hash_bytes(manifest_of(path, hash_file))
