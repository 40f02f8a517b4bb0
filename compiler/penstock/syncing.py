"""The port for pulling what a server knows of runs that penstock has started there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, cast

from penstock.submitting import FinalState, WrongRequest

StepState = Literal["succeeded", "failed", "cancelled", "skipped"]


@dataclass(frozen=True)
class RemoteStep:
    """One step of a run, as the server tells it."""

    state: StepState
    seconds: float
    message: str = ""


@dataclass(frozen=True)
class RemoteRun:
    """A run that penstock has started; `state` is None while it is not over.

    Times are ISO texts in UTC.
    """

    run: str
    pipeline: str
    plan: str
    state: FinalState | None
    started: str
    ended: str
    seconds: float
    parameters: Mapping[str, Any]
    steps: Mapping[str, RemoteStep] = field(default_factory=dict[str, RemoteStep])


class Syncer(Protocol):
    """Reads runs from a server."""

    name: ClassVar[str]

    def runs(
        self, host: str, token_file: Path | None, namespace: str | None
    ) -> Iterator[RemoteRun]:
        """The runs that penstock has started there, newest first. Raises `SubmitError`."""
        ...


GROUP = "penstock.syncers"


def load_syncer(name: str) -> Syncer:
    """The syncer of that name. Raises `WrongRequest`."""
    found = {one.name: one for one in entry_points(group=GROUP)}
    if name not in found:
        raise WrongRequest(f"nothing is pulled from {name!r}; it can be {', '.join(sorted(found))}")
    return cast(Syncer, found[name].load()())
