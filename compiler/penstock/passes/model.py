"""What a pass is: a check reports and cannot change, a rewrite changes and cannot blame."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, field
from typing import Protocol

from penstock.diagnostics import Diagnostic, Severity, Span
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import PipelineIR


@dataclass
class Log:
    """Collects what the checks of a stage find."""

    found: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def error(
        self,
        code: str,
        *,
        at: Span | None,
        message: str,
        label: str = "",
        hint: str = "",
        notes: tuple[tuple[Span, str], ...] = (),
        severity: Severity = "error",
    ) -> None:
        """Adds a problem at the user's line."""
        self.found.append(Diagnostic(code, message, at, severity, label, hint, notes))

    def warning(self, code: str, *, at: Span | None, message: str, hint: str = "") -> None:
        """Adds a problem that does not stop the pipeline."""
        self.error(code, at=at, message=message, hint=hint, severity="warning")


class Pass(Protocol):
    """One check or rewrite, in the place that the order gives it."""

    @property
    def name(self) -> str:
        """The name of the function."""
        ...

    @property
    def reports(self) -> Set[str]:
        """Every code it may report; empty for a rewrite."""
        ...

    def __call__(self, names: Lookup, log: Log) -> PipelineIR:
        """The pipeline afterwards: the same for a check."""
        ...


@dataclass(frozen=True)
class Check:
    """A pass that only reports."""

    run: Callable[[Lookup, Log], None]
    reports: Set[str]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.run.__name__

    def __call__(self, names: Lookup, log: Log) -> PipelineIR:
        """Runs the check and returns the pipeline as it was."""
        self.run(names, log)
        return names.ir


@dataclass(frozen=True)
class Rewrite:
    """A pass that only transforms."""

    run: Callable[[Lookup], PipelineIR]
    reports: Set[str] = frozenset()

    @property
    def name(self) -> str:
        """The name of the function."""
        return self.run.__name__

    def __call__(self, names: Lookup, log: Log) -> PipelineIR:
        """Runs the rewrite and returns the new pipeline."""
        return self.run(names)


def check(*, reports: Set[str]) -> Callable[[Callable[[Lookup, Log], None]], Check]:
    """Makes a function a check that may report these codes."""

    def wrap(run: Callable[[Lookup, Log], None]) -> Check:
        return Check(run, frozenset(reports))

    return wrap


def rewrite(run: Callable[[Lookup], PipelineIR]) -> Rewrite:
    """Makes a function a rewrite."""
    return Rewrite(run)
