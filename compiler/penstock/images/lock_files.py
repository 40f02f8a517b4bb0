"""The locks of a project, one file for each environment, kept beside its code for review."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = "images.lock"


@dataclass(frozen=True)
class LockFile:
    """A lock and its text, None where there is none yet."""

    file: Path
    text: str | None

    def is_current(self, inputs: object) -> bool:
        """Whether it was made from these inputs."""
        return False

    def pins(self) -> dict[str, str]:
        """The version of each package."""
        return {}


def lock_file(root: Path, name: str) -> LockFile:
    """The lock of an environment; raises `ImageSettingsError` when it cannot be read."""
    file = root / FOLDER / f"{name}.txt"
    return LockFile(file, None)
