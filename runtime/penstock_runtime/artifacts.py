"""Values into artifacts and back: a materializer's file or folder, and its reference."""

import errno
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock_runtime.errors import ArtifactCorrupt, StoreError, StoreFull, UntrustedArtifact
from penstock_runtime.folders import fetch_folder, put_folder
from penstock_runtime.hints import Hint, asks_for
from penstock_runtime.labels import is_label
from penstock_runtime.materializers import (
    Materializer,
    NotHeld,
    materializer_named,
    materializers_for,
)
from penstock_runtime.reference import FOLDER_MEDIA, ArtifactRef
from penstock_runtime.store import Blob, Store, canonical_json

LARGEST_PREVIEW = 256 << 10
"""A preview of more bytes is not kept."""

_NAME = "; name="
_TELLS_ITSELF = 4096
_SUFFIXES = {"image/png": ".png"}
_READABLE = ("application/json", "text/plain; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Written:
    """A value that a materializer has written; `path` may be the user's own file."""

    materializer: Materializer
    path: Path
    owned: bool


def write_value(value: object, path: Path) -> Written:
    """Write a value as its materializer does; a file or folder of the user's stays where it is.

    Raises whatever the materializer raises for a value that it cannot save, and StoreFull.
    """
    for materializer in materializers_for(value):
        if isinstance(value, Path):
            if not value.exists():
                raise FileNotFoundError(f"there is no file or folder {value}")
            return Written(materializer, value, owned=False)
        try:
            materializer.save(value, path)
        except NotHeld:
            path.unlink(missing_ok=True)
            continue
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreFull(f"no space left at {path}; free some, then resume") from error
            raise
        return Written(materializer, path, owned=True)
    raise AssertionError("the last materializer holds every value, or says why not")


def reference_to(value: object, written: Written, blob: Blob, preview: str | None) -> ArtifactRef:
    """The reference to a value that was written and hashed."""
    media = written.materializer.media
    if written.path.is_dir():
        media = FOLDER_MEDIA
    elif isinstance(value, Path) and is_label(value.name):
        media += _NAME + value.name  # readers go by the suffix: keep the file's name
    kind = type(value)
    return ArtifactRef(
        digest=blob.digest,
        size=blob.size,
        type=f"{kind.__module__}:{kind.__qualname__}",
        materializer=written.materializer.name,
        media=media,
        unsafe=written.materializer.unsafe,
        preview=preview,
    )


def save_value(value: object, store: Store, path: Path) -> ArtifactRef:
    """Store a value; `path` is a free name inside the store's scratch folder.

    Raises StoreError, and whatever the materializer raises.
    """
    written = write_value(value, path)
    preview = preview_of(value, written)
    put = put_folder if written.path.is_dir() else _put_file
    blob = put(written.path, store, owned=written.owned)
    return reference_to(value, written, blob, store.put_bytes(preview).digest if preview else None)


def keep_written(value: object, written: Written, store: Store) -> str | None:
    """Put a copy of what was written into a store; the digest of its preview if it has one.

    Raises StoreError.
    """
    preview = preview_of(value, written)
    put = put_folder if written.path.is_dir() else _put_file
    put(written.path, store, owned=False)
    return store.put_bytes(preview).digest if preview else None


def preview_of(value: object, written: Written) -> bytes | None:
    """The preview of a value; None when its file is small, safe and readable itself."""
    path, media = written.path, written.materializer.media
    if media in _READABLE and path.is_file() and path.stat().st_size <= _TELLS_ITSELF:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of infinities in a mean; nobody asked for that mean
            preview = canonical_json(written.materializer.preview(value))
    except Exception as error:  # of the user's type or its library: no reason to lose a run
        preview = canonical_json({"kind": "unknown", "preview_failed": type(error).__name__})
    return preview if len(preview) <= LARGEST_PREVIEW else None


def load_value(
    ref: ArtifactRef, hint: Hint, store: Store, path: Path, *, trusted: bool = False
) -> Any:
    """Load an artifact, its digest verified first; `path` is a free name for a copy.

    `trusted` says that this store's own runs produced it: without that, what could execute
    code is refused. Raises StoreError, and whatever the materializer raises.
    """
    materializer = trusted_materializer(ref, trusted)
    if ref.media == FOLDER_MEDIA:
        fetch_folder(store.read_bytes(ref.digest, ref.size), store, path)
        return materializer.load(path, hint)
    if materializer.unsafe or materializer.name == "path" or asks_for(hint, Path):
        # A copy: the step may change its file, and what is unpickled is what was verified.
        path = named_path(ref, path)
        store.copy_to(ref.digest, path, ref.size)
        return materializer.load(path, hint)
    return materializer.load(store.fetch(ref.digest, path, ref.size), hint)


def trusted_materializer(ref: ArtifactRef, trusted: bool) -> Materializer:
    """The materializer that a reference names, if it may be used. Raises StoreError."""
    try:
        materializer = materializer_named(ref.materializer)
    except LookupError as error:
        raise StoreError(str(error)) from error
    if materializer.unsafe and not (ref.unsafe and trusted):
        raise UntrustedArtifact(
            f"loading {ref.digest} ({ref.type}, by {ref.materializer}) could execute code, and "
            "it is not known to come from this store's runs"
        )
    return materializer


def named_path(ref: ArtifactRef, path: Path) -> Path:
    """The path for a copy of a file artifact, ending in the name that the file had."""
    name = ref.media.partition(_NAME)[2]
    if not is_label(name):
        return path.with_suffix(_SUFFIXES.get(ref.media, ""))
    path.mkdir()
    return path / name


def check_digest(ref: ArtifactRef, blob: Blob, where: str) -> None:
    """Compare what was found with what was promised. Raises ArtifactCorrupt."""
    if blob.digest != ref.digest:
        raise ArtifactCorrupt(ref.digest, blob.digest, where)


def _put_file(path: Path, store: Store, *, owned: bool) -> Blob:
    return store.put_file(path, owned=owned)
