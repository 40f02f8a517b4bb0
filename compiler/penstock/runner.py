"""The port for running a pipeline: apart from emission, and told as events while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from penstock.ir.nodes import PipelineIR
from penstock_runtime.reference import Value

RunState = Literal["succeeded", "failed", "cancelled"]
StepState = Literal["succeeded", "failed", "cancelled", "skipped", "not run"]


class CannotRun(ValueError):
    """The run was asked for in a wrong way and nothing has run; the message is one sentence."""


@dataclass(frozen=True)
class RunOptions:
    """How to run: the store's URL, which executor, and how many steps at once.

    `path` is where the steps' code is imported from, `root` the project whose git state is
    recorded. `written` is the pipeline before it was lowered: its digest is the plan's. `resume`
    is the id of a run to go on with; without `cache` no earlier result stands for a step, save
    those of that run. `images` are those that steps run in, by step, for executors that use them.
    """

    store: str
    root: Path
    path: tuple[str, ...] = ()
    executor: str = "process"
    jobs: int | None = None
    written: PipelineIR | None = None
    cache: bool = True
    resume: str | None = None
    images: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class PlannedReuse:
    """One round of a step: the run whose result stands for it, or None, and the reason."""

    step: str
    run: str | None
    why: str


@dataclass(frozen=True)
class PlannedStep:
    """A step as it would run; `inputs` are in words, such as `split.train` or `0.8`.

    `reuse` says for each round that is known now whether an earlier result stands for it.
    """

    step: str
    code: str
    image: str
    inputs: Mapping[str, str]
    when: tuple[str, ...] = ()
    """The loops and branches around it, outermost first, in words."""
    reuse: tuple[PlannedReuse, ...] = ()


@dataclass(frozen=True)
class RunPlan:
    """What a run would do, and what it would not enforce."""

    pipeline: str
    digest: str
    parameters: Mapping[str, object]
    steps: tuple[PlannedStep, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run has its id; `steps` counts those that are known before loops unfold.

    `resumes` is the run that it goes on with, which may be itself.
    """

    run: str
    pipeline: str
    store: str
    executor: str
    jobs: int
    steps: int
    notes: tuple[str, ...]
    resumes: str | None = None


@dataclass(frozen=True, slots=True)
class StepReused:
    """A step was not run: what `source`, a step of `run`, gave stands for it."""

    step: str
    run: str
    source: str
    why: str
    metrics: Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class StepStarted:
    """An attempt at a step has begun."""

    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class StepLine:
    """A line that a step wrote to stdout or stderr."""

    step: str
    line: str


@dataclass(frozen=True, slots=True)
class StepSucceeded:
    """A step is committed; `edited` if its code was written to meanwhile."""

    step: str
    seconds: float
    metrics: Mapping[str, float | str]
    edited: bool = False


@dataclass(frozen=True, slots=True)
class StepFailed:
    """An attempt failed; `retry_in` seconds the next begins, None if there is none.

    `trace` is the user's traceback without penstock's frames, `log` what the step wrote last.
    """

    step: str
    attempt: int
    seconds: float
    message: str
    trace: str = ""
    log: tuple[str, ...] = ()
    retry_in: float | None = None


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """A branch was not taken, so the step does not run."""

    step: str


@dataclass(frozen=True, slots=True)
class StepCancelled:
    """The step was stopped before it was done."""

    step: str
    seconds: float


@dataclass(frozen=True)
class StepResult:
    """How a step ended, and its outputs if it succeeded; `reused` is the run that they are from.

    If its code was `edited` while it ran, nobody can tell which text it has run.
    """

    step: str
    state: StepState
    attempts: int = 0
    seconds: float = 0.0
    outputs: Mapping[str, Value] = field(default_factory=dict[str, Value])
    metrics: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    reused: str | None = None
    edited: bool = False


@dataclass(frozen=True)
class RunResult:
    """How a run ended; `steps` are in the order of the pipeline, rounds of a loop by item.

    `commit` is that of the project's git, None outside of git.
    """

    run: str
    pipeline: str
    state: RunState
    seconds: float
    store: str
    records: str
    steps: tuple[StepResult, ...]
    outputs: Mapping[str, Value]
    commit: str | None = None


@dataclass(frozen=True, slots=True)
class RunFinished:
    """The run is over, and its summary is written; `written_before` if by another runner of it."""

    result: RunResult
    written_before: bool = False


Event: TypeAlias = (
    RunStarted
    | StepReused
    | StepStarted
    | StepLine
    | StepSucceeded
    | StepFailed
    | StepSkipped
    | StepCancelled
    | RunFinished
)

Listener = Callable[[Event], None]


class Runner(Protocol):
    """A backend that also runs pipelines itself; `executors` names the ways, the default first."""

    executors: tuple[str, ...]

    def prepare(self, executor: str) -> None:
        """Says that a run will follow, so that what takes time can begin while others work."""
        ...

    def release(self) -> None:
        """Gives up what `prepare` began and no run has taken."""
        ...

    def plan(
        self, pipeline: PipelineIR, parameters: Mapping[str, object], options: RunOptions
    ) -> RunPlan:
        """What a run would do; raises `CannotRun`."""
        ...

    def run(
        self,
        pipeline: PipelineIR,
        parameters: Mapping[str, object],
        options: RunOptions,
        listen: Listener,
    ) -> RunResult:
        """Runs a lowered pipeline to its end, whatever that is.

        Raises `CannotRun` before anything has run, and `StoreError` when the store fails.
        """
        ...
