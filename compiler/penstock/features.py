"""The capability vocabulary: what a pipeline may ask of a backend, and how a backend answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Feature(StrEnum):
    """One thing a pipeline can use; every backend takes a position on each."""

    SEQUENCE = "steps and artifacts"
    PARAMETER = "pipeline parameters"
    CONSTRAINT = "parameter constraints"
    SEVERAL_OUTPUTS = "several outputs"
    PROJECTION = "a part of a value"
    LIST_INPUT = "a list of values"
    NESTED = "nested pipelines"
    BRANCH = "when / otherwise"
    ONE_OF = "one_of"
    LOOP_STATIC = "each over a fixed list"
    LOOP_PARAMETER = "each over a parameter"
    LOOP_OUTPUT = "each over an output"
    LOOP_NESTED = "each inside each"
    PARALLEL = "each(parallel=n)"
    GATHER = "gather"
    EXIT = "on_exit"
    RUN_STATUS = "RunStatus"
    ORDER = "after"
    RETRY = "retries"
    RETRY_BACKOFF = "retry delay and backoff"
    TIMEOUT = "timeout"
    CACHE = "cache"
    RESOURCES = "cpu, memory, disk"
    GPU = "gpu"
    ENV = "env"
    SECRET = "secrets"  # noqa: S105 - the name of a feature
    IMAGE = "image"
    SCHEDULE = "schedule"
    CATALOG = "tags, owner, description"


@dataclass(frozen=True, slots=True)
class Support:
    """A backend's answer for one feature, with the reason when it is not a plain yes."""

    how: Literal["native", "lowered", "notyet", "never"]
    why: str = ""

    @property
    def works(self) -> bool:
        """Whether a pipeline that uses the feature compiles for the backend."""
        return self.how in ("native", "lowered")


NATIVE = Support("native")


def lowered(rewrite: str) -> Support:
    """Supported because the named rewrite expresses it by simpler means."""
    return Support("lowered", rewrite)


def notyet(why: str) -> Support:
    """Possible on the target, but not built; `why` says what is missing."""
    return Support("notyet", why)


def never(why: str) -> Support:
    """The target cannot express it; `why` says so in its own terms."""
    return Support("never", why)
