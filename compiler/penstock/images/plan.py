"""Plans the images of a pipeline: which steps share one, what is in it, and what it is called.

Nothing is asked of an engine, an index or a registry: what is installed here, the project's files
and its locks say everything. So a name stands for an image before the image exists.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from penstock.diagnostics import Diagnostic, Span
from penstock.images.index_settings import IndexSettings
from penstock.images.locking import LockInputs
from penstock.images.locks import Lock, find_lock, index_settings
from penstock.images.modules import Module
from penstock.images.naming import digest, repository
from penstock.images.ourselves import Ourselves
from penstock.images.pins import Pinning, Pins
from penstock.images.project import Project
from penstock.images.pushed import PUSHED, pushed_images
from penstock.images.registry_names import in_registry
from penstock.images.requirements import Requirements
from penstock.images.settings import ImageSettingsError
from penstock.images.source import Gathering, Source
from penstock.ir.lookup import Lookup, lookup
from penstock.ir.nodes import Component, Image, Options, PipelineIR, Step
from penstock.ir.write import plan_digest

_FORMAT = 1


@dataclass(frozen=True)
class Environment:
    """What several steps need to be installed; `name` is that of its lock.

    `requires` is what is asked for, `pins` what that comes to, and `key` stands for it all.
    `known_pins` are the versions that are known without the lock.
    """

    name: str
    base: str
    python: str
    platform: str
    packages: tuple[str, ...]
    requires: tuple[str, ...]
    inputs: LockInputs
    pins: tuple[str, ...]
    known_pins: tuple[str, ...]
    penstock: str
    lock: Lock
    locked: bool
    steps: tuple[str, ...]
    span: Span | None

    @property
    def key(self) -> str:
        """The digest of all that is installed."""
        return digest(
            {
                "format": _FORMAT,
                "base": self.base,
                "python": self.python,
                "platform": self.platform,
                "packages": self.packages,
                "pins": self.pins or self.requires,
                "penstock": self.penstock,
            }
        )

    @property
    def image(self) -> str:
        """The image that holds it, without any code."""
        return f"penstock-env:{self.key}"


@dataclass(frozen=True)
class ImagePlan:
    """The images of a pipeline, each with its environment; the same source is in all of them."""

    pipeline: str
    environments: tuple[Environment, ...]
    images: tuple[Image, ...]
    source: Source
    ourselves: Ourselves
    project: Project
    problems: tuple[Diagnostic, ...]
    digest: str = ""
    """The plan's."""
    codes: dict[str, str] = field(default_factory=dict[str, str])
    own_images: dict[str, str] = field(default_factory=dict[str, str])
    """Steps whose image the user named."""

    @property
    def indexes(self) -> IndexSettings:
        """Where packages come from; raises `ImageSettingsError`."""
        project = self.project
        return index_settings(project.settings, project.root, project.declared.indexes)

    def planned(self, ir: PipelineIR) -> PipelineIR:
        """The pipeline with its images."""
        return ir.model_copy(update={"images": self.images})

    @property
    def local_names(self) -> dict[str, str]:
        """The image of each step as it is called on this machine."""
        built = {step: one.name for one in self.images for step in one.steps}
        return {**built, **self.own_images}


def plan_images(ir: PipelineIR, project: Project, store: str | None = None) -> ImagePlan:
    """The images for a checked and lowered pipeline whose artifacts lie in `store`.

    What is wrong is among its problems. Raises `ImageSettingsError` for the project's own files.
    """
    return _Planner(ir, project, store).plan()


@dataclass
class _Group:
    """Steps that ask for the same."""

    first: Step
    options: Options
    requirements: tuple[Requirement, ...]
    steps: list[str]


class _Planner:
    def __init__(self, ir: PipelineIR, project: Project, store: str | None) -> None:
        self._ir = ir
        self._names: Lookup = lookup(ir)
        self._project = project
        self._requirements = Requirements(project, store)
        self._pinning = Pinning(project)
        self._ourselves = Ourselves(project.installed)
        self._problems: dict[Diagnostic, None] = {}

    def plan(self) -> ImagePlan:
        own = {one.id: one.options.image for one in self._ir.steps if one.options.image}
        groups = self._groups()
        environments = tuple(self._environment(one, len(groups)) for one in groups)
        gathering = Gathering(self._project)
        source = gathering.of(self._modules()) if groups else Source({}, ())
        self._problems |= dict.fromkeys(gathering.problems)
        return ImagePlan(
            pipeline=self._ir.name,
            environments=environments,
            images=self._images(environments, source),
            source=source,
            ourselves=self._ourselves,
            project=self._project,
            problems=tuple(self._problems),
            digest=plan_digest(self._ir),
            codes={one.id: one.component for one in self._ir.steps},
            own_images=own,
        )

    def _groups(self) -> list[_Group]:
        groups: dict[object, _Group] = {}
        known: dict[object, object] = {}
        for step in self._ir.steps:
            options = step.options
            if options.image is not None:
                continue
            asked = (step.component, options.requires, options.packages)
            if asked not in known:
                component = self._names.components[step.component]
                needs = self._requirements.of(component, options)
                self._problems |= dict.fromkeys(needs.problems)
                texts = tuple(map(str, needs.requirements))
                known[asked] = key = (texts, tuple(sorted(set(options.packages or ()))))
                groups.setdefault(key, _Group(step, options, needs.requirements, []))
            groups[known[asked]].steps.append(step.id)
        return list(groups.values())

    def _environment(self, group: _Group, count: int) -> Environment:
        settings = self._project.settings
        name = self._ir.name if count == 1 else f"{self._ir.name}-{group.first.id}"
        requires = tuple(map(str, group.requirements))
        limits = tuple(sorted(map(str, self._project.declared.limits)))
        inputs = LockInputs(requires, limits, settings.python, settings.platform)
        lock = find_lock(self._project.root, name)
        known = self._pinning.pinned(group.requirements)
        held = lock.pins() if lock.is_current(inputs) else {}
        # A lock that was cut off does not hold what it was made for.
        locked = lock.is_current(inputs) and all(
            canonicalize_name(one.name) in held for one in group.requirements
        )
        pins = Pins(held, {}) if locked else known
        span = self._said_at(group.first)
        for missing, why in sorted(pins.missing.items()):
            self._problems[_not_pinned(missing, why, span)] = None
        return Environment(
            name=name,
            base=settings.base_image,
            python=settings.python,
            platform=settings.platform,
            packages=tuple(sorted(set(group.options.packages or ()))),
            requires=requires,
            inputs=inputs,
            pins=pins.texts,
            known_pins=known.texts,
            penstock=self._ourselves.mark,
            lock=lock,
            locked=locked,
            steps=tuple(group.steps),
            span=span,
        )

    def _said_at(self, step: Step) -> Span | None:
        """Where the requirements of a step stand, as near as is known."""
        component = self._names.components[step.component]
        return component.span if component.options.requires is not None else step.span

    def _modules(self) -> Iterable[Module]:
        found: dict[str, Module] = {}
        shipped = {one.component for one in self._ir.steps if one.options.image is None}
        for component in self._ir.components:
            reach = self._project.codes.carried(component.code)
            if reach is not None:
                found |= {one.name: one for one in (reach.module, *reach.others)}
            elif component.code in shipped and not self._is_installed(component.code):
                self._problems[_not_here(component)] = None
        return found.values()

    def _is_installed(self, code: str) -> bool:
        return bool(self._project.installed.providers(code.partition(":")[0]))

    def _images(self, environments: Iterable[Environment], source: Source) -> tuple[Image, ...]:
        settings = self._project.settings
        pushed = pushed_images(self._project.root / PUSHED)
        made: list[Image] = []
        for one in environments:
            tag = digest({"environment": one.key, "source": source.digest})
            name = f"{repository(self._ir.name)}:{tag}"
            there = _in_registry(settings.registry, name)
            known = pushed.get(name)
            made.append(
                Image(
                    name=name,
                    base=one.base,
                    python=one.python,
                    platform=one.platform,
                    packages=one.packages,
                    requires=one.pins or one.requires,
                    penstock=one.penstock,
                    source=source.digest,
                    steps=one.steps,
                    pushed=known.reference if known is not None else there,
                )
            )
        return tuple(made)


def _in_registry(registry: str | None, name: str) -> str | None:
    try:
        return in_registry(registry, name) if registry is not None else None
    except ValueError as error:
        raise ImageSettingsError(f"[tool.penstock] {error}") from None


def _not_here(component: Component) -> Diagnostic:
    module = component.code.partition(":")[0]
    hint = "name the TARGET from the folder that its modules are imported from"
    if module == "__main__":
        hint = "save the notebook and name it as the TARGET: `penstock run churn.ipynb`"
    return Diagnostic(
        "PS310", f"the code of {component.code!r} is not here", component.span, hint=hint
    )


def _not_pinned(name: str, why: str, span: Span | None) -> Diagnostic:
    return Diagnostic(
        "PS308",
        f"no version of {name!r} is known: {why}",
        span,
        label="runs in an image with it",
        hint="`penstock build TARGET --lock` finds one and writes it down",
    )
