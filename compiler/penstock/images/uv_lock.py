"""Reads a project's `uv.lock`: which version of each package, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

from penstock.images.markers import holds
from penstock.images.settings import ImageSettingsError, read_toml


@dataclass(frozen=True)
class LockedPackage:
    """One version of a package; `needs` are names with extras and the condition for each."""

    name: str
    version: str
    needs: tuple[tuple[str, frozenset[str], Marker | None, str], ...]
    """Name, extras, marker, and the own extra that asks for it (empty for none)."""
    marks: tuple[Marker, ...]
    local: bool
    elsewhere: str = ""
    """`git`, `url` or `path`, where it comes from no index."""


@dataclass(frozen=True)
class UvLock:
    """The packages of a lock by normalised name; a name may stand for several versions."""

    packages: dict[str, tuple[LockedPackage, ...]]

    def find(self, name: str, environment: dict[str, str]) -> LockedPackage | None:
        """The version that counts in an environment."""
        for one in self.packages.get(canonicalize_name(name), ()):
            if not one.marks or any(holds(mark, environment, frozenset()) for mark in one.marks):
                return one
        return None


def read_uv_lock(file: Path) -> UvLock | None:
    """The lock; None where there is none. Raises `ImageSettingsError` for one that is damaged."""
    if not file.is_file():
        return None
    listed = read_toml(file).get("package", [])
    packages: dict[str, list[LockedPackage]] = {}
    try:
        for one in cast("list[dict[str, Any]]", listed):
            made = _package(one)
            if made is not None:
                packages.setdefault(made.name, []).append(made)
    except (AttributeError, KeyError, TypeError, InvalidMarker) as error:
        raise ImageSettingsError(f"{file} is no lock that uv has written: {error}") from None
    return UvLock({name: tuple(found) for name, found in packages.items()})


def _package(one: dict[str, Any]) -> LockedPackage | None:
    source = one.get("source", {})
    local = any(key in source for key in ("editable", "virtual", "directory"))
    elsewhere = next((key for key in ("git", "url", "path") if key in source), "")
    if "version" not in one and not local and not elsewhere:
        return None
    needs = [_need(need, "") for need in one.get("dependencies", [])]
    for extra, listed in one.get("optional-dependencies", {}).items():
        needs += [_need(need, str(extra)) for need in listed]
    marks = tuple(Marker(text) for text in one.get("resolution-markers", []))
    name = canonicalize_name(str(one["name"]))
    return LockedPackage(name, str(one.get("version", "0")), tuple(needs), marks, local, elsewhere)


def _need(need: dict[str, Any], extra: str) -> tuple[str, frozenset[str], Marker | None, str]:
    marker = Marker(need["marker"]) if "marker" in need else None
    extras = frozenset(map(str, need.get("extra", [])))
    return canonicalize_name(str(need["name"])), extras, marker, extra
