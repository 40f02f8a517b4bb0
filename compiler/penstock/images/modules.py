"""The project's own modules, found by name and read as syntax trees; nothing is imported."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_INSTALLED = ("site-packages", "dist-packages")
_EXTENSIONS = (".so", ".pyd")
_OURS = frozenset(
    {
        *("penstock", "penstock_runtime", "penstock_records"),
        *("penstock_local", "penstock_airflow", "penstock_kubeflow"),
    }
)


@dataclass(frozen=True)
class Module:
    """A module of the project; `tree` is None for one known by its bytes alone."""

    name: str
    file: Path
    digest: str
    tree: ast.Module | None

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
        if name.partition(".")[0] in _OURS:
            return None
        for root in self._roots:
            file = _file(root.joinpath(*name.split(".")))
            if file is not None:
                return _parsed(name, file)
        return None


def _project_path() -> Iterator[str]:
    standard = Path(ast.__file__).parent
    for entry in sys.path:
        folder = Path(entry or ".").absolute()
        if any(part in _INSTALLED for part in folder.parts):
            continue
        if folder.is_dir() and not folder.is_relative_to(standard):
            yield str(folder)


def _file(base: Path) -> Path | None:
    for file in (base / "__init__.py", base.with_name(f"{base.name}.py")):
        if file.is_file():
            return file
    if base.parent.is_dir():
        for file in sorted(base.parent.glob(f"{base.name}.*")):
            if file.suffix in _EXTENSIONS:
                return file
    return None


def _parsed(name: str, file: Path) -> Module | None:
    try:
        data = file.read_bytes()
    except OSError:
        return None
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    try:
        tree = None if file.suffix in _EXTENSIONS else ast.parse(data)
    except (SyntaxError, ValueError, RecursionError):
        tree = None  # importing it will say what is wrong
    return Module(name, file, digest, tree)


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
