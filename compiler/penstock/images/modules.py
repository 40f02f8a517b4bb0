"""The project's own modules, found by name and read as syntax trees; nothing is imported."""

from __future__ import annotations

import ast
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

_INSTALLED = ("site-packages", "dist-packages")
_EXTENSIONS = (".so", ".pyd")
OURS = frozenset(
    {
        *("penstock", "penstock_runtime", "penstock_records"),
        *("penstock_local", "penstock_airflow", "penstock_kubeflow"),
    }
)


Written = tuple[int, int, int, int]
"""Of a file: its times of content and of change, its size, its number."""


def written(file: Path) -> Written | None:
    """What changes whenever a file is written, also if the old text comes back; None if gone."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino


@dataclass(frozen=True)
class Module:
    """A module of the project; `tree` is None for one known by its bytes alone.

    `written` tells whether the file was written since it was read here.
    """

    name: str
    file: Path
    digest: str
    tree: ast.Module | None
    written: Written

    @property
    def package(self) -> str:
        """What its relative imports start from."""
        is_package = self.file.name == "__init__.py"
        return self.name if is_package else self.name.rpartition(".")[0]


class Modules:
    """Finds modules below the folders that code is imported from; each file is read once.

    What lies in site-packages or belongs to Python or penstock is no code of the project: the
    environment stands for it.
    """

    def __init__(self, path: Iterable[str]) -> None:
        self._roots = [Path(one) for one in dict.fromkeys((*path, *_project_path()))]
        self._known: dict[str, Module | None] = {}
        self._compiled: dict[Path, list[str]] = {}
        self._hooked: dict[str, Path | None] = {}

    def find(self, name: str) -> Module | None:
        """The module of that name; None if it is not the project's, or cannot be read."""
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def imported(self, module: Module, node: ast.Import | ast.ImportFrom) -> Iterator[Module]:
        """The project's modules that an import statement in this module names."""
        for name in _named(module, node):
            yield from self.along(name)

    def along(self, name: str) -> Iterator[Module]:
        """A module of the project and the packages around it, which run before it does."""
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            found = self.find(".".join(parts[:depth]))
            if found is not None:
                yield found

    def _read(self, name: str) -> Module | None:
        # A file may have the name of one of Python's modules: the project comes first.
        if name.partition(".")[0] in OURS:
            return None
        parts = name.split(".")
        for root in self._roots:
            file = self._file(root.joinpath(*parts))
            if file is not None:
                return _parsed(name, file)
        found = self._installed_editable(parts[0])
        file = self._file(found.joinpath(*parts)) if found is not None else None
        return _parsed(name, file) if file is not None else None

    def _installed_editable(self, top: str) -> Path | None:
        """The folder of a package that an import hook finds outside of site-packages.

        Its version stays while its code changes, so it counts like the project.
        """
        if top in sys.stdlib_module_names:
            return None
        if top not in self._hooked:
            try:
                spec = find_spec(top)
            except (ImportError, ValueError, AttributeError):
                spec = None
            places = list(spec.submodule_search_locations or []) if spec is not None else []
            if spec is not None and not places and spec.origin is not None:
                places = [spec.origin]
            folder = Path(places[0]).parent if places else None
            foreign = folder is None or _is_installed(folder) or not folder.is_dir()
            self._hooked[top] = None if foreign else folder
        return self._hooked[top]

    def _file(self, base: Path) -> Path | None:
        for file in (base / "__init__.py", base.with_name(f"{base.name}.py")):
            if file.is_file():
                return file
        folder = base.parent
        if folder not in self._compiled:
            names = os.listdir(folder) if folder.is_dir() else []
            self._compiled[folder] = [one for one in sorted(names) if one.endswith(_EXTENSIONS)]
        named = (one for one in self._compiled[folder] if one.partition(".")[0] == base.name)
        first = next(named, None)
        return folder / first if first is not None else None


def _project_path() -> Iterator[str]:
    for entry in sys.path:
        folder = Path(entry or ".").absolute()
        if folder.is_dir() and not _is_installed(folder):
            yield str(folder)


def _is_installed(folder: Path) -> bool:
    """Whether it belongs to Python or to what is installed: the environment stands for that."""
    standard = Path(ast.__file__).parent
    return any(part in _INSTALLED for part in folder.parts) or folder.is_relative_to(standard)


def _parsed(name: str, file: Path) -> Module | None:
    state = written(file)  # before it is read: what is written meanwhile is noticed later
    try:
        data = file.read_bytes()
    except OSError:
        return None
    if state is None:
        return None
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    try:
        tree = None if file.suffix in _EXTENSIONS else ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        tree = None  # importing it will say what is wrong
    return Module(name, file, digest, tree, state)


def _named(module: Module, node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
        return
    base = node.module or ""
    if node.level:
        parts = module.package.split(".") if module.package else []
        parts = parts[: len(parts) - node.level + 1]
        base = ".".join([*parts, base] if base else parts)
    if base:
        yield base
    for alias in node.names:  # `from package import module`
        yield f"{base}.{alias.name}" if base else alias.name
