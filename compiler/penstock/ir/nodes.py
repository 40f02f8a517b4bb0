"""The pipeline as data: frozen nodes that hold facts, each with the place it came from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from penstock.diagnostics import Span
from penstock.ir.values import Condition, Identifier, Label, Node, Value

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ImageName = Annotated[str, Field(max_length=400, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$")]
Role = Literal[
    "step",
    "data_source",
    "split",
    "preprocess",
    "tokenizer",
    "trainer",
    "evaluator",
    "inference",
    "deployer",
]


class Constraints(Node):
    """What a parameter's value must satisfy, in the words of JSON schema."""

    ge: float | int | None = None
    gt: float | int | None = None
    le: float | int | None = None
    lt: float | int | None = None
    multiple_of: float | int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None


class Parameter(Node):
    """A parameter of the pipeline; without `default` (JSON text) it must be given."""

    name: Identifier
    type: str
    default: str | None = None
    constraints: Constraints = Constraints.model_construct()
    description: str = ""
    span: Span | None = None


class Class(Node):
    """What is known of a class that types mention: its bases, values, and parts."""

    name: str
    bases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    protocol: bool = False


class Resources(Node):
    """What a step asks of the machine, as the user wrote it (`2`, `"500m"`, `"4Gi"`)."""

    cpu: float | str | None = None
    memory: str | None = None
    gpu: int | None = None
    gpu_type: str | None = None
    disk: str | None = None


class Retry(Node):
    """How often to try again, after how many seconds, growing by which factor."""

    times: Annotated[int, Field(ge=0)] = 0
    delay: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    backoff: Annotated[float, Field(ge=1, allow_inf_nan=False)] = 1.0


class Secret(Node):
    """A credential by reference: the key of a named secret, given to the step as a variable."""

    name: Label
    key: str
    env: str


class Options(Node):
    """How a step runs; None means that nothing was said."""

    image: str | None = None
    requires: tuple[str, ...] | None = None
    packages: tuple[str, ...] | None = None
    resources: Resources | None = None
    retry: Retry | None = None
    timeout: Positive | None = None
    cache: bool | None = None
    env: tuple[tuple[str, str], ...] | None = None
    secrets: tuple[Secret, ...] | None = None


class Input(Node):
    """One input of a component; `default` is JSON text, `optional` says that it may be left out."""

    name: Identifier
    type: str
    default: str | None = None
    optional: bool = False
    field: bool = False


class Output(Node):
    """One output of a component: small, as a parameter, or stored, as an artifact."""

    name: Identifier
    type: str
    kind: Literal["parameter", "artifact"]


class Component(Node):
    """A step function or step class: its interface, and how it wants to run."""

    code: str
    role: Role = "step"
    description: str = ""
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()
    options: Options = Options.model_construct()
    span: Span | None = None


class Binding(Node):
    """An input's name and where its value comes from."""

    name: Identifier
    value: Value


class Step(Node):
    """One call of a component. `after` names steps or scopes that must be done before."""

    id: Label
    component: str
    scope: Label | None = None
    inputs: tuple[Binding, ...] = ()
    after: tuple[Label, ...] = ()
    options: Options = Options.model_construct()
    on_exit: bool = False
    span: Span | None = None


class Branch(Node):
    """One arm of a `when` chain; the arm without a condition is `otherwise`."""

    kind: Literal["branch"] = "branch"
    id: Label
    parent: Label | None = None
    chain: Label
    condition: Condition | None = None
    span: Span | None = None


class Loop(Node):
    """The body that runs once for each item of a list."""

    kind: Literal["loop"] = "loop"
    id: Label
    parent: Label | None = None
    items: Value
    parallel: Annotated[int, Field(ge=1)] | None = None
    span: Span | None = None


class Nested(Node):
    """A pipeline called inside a pipeline: what it was given, and its parameters."""

    kind: Literal["nested"] = "nested"
    id: Label
    parent: Label | None = None
    pipeline: Label
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    inputs: tuple[Binding, ...] = ()
    options: Options = Options.model_construct()
    span: Span | None = None


Scope = Annotated[Branch | Loop | Nested, Field(discriminator="kind")]


class Schedule(Node):
    """When the pipeline runs by itself; `start` is an ISO date."""

    cron: str
    timezone: str = "UTC"
    catchup: bool = False
    start: str | None = None


class PipelineOutput(Node):
    """What the pipeline returns under a name."""

    name: Identifier
    type: str
    value: Value


class Image(Node):
    """An image that steps run in: what is installed, and the digest of the code in it.

    `name` stands for all the others; `pushed` is where a registry has it, by its own digest.
    """

    name: ImageName
    base: str
    python: str
    platform: str
    packages: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    penstock: str
    source: str
    steps: tuple[Label, ...]
    pushed: ImageName | None = None


class PipelineIR(Node):
    """A whole pipeline; `steps` are in the order in which they were written."""

    name: Label
    description: str = ""
    owner: str | None = None
    tags: tuple[str, ...] = ()
    schedule: Schedule | None = None
    options: Options = Options.model_construct()
    parameters: tuple[Parameter, ...] = ()
    classes: tuple[Class, ...] = ()
    components: tuple[Component, ...] = ()
    scopes: tuple[Scope, ...] = ()
    steps: tuple[Step, ...] = ()
    outputs: tuple[PipelineOutput, ...] = ()
    images: tuple[Image, ...] = ()
    span: Span | None = None
