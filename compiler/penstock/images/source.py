"""The source layer of an image: the code that the steps reach, and the files the user names."""

from __future__ import annotations

import hashlib
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


@dataclass(frozen=True)
class Source:
    """Files by their path in the image; `path` are the folders that modules are imported from."""

    files: Mapping[str, bytes]
    path: tuple[str, ...]

    @cached_property
    def digest(self) -> str:
        """The digest of every name and byte, and of the folders that are imported from."""
        digest = hashlib.sha256("\0".join(self.path).encode())
        for name in sorted(self.files):
            digest.update(f"\n{hashlib.sha256(self.files[name]).hexdigest()} {name}".encode())
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
        self.problems: list[Diagnostic] = []

    def of(self, modules: Iterable[Module]) -> Source:
        """The source of these modules, and of what `include` names.

        Raises `ImageSettingsError` for a file that cannot be read, for a module that is left out,
        and for a pattern that matches nothing.
        """
        files: dict[str, bytes] = {}
        roots: dict[str, None] = {}
        for module in sorted(modules, key=lambda one: one.name):
            place, root = self._place(module)
            if self._inside(module.file) in self._ignored:
                raise ImageSettingsError(
                    f".dockerignore leaves out {self._inside(module.file)}, which the steps import"
                )
            roots[root] = None
            self._add(files, place, module.file)
        for file in self._included():
            self._add(files, f"{HOME}/{self._inside(file)}", file)
        return Source(files, tuple(sorted(roots)))

    def _place(self, module: Module) -> tuple[str, str]:
        """Where a module's file is in the image, and the folder that it is imported from."""
        depth = len(module.name.split(".")) + (module.file.name == "__init__.py")
        file = module.file.resolve()
        folder = file.parents[depth - 1]
        inside = folder.is_relative_to(self._root) and not _NEVER & set(
            folder.relative_to(self._root).parts
        )
        # Code from outside of the project lies beside it, where its name is found.
        root = PurePosixPath(HOME)
        if inside:
            root /= folder.relative_to(self._root).as_posix()
        return str(root / file.relative_to(folder).as_posix()), f"/{root}"

    def _inside(self, file: Path) -> str:
        full = file.resolve()
        return full.relative_to(self._root).as_posix() if full.is_relative_to(self._root) else ""

    def _included(self) -> Iterator[Path]:
        for pattern in self._project.settings.include:
            found = False
            for one in sorted(self._root.glob(pattern)):
                for file in sorted(one.rglob("*")) if one.is_dir() else [one]:
                    name = file.relative_to(self._root).as_posix()
                    if file.is_file() and not _skipped(name, pattern) and name not in self._ignored:
                        found = True
                        self._check_inside(file, pattern)
                        yield file
            if not found:
                raise ImageSettingsError(f"include: {pattern!r} matches no file of the project")

    def _check_inside(self, file: Path, pattern: str) -> None:
        if not file.resolve().is_relative_to(self._root):
            raise ImageSettingsError(f"include: {pattern!r} leads out of the project by {file}")

    def _add(self, files: dict[str, bytes], place: str, file: Path) -> None:
        try:
            content = file.read_bytes()
        except OSError as error:
            raise ImageSettingsError(f"{file}: {error.strerror}") from None
        found = credential_in(place, content, self._secrets)
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
        if sum(map(len, files.values())) > _LARGEST:
            raise ImageSettingsError("include: more than 1 GiB; keep large data in a store")


def _skipped(name: str, pattern: str) -> bool:
    named = set(pattern.split("/"))
    return any(part in _NEVER and part not in named for part in name.split("/"))


def _secret_values(root: Path) -> Iterator[bytes]:
    """The values in the project's `.env`; short ones would be found everywhere."""
    file = root / ".env"
    if file.is_file():
        for value in dotenv_values(file, interpolate=False).values():
            if value is not None and len(value) >= _SHORTEST_SECRET:
                yield value.encode()
