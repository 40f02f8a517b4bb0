"""What the user says about the Airflow that the file is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from penstock.backend import BackendError, Options

VOLUME = "penstock-store"
VOLUME_STORE = "/data/penstock"
VOLUME_FOLDER = "/data"

_VOLUME_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,99}")
_VERSIONS = ("3", "3.0", "3.1", "3.2", "3.3")


@dataclass(frozen=True)
class Target:
    """Where the store is for a step, and what is mounted for it: target, source and kind."""

    store: str
    mount: tuple[str, str, str] | None


def target_of(options: Options) -> Target:
    """The target as the options describe it; raises `BackendError`."""
    values = options.known("airflow-version", "volume")
    version = values.get("airflow-version", "3")
    if version not in _VERSIONS:
        raise BackendError(
            f"there is no output for Airflow {version!r}; it can be {', '.join(_VERSIONS)}"
        )
    volume = values.get("volume")
    if options.store is None:
        volume = volume or VOLUME
        if not _VOLUME_NAME.fullmatch(volume):
            raise BackendError(f"{volume!r} cannot name a Docker volume")
        return Target(VOLUME_STORE, (VOLUME_FOLDER, volume, "volume"))
    if volume is not None:
        raise BackendError("volume=... is for the default store; leave out one of both")
    folder = _folder(options.store)
    return Target(options.store, (folder, folder, "bind") if folder else None)


def _folder(store: str) -> str | None:
    """The folder of a store on the workers' disk; None for a remote store."""
    if "\0" in store or not store.isprintable():
        raise BackendError(f"the store {store!r} holds a character that no place has")
    scheme, separator, _ = store.partition("://")
    if separator and scheme != "file":
        return None
    folder = unquote(urlsplit(store).path) if separator else store
    if not folder.startswith("/") or folder == "/":
        raise BackendError(
            f"the store {store!r} must be an absolute path or a URL: the workers use it"
        )
    return folder
