"""The project that a pipeline lies in, as images see it; what it reads, it reads once."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from penstock.diagnostics import Span
from penstock.images.code import CodeDigests
from penstock.images.declared import Declared, declared
from penstock.images.distributions import Installed
from penstock.images.imported import Import
from penstock.images.settings import ImageSettings, image_settings


class Project:
    """A folder with its settings and requirements; `path` is where its code is imported from."""

    def __init__(self, root: Path, path: Iterable[str] = ()) -> None:
        self.root = root.absolute()
        self.codes = CodeDigests(path)
        self.installed = Installed(sys.path)

    @cached_property
    def settings(self) -> ImageSettings:
        """`[tool.penstock.images]`; raises `ImageSettingsError`."""
        return image_settings(self.root)

    @cached_property
    def declared(self) -> Declared:
        """The requirements that its files name; raises `ImageSettingsError`."""
        return declared(self.root)

    def place(self, found: Import) -> Span:
        """Where an import stands."""
        file = found.module.file.resolve()
        inside = file.is_relative_to(self.root.resolve())
        name = file.relative_to(self.root.resolve()).as_posix() if inside else file.name
        return Span(name, found.line, found.col + 1, found.line, found.end_col + 1)
