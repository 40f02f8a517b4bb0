"""The port that every backend implements, and how a pipeline goes through it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import ClassVar, Protocol, cast, runtime_checkable

from penstock.diagnostics import Diagnostic
from penstock.features import Feature, Support
from penstock.garbage import collection_paused
from penstock.ir.nodes import PipelineIR
from penstock.passes import CHECKS, REWRITES, SHAPE
from penstock.passes.driver import run_passes
from penstock.passes.model import Pass
from penstock.passes.supported import supported

Bundle = Mapping[str, str]
"""What a backend emits: the text of each file by its relative path, with `/`."""


class BackendError(ValueError):
    """A backend cannot be had, or an option of it is wrong; the message is one sentence."""


@dataclass(frozen=True)
class Options:
    """What the user says about the emission: the store's URL, and the backend's own options."""

    store: str | None = None
    values: Mapping[str, str] = field(default_factory=dict[str, str])

    def known(self, *names: str) -> Mapping[str, str]:
        """The backend's own options; raises `BackendError` for one that it does not have."""
        for name in self.values:
            if name not in names:
                has = f"it has {', '.join(names)}" if names else "it has none"
                raise BackendError(f"there is no option {name!r} here; {has}")
        return self.values


class Backend(Protocol):
    """Turns a checked pipeline into files, purely: no server, no clock, no disk."""

    name: ClassVar[str]
    supports: ClassVar[Mapping[Feature, Support]]
    rewrites: ClassVar[tuple[Pass, ...]]

    def emit(self, pipeline: PipelineIR, options: Options) -> Bundle:
        """The files for this pipeline; may raise `PipelineError` and `BackendError`."""
        ...


@runtime_checkable
class Choosy(Protocol):
    """A backend with checks that depend on its options, beside those in `rewrites`."""

    def checks(self, options: Options) -> tuple[Pass, ...]:
        """The checks for these options; raises `BackendError` for a wrong option."""
        ...


@runtime_checkable
class Verifying(Protocol):
    """A backend that also verifies files of its target, whoever made them."""

    def verifies(self, text: str) -> bool:
        """Whether a text is such a file, and not a pipeline of penstock."""
        ...

    def verify(self, text: str, file: str) -> tuple[Diagnostic, ...]:
        """What is wrong with it; `file` is how its places are told."""
        ...


GROUP = "penstock.backends"


def backend_names() -> tuple[str, ...]:
    """The names of the installed backends, sorted; raises `BackendError` for a name taken twice."""
    return tuple(sorted(_found()))


def load_backend(name: str) -> Backend:
    """The backend of that name; raises `BackendError` if there is none, or if it is incomplete."""
    found = _found()
    if name not in found:
        raise BackendError(f"there is no backend {name!r}; there are {', '.join(sorted(found))}")
    try:
        made = found[name].load()()
    except Exception as error:  # a plug-in is foreign code: whatever it raises is told by name
        raise BackendError(f"backend {name!r} does not load: {error}") from error
    missing = [one.value for one in Feature if one not in getattr(made, "supports", {})]
    if missing:
        raise BackendError(f"backend {name!r} takes no position on: {', '.join(missing)}")
    return cast(Backend, made)


def _found() -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for one in entry_points(group=GROUP):
        if one.name in found and found[one.name].value != one.value:
            raise BackendError(
                f"two backends are named {one.name!r}: {found[one.name].value} and {one.value}"
            )
        found[one.name] = one
    return found


@dataclass(frozen=True)
class Checked:
    """A pipeline that passed all checks: as written, made explicit, and the warnings."""

    written: PipelineIR
    lowered: PipelineIR
    warnings: tuple[Diagnostic, ...]


def check_pipeline(
    ir: PipelineIR, backend: Backend | None = None, options: Options | None = None
) -> Checked:
    """Runs all checks, those of the backend included.

    Raises `PipelineError`, and `BackendError` for a wrong option.
    """
    checks, rewrites = CHECKS, REWRITES
    if backend is not None:
        checks += (supported(backend.name, backend.supports),)
        checks += tuple(one for one in backend.rewrites if one.reports)
        if isinstance(backend, Choosy):
            checks += backend.checks(options or Options())
        rewrites += tuple(one for one in backend.rewrites if not one.reports)
    with collection_paused():
        lowered, warnings = run_passes(ir, SHAPE, checks, rewrites)
    return Checked(ir, lowered, warnings)


def compile_pipeline(ir: PipelineIR, backend: Backend, options: Options) -> Bundle:
    """Checks the pipeline for the backend, lowers it, and emits its files."""
    return emitted(check_pipeline(ir, backend, options), backend, options)


def emitted(checked: Checked, backend: Backend, options: Options) -> Bundle:
    """The files for a pipeline that was checked for this backend."""
    with collection_paused():
        return backend.emit(checked.lowered, options)
