"""What a step needs to be installed: what it says, what its project says, what its code imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from penstock.diagnostics import Diagnostic
from penstock.images.imported import Import, imports_of
from penstock.images.known_names import likely_package
from penstock.images.markers import holds, target_environment
from penstock.images.modules import OURS
from penstock.images.project import Project
from penstock.ir.nodes import Component, Options

_STORE_LIBRARIES = {"s3": "s3fs", "gs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
_KEEPERS = {"pandas": "pyarrow", "scikit-learn": "skops", "torch": "safetensors"}
"""Libraries that values of others are kept with. A step without them would keep them otherwise
than a run on this machine does, or not at all."""


@dataclass(frozen=True)
class Needs:
    """The requirements of a step, one for each name, sorted; and what is wrong with its imports."""

    requirements: tuple[Requirement, ...]
    problems: tuple[Diagnostic, ...] = ()


class Requirements:
    """Works out what steps need; each module is looked at once."""

    def __init__(self, project: Project, store: str | None) -> None:
        self._project = project
        self._store = _STORE_LIBRARIES.get(store.partition("://")[0]) if store else None
        settings = project.settings
        self._environment = target_environment(settings.python, settings.platform)
        self._imports: dict[str, list[Import]] = {}

    def of(self, component: Component, options: Options) -> Needs:
        """The needs of a step with these options, which must be resolved."""
        asked = list(self._asked(options))
        found = {one.name: one for one in _merged(asked)}
        problems: list[Diagnostic] = []
        if self._project.codes.reach(component.code) is None:  # the code of an installed package
            for package in self._project.installed.providers(component.code.partition(":")[0]):
                found.setdefault(package.name, Requirement(package.name))
        for one in self._imported(component.code):
            providers = self._project.installed.providers(one.name)
            for provider in providers:
                if not provider.is_editable and provider.name not in found:
                    found[provider.name] = Requirement(provider.name)
            if not providers and not one.optional and not self._may_provide(found, one):
                problems.append(self._not_provided(one, component))
        self._add_keepers(component, found)
        if self._store is not None:
            found.setdefault(self._store, Requirement(self._store))
        kept = [one for name, one in sorted(found.items()) if self._is_foreign(name)]
        return Needs(tuple(kept), tuple(problems))

    def _asked(self, options: Options) -> Iterator[Requirement]:
        """What the step says; where it says nothing, all that the project says."""
        said = options.requires
        texts = self._project.declared.requirements if said is None else map(_readable, said)
        for one in texts:
            if canonicalize_name(one.name) == "penstock":
                yield from self._extras(one)
            elif holds(one.marker, self._environment, frozenset()):
                yield one

    def _extras(self, ours: Requirement) -> Iterator[Requirement]:
        """`penstock[s3]` asks for s3fs; penstock itself is in every image."""
        known = self._project.installed.find("penstock")
        for one in known.requires if known is not None else ():
            plain = holds(one.marker, self._environment, frozenset())
            if not plain and holds(one.marker, self._environment, frozenset(ours.extras)):
                yield Requirement(f"{one.name}{one.specifier}")

    def _imported(self, code: str) -> Iterator[Import]:
        codes = self._project.codes
        reach = codes.carried(code)
        if reach is None:
            return
        yield from imports_of(codes.modules, reach.module, reach.chosen)
        for other in reach.others:
            if other.name not in self._imports:
                self._imports[other.name] = imports_of(codes.modules, other)
            yield from self._imports[other.name]

    def _may_provide(self, found: dict[str, Requirement], one: Import) -> bool:
        """Whether a requirement that is not installed here may be where the import comes from."""
        guess = canonicalize_name(likely_package(one.name))
        return guess in found or any(
            self._project.installed.find(name) is None for name in found if self._is_foreign(name)
        )

    def _not_provided(self, one: Import, component: Component) -> Diagnostic:
        package = likely_package(one.name)
        module = one.name if one.name.startswith("google.") else one.name.partition(".")[0]
        return Diagnostic(
            "PS307",
            f"no requirement of {component.code!r} provides {module!r}",
            self._project.place(one),
            label="would not be found in the image",
            hint=f'install it here, or add it to the step: requires=["{package}"]',
        )

    def _add_keepers(self, component: Component, found: dict[str, Requirement]) -> None:
        stores = any(one.kind == "artifact" for one in component.outputs)
        takes = bool(component.inputs)
        for library, keeper in _KEEPERS.items():
            wanted = library in found and keeper not in found and (stores or takes)
            if wanted and self._project.installed.find(keeper) is not None:
                found[keeper] = Requirement(keeper)

    def _is_foreign(self, name: str) -> bool:
        return name != self._project.declared.name and name.replace("-", "_") not in OURS


def _readable(text: str) -> Requirement:
    # PS306 has refused what cannot be read; what only packaging refuses is kept as a bare name.
    try:
        return Requirement(text)
    except InvalidRequirement:
        return Requirement(text.split()[0])


def _merged(found: Iterable[Requirement]) -> list[Requirement]:
    """One requirement for each name: all conditions on its version, all extras."""
    merged: dict[str, Requirement] = {}
    for one in found:
        name = canonicalize_name(one.name)
        before = merged.get(name)
        text = f"{name}"
        extras = sorted(one.extras | (before.extras if before is not None else set()))
        text += f"[{','.join(extras)}]" if extras else ""
        url = one.url or (before.url if before is not None else None)
        if url:
            text += f" @ {url}"
        else:
            specifier = one.specifier & before.specifier if before is not None else one.specifier
            text += ",".join(sorted(map(str, specifier)))
        merged[name] = Requirement(text)
    return list(merged.values())
