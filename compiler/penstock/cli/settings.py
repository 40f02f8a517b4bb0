"""The project's settings: `[tool.penstock]` in the nearest pyproject.toml.

A variable `PENSTOCK_...` counts before a setting, and a flag before both.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from penstock.cli.failures import WrongUsage

_TYPES: dict[str, type] = {"cache": bool, "executor": str, "jobs": int, "store": str}
_OF_IMAGES = ("images", "include", "registry")
"""Read by those that plan images, from the project of the pipeline."""


def settings(folder: Path) -> dict[str, object]:
    """What `penstock run` takes for options that are not given; a relative store is the project's.

    Raises `WrongUsage` for a file that cannot be read, and for a setting that does not exist or
    has a value of another type.
    """
    file = next((one for one in _candidates(folder) if one.is_file()), None)
    if file is None:
        return {}
    import tomllib  # most folders have no such file

    try:
        table: Any = (
            tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get("penstock", {})
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, AttributeError) as error:
        raise WrongUsage(f"{file} cannot be read: {error}") from None
    if not isinstance(table, dict):
        raise WrongUsage(f"{file}: tool.penstock is no table")
    found: dict[str, object] = {}
    for name, value in cast("dict[str, object]", table).items():
        if name in _OF_IMAGES:
            continue
        if name not in _TYPES:
            has = ", ".join([*_TYPES, *_OF_IMAGES])
            raise WrongUsage(f"{file}: [tool.penstock] has no setting {name!r}; it has {has}")
        if type(value) is not _TYPES[name]:
            raise WrongUsage(f"{file}: [tool.penstock] {name} is no {_TYPES[name].__name__}")
        found[name] = value
    if "store" in found:
        found["store"] = _place(str(found["store"]), file)
    return found


def _place(store: str, file: Path) -> str:
    from penstock_runtime.errors import StoreError
    from penstock_runtime.places import store_location

    try:
        return store_location(store, file.parent)
    except StoreError as error:
        raise WrongUsage(f"{file}: [tool.penstock] {error}") from None


def _candidates(folder: Path) -> list[Path]:
    return [one / "pyproject.toml" for one in (folder, *folder.parents)]
