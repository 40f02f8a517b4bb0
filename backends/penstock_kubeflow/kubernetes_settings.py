"""Settings of Kubernetes that the pipeline's language has no words for, from a YAML file.

all:                      # every step
  pull-policy: Always
  pull-secrets: [registry]
  labels: {team: ml}
  config-maps: [{name: settings, key: level, env: LEVEL}]
steps:
  train:                  # one step, by its id; `search.*` is each step of a nested pipeline
    node-selector: {disk: ssd}
    tolerations: [{key: gpu, operator: Exists, effect: NoSchedule}]
    volumes:
      - {claim: datasets, path: /data, sub-path: churn}
      - {secret: tls, path: /etc/tls}
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from penstock.backend import BackendError
from penstock.ir.yamlload import YamlError, load

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,253}$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
LabelKey = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?"
        r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$"
    ),
]
LabelValue = Annotated[str, Field(pattern=r"^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$")]
Folder = Annotated[str, Field(pattern=r"^/[^\x00-\x1f{}$:]*$", max_length=500)]
Plain = Annotated[str, Field(pattern=r"^[^{}$\x00-\x08\x0e-\x1f]*$", max_length=5000)]


class _Node(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=lambda name: name.replace("_", "-"),
    )


class ConfigMapKey(_Node):
    """One key of a config map as a variable."""

    name: Name
    key: Key
    env: Variable
    optional: bool = False


class Toleration(_Node):
    """A taint of nodes that the step puts up with."""

    key: LabelKey | None = None
    operator: Literal["Exists", "Equal"] = "Equal"
    value: LabelValue | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    seconds: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Toleration:
        if self.operator == "Exists" and self.value is not None:
            raise ValueError("a toleration with operator: Exists has no value")
        if self.operator == "Equal" and self.key is None:
            raise ValueError("a toleration needs a key, or operator: Exists")
        return self


class Volume(_Node):
    """Something mounted at a path: a claim, a secret, a config map, or an empty folder."""

    path: Folder
    claim: Name | None = None
    sub_path: Plain | None = None
    secret: Name | None = None
    config_map: Name | None = None
    empty: Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?([EPTGMk]i?)?$")] | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _one(self) -> Volume:
        named = [self.claim, self.secret, self.config_map, self.empty]
        if sum(one is not None for one in named) != 1:
            raise ValueError("a volume is one of claim, secret, config-map, empty (its size)")
        if self.sub_path is not None and self.claim is None:
            raise ValueError("only a claim has a sub-path")
        return self


class Settings(_Node):
    """What one step, or every step, asks of Kubernetes."""

    pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    pull_secrets: tuple[Name, ...] = ()
    labels: dict[LabelKey, LabelValue] = {}
    annotations: dict[LabelKey, Plain] = {}
    node_selector: dict[LabelKey, LabelValue] = {}
    tolerations: tuple[Toleration, ...] = ()
    config_maps: tuple[ConfigMapKey, ...] = ()
    volumes: tuple[Volume, ...] = ()


class Kubernetes(_Node):
    """The whole file. `steps` has ids of steps, or patterns with `*`; the later counts."""

    all: Settings = Settings.model_construct()
    steps: dict[str, Settings] = {}

    def key_of(self, step: str) -> tuple[str, ...]:
        """The entries under `steps` that a step takes part in."""
        return tuple(name for name in self.steps if fnmatchcase(step, name))

    def of(self, names: tuple[str, ...]) -> Settings:
        """What the entries say together with `all`: lists are joined, mappings by key."""
        found = self.all
        for name in names:
            found = _merged(found, self.steps[name])
        return found


def _merged(far: Settings, near: Settings) -> Settings:
    said = {name: getattr(near, name) for name in near.model_fields_set}
    for name, value in said.items():
        if isinstance(value, tuple):
            said[name] = (*getattr(far, name), *value)
        elif isinstance(value, dict):
            said[name] = getattr(far, name) | value
    return far.model_copy(update=said)


def read_settings(text: str) -> Kubernetes:
    """The settings in a YAML text. Raises `BackendError` that names the place."""
    try:
        data = load(text)
    except YamlError as error:
        raise BackendError(f"the option kubernetes is no YAML: {error}") from None
    try:
        return Kubernetes.model_validate(data, strict=False)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"] if one != "[key]")
        reason = first["msg"].removeprefix("Value error, ")
        raise BackendError(
            f"the option kubernetes is wrong at {where or 'the top'}: {reason}"
        ) from None
