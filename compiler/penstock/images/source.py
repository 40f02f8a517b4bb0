"""The source layer of an image: the code that the steps reach, and the files the user names."""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from dotenv import dotenv_values

from penstock.diagnostics import Diagnostic, Span
from penstock.images.credentials import credential_in
from penstock.images.dockerignore import Ignored, ignored
from penstock.images.modules import Module
from penstock.images.project import Project
from penstock.images.settings import ImageSettingsError

HOME = "app"
"""Where the project's folder is in an image; the current folder of every step."""

_NEVER = frozenset({".git", ".hg", ".penstock", ".venv", "__pycache__", "node_modules"})
_LARGEST = 1 << 30
_SHORTEST_SECRET = 8
_SECRET_NAME = re.compile(
    r"SECRET|PASSW(?:OR)?D|PASSPHRASE|CREDENTIAL|TOKEN(?!I)"
    r"|(?:^|_)(?:PASS|PWD|PAT|AUTH|DSN|SALT)(?:_|$)",
    re.IGNORECASE,
)
_KEY_NAME = re.compile(r"KEY(?:_|\d|$)", re.IGNORECASE)
_LOGIN = re.compile(r"://[^/\s:@]*:[^/\s@]+@")


@dataclass(frozen=True)
class Source:
    """Files by their path in the image; `path` are the folders that modules are imported from.

    `programs` are those of the files that can be run.
    """

    files: Mapping[str, bytes]
    path: tuple[str, ...]
    programs: frozenset[str] = frozenset()

    @cached_property
    def digest(self) -> str:
        """The digest of every name and byte, and of the folders that are imported from."""
        digest = hashlib.sha256("\0".join(self.path).encode())
        for name in sorted(self.files):
            mark = "*" if name in self.programs else " "
            digest.update(f"\n{hashlib.sha256(self.files[name]).hexdigest()}{mark}{name}".encode())
        return f"sha256:{digest.hexdigest()}"


class Gathering:
    """Gathers the files of a project's source layer; what must not be shipped is a problem."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._root = project.root.resolve()
        try:
            self._ignored: Ignored = ignored(self._root)
        except OSError as error:
            raise ImageSettingsError(f"{error.filename}: {error.strerror}") from None
        self._secrets = tuple(_secret_values(self._root))
        self._size: int = 0
        self.problems: list[Diagnostic] = []

    def of(self, modules: Iterable[Module]) -> Source:
        """The source of these modules, and of what `include` names.

        Raises `ImageSettingsError` for a file that cannot be read, for a module that is left out,
        and for a pattern that matches nothing.
        """
        files: dict[str, bytes] = {}
        programs: set[str] = set()
        roots: dict[str, None] = {}
        for module in sorted(modules, key=lambda one: one.name):
            place, root = self._place(module)
            if self._inside(module.file) in self._ignored:
                raise ImageSettingsError(
                    f".dockerignore leaves out {self._inside(module.file)}, which the steps import"
                )
            roots[root] = None
            self._add(files, place, module.file)
        for name, file in self._included():
            place = f"{HOME}/{name}"
            if place not in files:
                self._add(files, place, file)
                programs |= {place} if file.stat().st_mode & stat.S_IXUSR else set()
        return Source(files, tuple(sorted(roots)), frozenset(programs & files.keys()))

    def _place(self, module: Module) -> tuple[str, str]:
        """Where a module's file is in the image, and the folder that it is imported from."""
        depth = len(module.name.split(".")) + (module.file.name == "__init__.py")
        # Where it is found by its name: a link may lead to a file of another name.
        above = module.file.parents[depth - 1]
        folder = above.resolve()
        inside = folder.is_relative_to(self._root) and not _NEVER & set(
            folder.relative_to(self._root).parts
        )
        # Code from outside of the project lies beside it, where its name is found.
        root = PurePosixPath(HOME)
        if inside:
            root /= folder.relative_to(self._root).as_posix()
        return str(root / module.file.relative_to(above).as_posix()), f"/{root}"

    def _inside(self, file: Path) -> str:
        full = file.resolve()
        return full.relative_to(self._root).as_posix() if full.is_relative_to(self._root) else ""

    def _included(self) -> Iterator[tuple[str, Path]]:
        """The files that `include` names, by their place in the project."""
        for pattern in self._project.settings.include:
            found = False
            try:
                matching = sorted(self._root.glob(pattern))
            except ValueError as error:
                raise ImageSettingsError(f"include: {pattern!r}: {error}") from None
            for one in matching:
                for file in self._below(one, pattern):
                    found = True
                    yield file.relative_to(self._root).as_posix(), file
            if not found:
                raise ImageSettingsError(f"include: {pattern!r} matches no file of the project")

    def _below(self, place: Path, pattern: str, around: tuple[Path, ...] = ()) -> Iterator[Path]:
        """A file itself, or all files below a folder; links are followed, but never in a circle."""
        name = place.relative_to(self._root).as_posix()
        if _skipped(name, pattern) or (name in self._ignored and not place.is_dir()):
            return
        real = place.resolve()
        if not real.is_relative_to(self._root):
            if name in self._ignored:
                return
            raise ImageSettingsError(f"include: {pattern!r} leads out of the project by {place}")
        if place.is_file():
            if not _is_unicode(name):
                raise ImageSettingsError(f"include: the name of {name!r} is no UTF-8")
            yield place
        elif place.is_dir() and real not in around:
            try:
                names = sorted(place.iterdir())
            except OSError as error:
                raise ImageSettingsError(f"{place}: {error.strerror}") from None
            for one in names:
                yield from self._below(one, pattern, (*around, real))

    def _add(self, files: dict[str, bytes], place: str, file: Path) -> None:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ImageSettingsError(f"{file}: {error.strerror}") from None
        found = credential_in(place, content, self._secrets)
        if found is None and file.is_symlink():  # a harmless name of another file
            found = credential_in(str(file.resolve()), b"")
        if found is not None:
            name = place.removeprefix(f"{HOME}/")
            self.problems.append(
                Diagnostic(
                    "PS309",
                    f"{name} holds {found}",
                    Span(name, 1, 0, 1, 0) if name.endswith(".py") else None,
                    hint="read it from the environment, with secrets=[Secret(...)]",
                )
            )
            return
        files[place] = content
        self._size += len(content)
        if self._size > _LARGEST:
            raise ImageSettingsError("include: more than 1 GiB; keep large data in a store")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _skipped(name: str, pattern: str) -> bool:
    named = set(pattern.split("/"))
    return any(part in _NEVER and part not in named for part in name.split("/"))


def _secret_values(root: Path) -> Iterator[bytes]:
    """The secrets in the project's `.env`; short ones would be found everywhere.

    Not all that is set there is one: `ENVIRONMENT=production` is not.
    """
    file = root / ".env"
    if file.is_file():
        for name, value in dotenv_values(file, interpolate=False).items():
            if value is None or len(value) < _SHORTEST_SECRET:
                continue
            is_key = _KEY_NAME.search(name) and any(one.isdigit() for one in value)
            if is_key or _SECRET_NAME.search(name) or _LOGIN.search(value):
                yield value.encode()
