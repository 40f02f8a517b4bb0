"""What records hold, as far as readers use it; what they do not know is kept beside it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(max_length=4000)]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Seconds = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=1 << 60)]
Metrics = dict[Text, float | Text]


class Record(BaseModel):
    """A JSON object from a store: of the right types, whatever else it holds."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class Git(Record):
    """The project's state in git when the run began."""

    commit: Text
    dirty: bool = False
    remote: Text | None = None
    patch: Digest | None = None


class Environment(Record):
    """What the run was executed by."""

    python: Text = ""
    implementation: Text = ""
    platform: Text = ""
    packages: Digest | None = None


class Start(Record):
    """`00-start.json`: who, what, when."""

    pipeline: Text
    started: Text = ""
    backend: Text = ""
    executor: Text = ""
    plan: Digest | None = None
    parameters: dict[str, Any] = {}
    user: Text = ""
    host: Text = ""
    pid: Count = 0
    boot: Text = ""
    git: Git | None = None
    source: Digest | None = None
    environment: Environment | None = None
    tags: list[Text] = []
    owner: Text | None = None
    notes: list[Text] = []
    resume_of: Text | None = None


class Artifact(Record):
    """A stored artifact, as records refer to it."""

    digest: Digest
    size: Count
    type: Text
    materializer: Text
    media: Text
    unsafe: bool = False
    preview: Digest | None = None


class Cache(Record):
    """Whether the cache had the step's outputs, and why not."""

    state: Text = ""
    key: Text | None = None
    why: Text | None = None


class Reused(Record):
    """The step of another run whose outputs were taken over."""

    run: Text
    step: Text


class Commit(Record):
    """`steps/<step>/commit.json`: the step is done."""

    step: Text
    attempt: Count = 1
    code: Text = ""
    started: Text = ""
    ended: Text = ""
    durations: dict[Text, Seconds] = {}
    status: Text = "succeeded"
    inputs: dict[Text, Any] = {}
    fields: list[Text] = []
    outputs: dict[Text, Any] = {}
    metrics: Metrics = {}
    metadata: dict[str, Any] = {}
    cache: Cache | None = None
    reused: Reused | None = None
    log: Digest | None = None


class Error(Record):
    """Why an attempt failed."""

    kind: Text = Field(default="", alias="class")
    message: str = ""
    traceback: str = ""


class Attempt(Record):
    """`steps/<step>/<attempt>/start-….json` and `fail-….json`."""

    step: Text
    attempt: Count = 1
    code: Text = ""
    started: Text = ""
    ended: Text = ""
    durations: dict[Text, Seconds] = {}
    status: Text = ""
    host: Text = ""
    error: Error | None = None


class StepLine(Record):
    """A step in the summary of a run."""

    status: Text
    attempts: Count = 0
    seconds: Seconds = 0.0
    log: Digest | None = None
    error: str | None = None
    reused: Text | None = None


class ArtifactLine(Artifact):
    """An artifact in the summary of a run, with the step that gave it."""

    step: Text
    output: Text = "value"


class End(Record):
    """`99-end.json`: how it ended; all that a list needs."""

    pipeline: Text
    status: Literal["succeeded", "failed", "cancelled"]
    backend: Text = ""
    plan: Digest | None = None
    parameters: dict[str, Any] = {}
    started: Text = ""
    ended: Text = ""
    seconds: Seconds = 0.0
    metrics: dict[Text, Metrics] = {}
    artifacts: list[ArtifactLine] = []
    steps: dict[Text, StepLine] = {}
    outputs: dict[Text, Any] = {}


class Note(Record):
    """`notes/<uuid>.json`: something that happened to the run later, such as going on with it."""

    resumed: Text | None = None
    executor: Text = ""
    host: Text = ""
    pid: Count = 0
    boot: Text = ""
    notes: list[Text] = []


class CacheEntry(Record):
    """`cache/…/<uuid>.json`: the step of a run whose outputs answer a cache key."""

    run: Text
    step: Text
