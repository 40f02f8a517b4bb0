"""The locks of a project: one file for each environment, kept beside its code for review."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.images.index_settings import IndexSettings
from penstock.images.lock_file import pins
from penstock.images.locking import LockInputs, is_current, locked
from penstock.images.requirement_errors import BadIndex, BadLock
from penstock.images.sbom import sbom
from penstock.images.settings import ImageSettings, ImageSettingsError

if TYPE_CHECKING:
    from penstock.images.plan import Environment

FOLDER = "images.lock"


@dataclass(frozen=True)
class Lock:
    """A lock and its text, which is empty where there is none yet."""

    file: Path
    text: str

    def is_current(self, inputs: LockInputs) -> bool:
        """Whether it was made from these inputs."""
        return bool(self.text) and is_current(self.text, inputs)

    def pins(self) -> dict[str, str]:
        """The version of each package; raises `ImageSettingsError` for a damaged lock."""
        try:
            return dict(pins(self.text))
        except BadLock as error:
            raise ImageSettingsError(
                f"{self.file}: {error}; without the file, `penstock build` makes it anew"
            ) from None


def find_lock(root: Path, name: str) -> Lock:
    """The lock of an environment; raises `ImageSettingsError` when it cannot be read."""
    file = root / FOLDER / f"{name}.txt"
    try:
        return Lock(file, file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Lock(file, "")
    except (OSError, UnicodeDecodeError) as error:
        raise ImageSettingsError(f"{file} cannot be read: {error}") from None


def lock_environment(
    environment: Environment, settings: IndexSettings, listen: Callable[[str], None]
) -> Lock:
    """Writes the lock of an environment, with its bill of materials beside it.

    Versions are those that the plan knows; where it knows none, those that uv finds. Raises
    `CannotLock`.
    """
    lock = environment.lock
    pairs = (one.partition("==") for one in environment.known_pins)
    exact = {name: version for name, _, version in pairs}
    text = locked(environment.inputs, settings, listen, exact=exact)
    made = Lock(lock.file, text)
    lock.file.parent.mkdir(parents=True, exist_ok=True)
    _write(lock.file, text)
    _write(lock.file.with_suffix(".cdx.json"), sbom(text, environment.name))
    return made


def index_settings(
    settings: ImageSettings, root: Path, more: tuple[tuple[str, str], ...]
) -> IndexSettings:
    """Where packages come from, as the project's settings and its requirements.txt say.

    Raises `ImageSettingsError`.
    """
    asked = dict.fromkeys(settings.extra_index)
    index = settings.index
    for option, value in more:
        if option in ("--index-url", "-i"):
            index = index or value
        elif option == "--extra-index-url":
            asked[value] = None
    extra_ca = root / settings.extra_ca if settings.extra_ca is not None else None
    try:
        return IndexSettings(index, tuple(asked), extra_ca)
    except BadIndex as error:
        raise ImageSettingsError(str(error)) from None


def _write(file: Path, text: str) -> None:
    """All of it, or nothing."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
