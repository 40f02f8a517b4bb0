"""What a project says about its images: `include`, `registry` and `[tool.penstock.images]`."""

from __future__ import annotations

import platform as machine
import sys
import tomllib
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

Platform = Literal["linux/amd64", "linux/arm64"]

_TEXT = r"^[!-~]+$"


class ImageSettingsError(ValueError):
    """A setting of the images cannot be used; the message names the file."""


def here() -> Platform:
    """The platform of images that run on a machine like this one."""
    return "linux/arm64" if machine.machine().lower() in ("arm64", "aarch64") else "linux/amd64"


def running_python() -> str:
    """The Python that runs this, as images are told it: `3.11`."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


class ImageSettings(BaseModel):
    """How images are made. `base` is a reference, `python` its version as in `3.11`.

    `index`, `extra_index` and `extra_ca` tell this machine where packages come from; they never
    enter an image or its name.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=lambda name: name.replace("_", "-")
    )

    python: str = Field(default_factory=running_python, pattern=r"^3\.[0-9][0-9]?$")
    base: str = Field(default="", pattern=r"^$|" + _TEXT)
    platform: Platform = Field(default_factory=here)
    include: tuple[str, ...] = ()
    registry: str | None = Field(default=None, pattern=_TEXT)
    index: str | None = Field(default=None, pattern=_TEXT)
    extra_index: tuple[str, ...] = ()
    extra_ca: str | None = None

    @property
    def base_image(self) -> str:
        """The image that all others begin with."""
        return self.base or f"python:{self.python}-slim"

    @field_validator("include")
    @classmethod
    def _inside(cls, globs: tuple[str, ...]) -> tuple[str, ...]:
        for one in globs:
            if not one or one.startswith("/") or "\\" in one or ".." in one.split("/"):
                raise ValueError(f"{one!r} is no pattern below the project's folder")
        return globs


def image_settings(root: Path) -> ImageSettings:
    """The settings of the project in a folder; raises `ImageSettingsError`."""
    file = root / "pyproject.toml"
    table = penstock_table(file)
    shape: dict[str, object] = {key: table[key] for key in ("include", "registry") if key in table}
    inner = table.get("images", {})
    if not isinstance(inner, dict):
        raise ImageSettingsError(f"{file}: [tool.penstock.images] is no table")
    twice = cast("dict[str, object]", inner).keys() & {"include", "registry"}
    if twice:
        raise ImageSettingsError(f"{file}: {min(twice)} belongs into [tool.penstock]")
    try:
        return ImageSettings.model_validate({**shape, **cast("dict[str, object]", inner)})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ImageSettingsError(f"{file}: images: {name}: {first['msg']}") from None


def penstock_table(file: Path) -> dict[str, Any]:
    """`[tool.penstock]` of a file, empty where there is none; raises `ImageSettingsError`."""
    tool: Any = read_toml(file).get("tool", {})
    table: Any = cast("dict[str, Any]", tool).get("penstock", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise ImageSettingsError(f"{file}: tool.penstock is no table")
    return cast("dict[str, Any]", table)


def read_toml(file: Path) -> dict[str, Any]:
    """A file's content, empty where there is none; raises `ImageSettingsError`."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImageSettingsError(f"{file} cannot be read: {error}") from None
