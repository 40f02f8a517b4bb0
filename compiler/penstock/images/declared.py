"""What a project's own files say that it needs: `uv.lock`, `requirements.txt`, `pyproject.toml`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from penstock.images.settings import ImageSettingsError, read_toml
from penstock.images.uv_lock import UvLock, read_uv_lock

_DEEPEST = 8
_INDEX = ("--index-url", "-i", "--extra-index-url", "--find-links", "-f", "--trusted-host")
_HARMLESS = ("--require-hashes", "--no-binary", "--only-binary", "--prefer-binary")
_HASH = re.compile(r"\s--hash[= ]\S+")
_URL = re.compile(r"[a-z][a-z+]*://", re.IGNORECASE)
_FILE = re.compile(r"\.(?:whl|zip|tar\.gz|tar\.bz2|tgz)$", re.IGNORECASE)
_COMMENT = re.compile(r"(^|\s)#.*$")


@dataclass(frozen=True)
class Declared:
    """The requirements of a project; `file` is where they stand, None where nothing is said.

    `limits` restrict versions and ask for nothing. `locked` is the project's uv.lock. `indexes`
    are options of pip for where packages come from; they hold for this machine only.
    """

    file: str | None = None
    name: str | None = None
    requirements: tuple[Requirement, ...] = ()
    limits: tuple[Requirement, ...] = ()
    locked: UvLock | None = None
    indexes: tuple[tuple[str, str], ...] = ()


@dataclass
class _Found:
    requirements: list[Requirement] = field(default_factory=list[Requirement])
    limits: list[Requirement] = field(default_factory=list[Requirement])
    indexes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


def declared(root: Path) -> Declared:
    """What the files in a folder say; a uv.lock counts before the others.

    Raises `ImageSettingsError` for a file that cannot be read.
    """
    file = root / "pyproject.toml"
    found: Any = read_toml(file).get("project", {})
    project = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    listed, name = project.get("dependencies", []), project.get("name")
    own = canonicalize_name(name) if isinstance(name, str) else None
    if not isinstance(listed, list):
        raise ImageSettingsError(f"{file}: dependencies is no list of text")
    asked = tuple(_read(str(one), "pyproject.toml") for one in cast("list[object]", listed))
    lock = read_uv_lock(root / "uv.lock")
    if lock is not None:
        return Declared("uv.lock", own, asked, locked=lock)
    file = root / "requirements.txt"
    if file.is_file():
        lines = _Found()
        _lines(file, lines, limits=False, depth=0)
        return Declared(
            file.name,
            own,
            tuple(lines.requirements),
            limits=(*asked, *lines.limits),
            indexes=tuple(lines.indexes),
        )
    return Declared("pyproject.toml" if asked else None, own, asked)


def _lines(file: Path, found: _Found, *, limits: bool, depth: int) -> None:
    if depth > _DEEPEST:
        raise ImageSettingsError(f"{file} includes itself")
    for number, line in _joined(file):
        text = _HASH.sub("", _COMMENT.sub("", line)).strip().rstrip("\\").strip()
        if not text:
            continue
        option, _, value = re.sub(r"[=\s]+", " ", text, count=1).partition(" ")
        if option in ("-r", "--requirement", "-c", "--constraint"):
            only = limits or option in ("-c", "--constraint")
            _lines(file.parent / value.strip(), found, limits=only, depth=depth + 1)
        elif option in _INDEX:
            found.indexes.append((option, value.strip()))
        elif option in ("-e", "--editable"):
            _check_folder(file, number, value.strip())
        elif text.startswith((".", "/")) or _URL.match(text) or _FILE.search(text):
            _check_folder(file, number, text)
        elif option.startswith("-"):
            if option not in _HARMLESS:
                raise ImageSettingsError(f"{file}:{number}: {option} is not understood here")
        else:
            (found.limits if limits else found.requirements).append(_read(text, f"{file}:{number}"))


def _check_folder(file: Path, number: int, place: str) -> None:
    """A folder is this project or another one, whose source is shipped where it is imported."""
    folder = file.parent / place.partition("[")[0].removeprefix("file://")
    if not folder.is_dir():
        raise ImageSettingsError(
            f"{file}:{number}: {place[:80]!r} is a file or URL, which cannot be locked: name a "
            "package, its version, and the index that has it"
        )


def _joined(file: Path) -> Iterator[tuple[int, str]]:
    """The lines with their numbers; one that ends with a backslash goes on."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ImageSettingsError(f"{file} cannot be read: {error}") from None
    text, start = "", 0
    for number, line in enumerate(lines, start=1):
        start = start or number
        if line.endswith("\\"):
            text += line[:-1] + " "
            continue
        yield start, text + line
        text, start = "", 0
    if text:
        yield start, text


def _read(text: str, where: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement:
        raise ImageSettingsError(f"{where}: {text[:80]!r} is no requirement") from None
