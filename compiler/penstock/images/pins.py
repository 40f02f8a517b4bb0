"""The exact version of everything that requirements lead to, without asking any index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from penstock.images.markers import holds, target_environment
from penstock.images.modules import OURS
from penstock.images.project import Project

_Need = tuple[str, frozenset[str]]


@dataclass(frozen=True)
class Pins:
    """`versions` by name; `missing` says of each that has none why."""

    versions: dict[str, str]
    missing: dict[str, str]

    @property
    def texts(self) -> tuple[str, ...]:
        """`numpy==2.1.0`, sorted."""
        return tuple(f"{name}=={version}" for name, version in sorted(self.versions.items()))


class Pinning:
    """Pins to what the project's uv.lock says, or else to what is installed here."""

    def __init__(self, project: Project) -> None:
        self._project = project
        settings = project.settings
        self._environment = target_environment(settings.python, settings.platform)
        self._limits: dict[str, list[Requirement]] = {}
        for one in project.declared.limits:
            self._limits.setdefault(canonicalize_name(one.name), []).append(one)

    def pinned(self, requirements: Iterable[Requirement]) -> Pins:
        """All that the requirements lead to, for the image's Python and platform."""
        pins = Pins({}, {})
        asked = list(requirements)
        for one in asked:
            if one.url is not None:
                pins.missing[canonicalize_name(one.name)] = "it comes from a URL"
        todo: list[_Need] = [(canonicalize_name(one.name), frozenset(one.extras)) for one in asked]
        seen: set[_Need] = set()
        while todo:
            need = todo.pop()
            name, _ = need
            if need in seen or name in pins.missing or name.replace("-", "_") in OURS:
                continue
            seen.add(need)
            todo += self._visit(need, pins)
        for one in (*asked, *(limit for found in self._limits.values() for limit in found)):
            name = canonicalize_name(one.name)
            version = pins.versions.get(name)
            if version is not None and not _allows(one, version):
                pins.missing[name] = f"{self._where(name)} {version}, not {one.specifier}"
                del pins.versions[name]
        return pins

    def _visit(self, need: _Need, pins: Pins) -> Iterator[_Need]:
        name, extras = need
        lock = self._project.declared.locked
        locked = lock.find(name, self._environment) if lock is not None else None
        if locked is not None:
            if locked.elsewhere:
                pins.missing[name] = f"uv.lock has it from {locked.elsewhere}, not from an index"
            elif not locked.local:
                pins.versions[name] = locked.version
            for inner, wanted, marker, extra in locked.needs:
                if extra and extra not in extras:
                    continue
                if holds(marker, self._environment, extras):
                    yield inner, wanted
            return
        found = self._project.installed.find(name)
        if found is None:
            pins.missing[name] = "it is not installed here"
            return
        if found.is_from_repository:
            pins.missing[name] = "installed here is one from a repository of code, not an index"
        elif not found.is_editable:
            pins.versions[name] = found.version
        for one in found.requires:
            if holds(one.marker, self._environment, extras):
                yield canonicalize_name(one.name), frozenset(one.extras)

    def _where(self, name: str) -> str:
        lock = self._project.declared.locked
        locked = lock is not None and lock.find(name, self._environment) is not None
        return "uv.lock has" if locked else "installed here is"


def _allows(requirement: Requirement, version: str) -> bool:
    try:
        return requirement.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False
