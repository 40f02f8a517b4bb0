"""Packs an installed folder as a tar: the same folder gives the same bytes."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from penstock.images.installed_files import is_left_out, record, script

MODIFIED = 1_700_000_000
"""The time of every file; a fixed one, because a layer's digest holds it."""


def listed(folder: Path) -> list[str]:
    """All files to pack, by folder: relative to `folder`, with "/"."""
    return [one for one in _walk(folder, "") if not is_left_out(PurePosixPath(one))]


def _walk(folder: Path, inside: str) -> Iterator[str]:
    entries = sorted(os.scandir(folder / inside), key=lambda one: one.name)
    yield from (f"{inside}{one.name}" for one in entries if one.is_file())
    for one in entries:
        if one.is_dir():
            yield from _walk(folder, f"{inside}{one.name}/")


def write_tar(
    out: BinaryIO,
    folder: Path,
    place: str,
    files: Sequence[str],
    modules: Set[str],
    bytecode: Callable[[str], bytes],
    tag: str,
) -> None:
    """Write `files` of `folder` below `place`, each folder before its files.

    `bytecode` gives the compiled form of each of `modules`, and may wait for it; `tag` is in the
    names of such files, as "cpython-311".
    """
    changed = _changed(folder, files)
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        known: set[str] = set()
        for one in (*reversed(PurePosixPath(place).parents), PurePosixPath(place)):
            _add_folders(tar, known, str(one))
        for name in files:
            path = folder / name
            _add_folders(tar, known, os.path.dirname(f"{place}/{name}"))
            if name in changed:
                content = changed[name]
                _add(tar, f"{place}/{name}", content, name.startswith("bin/"))
            else:
                with path.open("rb") as file:
                    status = os.fstat(file.fileno())
                    info = _info(f"{place}/{name}", status.st_size, bool(status.st_mode & 0o111))
                    tar.addfile(info, file)
            compiled = bytecode(name) if name in modules else b""
            if compiled:
                module = PurePosixPath(place, name)
                target = module.parent / "__pycache__" / f"{module.stem}.{tag}.pyc"
                _add_folders(tar, known, str(target.parent))
                _add(tar, str(target), compiled, False)


def _changed(folder: Path, files: Sequence[str]) -> Mapping[str, bytes]:
    """The files whose content is another one in the image."""
    found: dict[str, bytes] = {}
    for name in files:
        if name.startswith("bin/"):
            content = (folder / name).read_bytes()
            if script(content) != content:
                found[name] = script(content)
    for name in files:
        if name.endswith(".dist-info/RECORD"):
            text = (folder / name).read_text(encoding="utf-8")
            found[name] = record(text, found).encode()
    return found


def _add_folders(tar: tarfile.TarFile, known: set[str], path: str) -> None:
    if path in known or path in ("", "."):
        return
    _add_folders(tar, known, os.path.dirname(path))
    known.add(path)
    info = tarfile.TarInfo(path)
    info.type, info.mode, info.mtime = tarfile.DIRTYPE, 0o755, MODIFIED
    tar.addfile(info)


def _add(tar: tarfile.TarFile, path: str, content: bytes, executable: bool) -> None:
    tar.addfile(_info(path, len(content), executable), io.BytesIO(content))


def _info(path: str, size: int, executable: bool) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.size, info.mtime, info.mode = size, MODIFIED, 0o755 if executable else 0o644
    return info
