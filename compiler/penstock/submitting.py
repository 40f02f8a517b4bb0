"""The port for starting a pipeline on a server, apart from emission; each target has its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import ClassVar, Literal, Protocol, cast

from penstock.backend import Bundle
from penstock.ir.nodes import PipelineIR
from penstock.runner import Listener

Say = Callable[[str], None]
FinalState = Literal["succeeded", "failed", "cancelled"]


class SubmitError(Exception):
    """The server could not be reached, or refused; one sentence, with what to do."""


class WrongRequest(SubmitError):
    """It was asked for in a wrong way, and nothing was sent."""


@dataclass(frozen=True)
class Submission:
    """What is to be started, and where.

    `parameters` are those that were given, as JSON has them. `files` is where the emitted files
    must be for the server to see them, if that is a folder. `run` names the run; by default it
    gets an id of its own. `token_file` holds a credential. `patience` is in seconds. `experiment`,
    `namespace` and `account` say where the run goes and as whom; `schedule` is a cron, or
    `pipeline` for that of the pipeline. A server that knows no such thing refuses it.
    """

    ir: PipelineIR
    plan: str
    bundle: Bundle
    parameters: Mapping[str, object]
    host: str
    files: Path | None = None
    run: str | None = None
    token_file: Path | None = None
    patience: float = 300.0
    experiment: str | None = None
    namespace: str | None = None
    account: str | None = None
    schedule: str | None = None
    values: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Submitted:
    """What was started: its id on the server, the page that shows it, and if it is `recurring`."""

    run: str
    link: str
    recurring: bool = False


class Submitter(Protocol):
    """Starts runs on a server, and follows them."""

    name: ClassVar[str]

    def requests(self, submission: Submission) -> Iterator[str]:
        """What would be written and sent, a line each, without any credential."""
        ...

    def submit(self, submission: Submission, say: Say) -> Submitted:
        """Start the run, once. Raises `SubmitError`."""
        ...

    def follow(self, submission: Submission, started: Submitted, listen: Listener) -> FinalState:
        """Tell what the steps do until the run is over. Raises `SubmitError`."""
        ...


GROUP = "penstock.submitters"


def load_submitter(name: str) -> Submitter:
    """The submitter of that name. Raises `WrongRequest`."""
    found = {one.name: one for one in entry_points(group=GROUP)}
    if name not in found:
        raise WrongRequest(f"nothing submits to {name!r}; --to can be {', '.join(sorted(found))}")
    return cast(Submitter, found[name].load()())
