"""penstock itself, as an image holds it: the files of its wheel, and its name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from penstock.images.distributions import Distribution, Installed
from penstock.images.modules import OURS

HOME = "opt/penstock"
_SKIPPED = frozenset({"__pycache__"})


class Ourselves:
    """The running penstock. Its `mark` stands for its bytes in the names of images."""

    def __init__(self, installed: Installed) -> None:
        self._found = installed.find("penstock")

    @property
    def version(self) -> str:
        """The version of the running penstock."""
        return self._found.version if self._found is not None else "0"

    @cached_property
    def mark(self) -> str:
        """The version of a release; a checkout is told apart by its content."""
        if self._found is not None and not self._found.is_editable:
            return f"penstock=={self.version}"
        digest = hashlib.sha256()
        for name, content in sorted(self.files.items()):
            digest.update(f"{name}\n".encode() + hashlib.sha256(content).digest())
        return f"penstock=={self.version}+{digest.hexdigest()[:12]}"

    @cached_property
    def files(self) -> Mapping[str, bytes]:
        """Each file by its path below the folder of imports, with what the installer noted."""
        files = {name: file.read_bytes() for name, file in _code()}
        if self._found is not None:
            files |= _notes(self._found)
        return files


def _code() -> Iterator[tuple[str, Path]]:
    for package in sorted(OURS):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        folder = Path(spec.origin).parent
        for file in sorted(folder.rglob("*")):
            relative = file.relative_to(folder)
            if file.is_file() and not _SKIPPED & set(relative.parts):
                yield f"{package}/{relative.as_posix()}", file


def _notes(found: Distribution) -> Iterator[tuple[str, bytes]]:
    """What tells Python the version and the entry points."""
    base = f"penstock-{found.version}.dist-info"
    for name in ("METADATA", "entry_points.txt"):
        file = found.folder / name
        if file.is_file():
            yield f"{base}/{name}", file.read_bytes()
