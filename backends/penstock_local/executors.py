"""What the runner asks of an executor, and what an executor tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from penstock_runtime.request import Request
from penstock_runtime.response import Response

Blame = Literal["step", "request", "store", "engine"]
"""Who has to act: the user's code, penstock itself, or whoever keeps the store or the engine."""


GRACE_SECONDS = 5.0
"""So long a step that is told to stop may clean up, before it is made to."""


@dataclass(frozen=True)
class Job:
    """One attempt at a step; after `timeout` seconds it is stopped."""

    request: Request
    timeout: float | None = None


def took_longer(job: Job) -> str:
    """Why a job that was stopped has failed."""
    return f"step {job.request.step!r} took longer than {job.timeout:g} s"


@dataclass(frozen=True)
class Done:
    """The step is committed."""

    job: Job
    response: Response


@dataclass(frozen=True)
class Failed:
    """The attempt is over without outputs; `recorded` says that the store knows why."""

    job: Job
    blame: Blame
    message: str
    trace: str = ""
    recorded: bool = True


@dataclass(frozen=True)
class Line:
    """A line that the step wrote; `shown` if it stands on the user's screen already."""

    job: Job
    text: str
    shown: bool = False


Told: TypeAlias = Done | Failed | Line


class Executor(Protocol):
    """Runs jobs, one or several at once."""

    jobs: int

    def start(self, job: Job) -> None:
        """Begins a job; the runner never gives more than `jobs` at once."""
        ...

    def wait(self, seconds: float | None) -> list[Told]:
        """What happened, waiting at most so long for the first; may raise KeyboardInterrupt."""
        ...

    def cancel(self) -> list[Told]:
        """Stops what runs and gives the last lines; the executor can be used again."""
        ...

    def close(self) -> None:
        """Ends the executor; nothing of it is left running."""
        ...
