"""The layer of an image that holds its packages, as one tar that every machine makes alike.

Packages are installed here and not in a container, so that no network, credential, private
index or certificate enters an image, and every engine makes the same layer of it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from penstock.images.bytecode import compiling, worth_compiling
from penstock.images.index_settings import IndexSettings
from penstock.images.installing import install
from penstock.images.interpreters import Interpreter, interpreter
from penstock.images.layer_tar import listed, write_tar
from penstock.images.lock_file import Pin, read_lock
from penstock.images.path_files import serve_path_files
from penstock.images.uv_environment import uv_environment

PLACE = "opt/requirements"
"""Where the packages lie in an image."""

_RECIPE = 1
"""Raised whenever the same lock gives another tar."""

_DAY = 86_400.0
_ABANDONED = _DAY


def requirements_layer(
    lock: str,
    python: str,
    platform: str,
    settings: IndexSettings,
    listen: Callable[[str], None],
) -> Path:
    """The layer of a lock file, made once and kept in the user's cache folder.

    Raises a `RequirementsError`, in one sentence.
    """
    pins = read_lock(lock)
    folder = layers_folder()
    layer = folder / f"{_digest(pins, python, platform)}.tar"
    if layer.exists():
        os.utime(layer)  # it is in use
        return layer
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    # In the same folder, so that renaming is one step and uv can link from its cache.
    with (
        tempfile.TemporaryDirectory(prefix="making-", dir=folder) as name,
        uv_environment(settings) as environment,
    ):
        found = interpreter(python, environment)
        installed = Path(name, "installed")
        installed.mkdir()
        if pins:
            install(pins, installed, python, platform, found, environment, listen)
        made = Path(name, "layer.tar")
        _pack(installed, made, found, listen)
        os.replace(made, layer)
    return layer


def layers_folder() -> Path:
    """Where layers are kept; all of it can be deleted."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches, "penstock", "layers")


def old_layers(days: float) -> dict[Path, int]:
    """The layers that no build has used for so long, with their sizes in bytes."""
    found: dict[Path, int] = {}
    for one in sorted(layers_folder().glob("*.tar")):
        with suppress(FileNotFoundError):  # somebody else has removed it
            status = one.stat()
            if time.time() - status.st_mtime > days * _DAY:
                found[one] = status.st_size
    return found


def _pack(installed: Path, made: Path, found: Interpreter, listen: Callable[[str], None]) -> None:
    serve_path_files(installed)
    files = listed(installed)
    modules = [one for one in files if worth_compiling(PurePosixPath(one))]
    listen(f"Compiling {len(modules)} modules")
    with (
        compiling(installed, modules, f"/{PLACE}", found) as bytecode,
        made.open("xb") as out,
    ):
        write_tar(out, installed, PLACE, files, set(modules), bytecode, found.cache_tag)
        out.flush()
        os.fsync(out.fileno())


def _digest(pins: tuple[Pin, ...], python: str, platform: str) -> str:
    """Names a layer by all that its bytes depend on."""
    packages: list[Mapping[str, object]] = [vars(one) for one in pins]
    text = json.dumps([_RECIPE, packages, python, platform])
    return hashlib.sha256(text.encode()).hexdigest()


def _remove_abandoned(folder: Path) -> None:
    """What killed processes left behind, if it is old enough to be surely theirs."""
    for one in folder.glob("making-*"):
        try:
            if time.time() - one.stat().st_mtime > _ABANDONED:
                shutil.rmtree(one, ignore_errors=True)
        except FileNotFoundError:
            continue  # its owner has ended just now
