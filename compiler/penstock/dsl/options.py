"""What a user may say about how a step or a pipeline runs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypedDict

from penstock.dsl.names import is_label

Plain = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a step needs: `cpu` in cores, `memory` and `disk` as `"4Gi"`, `gpu` in devices."""

    cpu: float | str | None = None
    memory: str | None = None
    gpu: int | None = None
    gpu_type: str | None = None
    disk: str | None = None


@dataclass(frozen=True)
class Retry:
    """Tries a failed step again `times` times, first after `delay`, then `backoff` times longer."""

    times: int
    delay: float | str | timedelta = 0.0
    backoff: float = 1.0


@dataclass(frozen=True)
class Secret:
    """A credential by reference: the `key` of the secret `name`, as the variable `env`.

    `key` and `env` default to the name. The value itself never enters a pipeline.
    """

    name: str
    key: str | None = None
    env: str | None = None


@dataclass(frozen=True)
class Schedule:
    """When a pipeline runs by itself: cron text, a timezone's name, and a first day."""

    cron: str
    timezone: str = "UTC"
    catchup: bool = False
    start: date | str | None = None


@dataclass(frozen=True, kw_only=True)
class Field:
    """What a parameter must satisfy, for use in `Annotated[float, Field(ge=0, le=1)]`."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    multiple_of: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    description: str = ""


class StepOptions(TypedDict, total=False):
    """The options of a step, as `@step(...)`, a step class and `.options(...)` take them."""

    name: str
    image: str
    requires: Sequence[str]
    packages: Sequence[str]
    resources: Resources
    retries: int | Retry
    timeout: float | str | timedelta
    cache: bool
    env: Mapping[str, str]
    secrets: Sequence[Secret]
    after: Sequence[object]


OPTION_NAMES = tuple(StepOptions.__annotations__)


class OptionError(ValueError):
    """An option has a value that it cannot have; the message says which and why."""


_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|sec|m|min|h|d)?")
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def seconds(value: object, option: str) -> float:
    """A duration in seconds, from a number of them, a timedelta, or text such as `"10m"`."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        match = _SPAN.fullmatch(value.strip())
        if match:
            return float(match[1]) * _SECONDS[match[2] or "s"]
    raise OptionError(f"{option}={value!r} is no duration; write seconds, or text such as '10m'")


def _texts(value: object, option: str) -> list[str]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        items: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType]
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) == len(items):
            return texts
    raise OptionError(f"{option}={value!r} is no list of text")


def _retry(value: object) -> Plain:
    retry = Retry(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(retry, Retry):
        raise OptionError(f"retries={value!r} is neither a number nor a Retry")
    if type(retry.times) is not int or retry.times < 0:
        raise OptionError(f"retries={retry.times!r} is no count of 0 or more")
    plain: Plain = {"times": retry.times}
    delay = seconds(retry.delay, "delay")
    if not 0 <= delay < float("inf"):
        raise OptionError(f"delay={retry.delay!r} is no time to wait")
    if delay:
        plain["delay"] = delay
    if retry.backoff != 1:
        if type(retry.backoff) not in (int, float) or not 1 <= retry.backoff < float("inf"):
            raise OptionError(f"backoff={retry.backoff!r} is no factor of 1 or more")
        plain["backoff"] = float(retry.backoff)
    return plain


def _timeout(value: object) -> float:
    length = seconds(value, "timeout")
    if not 0 < length < float("inf"):
        raise OptionError(f"timeout={value!r} is not longer than nothing")
    return length


def _resources(value: object) -> Plain:
    if not isinstance(value, Resources):
        raise OptionError(f"resources={value!r} is no Resources(...)")
    plain = {key: one for key, one in dataclasses.asdict(value).items() if one is not None}
    if "cpu" in plain and type(plain["cpu"]) not in (int, float, str):
        raise OptionError(f"resources: cpu={plain['cpu']!r} is no number")
    if type(plain.get("cpu")) is int:
        plain["cpu"] = float(plain["cpu"])
    for key, kinds in (("memory", str), ("disk", str), ("gpu", int), ("gpu_type", str)):
        if key in plain and type(plain[key]) is not kinds:
            raise OptionError(f"resources: {key}={plain[key]!r} is no {kinds.__name__}")
    return plain


def _env(value: object) -> Plain:
    if isinstance(value, Mapping):
        entries = dict(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        if all(isinstance(one, str) for pair in entries.items() for one in pair):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            return entries  # pyright: ignore[reportUnknownVariableType]
    raise OptionError("env is no mapping of text to text")


def _secrets(value: object) -> list[Plain]:
    if not isinstance(value, Sequence):
        raise OptionError(f"secrets={value!r} is no list of Secret(...)")
    found: list[Plain] = []
    for one in value:  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(one, Secret):
            raise OptionError("secrets holds something that is no Secret(name, key, env)")
        if not is_label(one.name):
            raise OptionError(f"{one.name!r} cannot be the name of a secret")
        key = one.key or one.name
        found.append({"name": one.name, "key": key, "env": one.env or key})
    return found


def _kind(value: object, option: str, kind: type) -> object:
    if type(value) is not kind:
        raise OptionError(f"{option}={value!r} is no {kind.__name__}")
    return value


def plain_options(options: StepOptions) -> Plain:
    """The options as plain data, without `name` and `after`, which belong to one call.

    Raises `OptionError` on the first value that an option cannot have.
    """
    plain: Plain = {}
    for option, value in options.items():
        match option:
            case "image":
                plain["image"] = _kind(value, option, str)
            case "requires" | "packages":
                plain[option] = _texts(value, option)
            case "resources":
                plain["resources"] = _resources(value)
            case "retries":
                plain["retry"] = _retry(value)
            case "timeout":
                plain["timeout"] = _timeout(value)
            case "cache":
                plain["cache"] = _kind(value, option, bool)
            case "env":
                plain["env"] = _env(value)
            case "secrets":
                plain["secrets"] = _secrets(value)
            case "after":
                if not isinstance(value, list | tuple):
                    raise OptionError("after is no list; write after=[...]")
            case "name":
                pass
            case unknown:
                raise OptionError(f"{unknown} is no option of a step")
    return plain


def plain_schedule(value: object) -> Plain:
    """A schedule as plain data; raises `OptionError`."""
    schedule = Schedule(value) if isinstance(value, str) else value
    if not isinstance(schedule, Schedule):
        raise OptionError(f"schedule={value!r} is neither cron text nor a Schedule")
    plain: Plain = {"cron": schedule.cron}
    if schedule.timezone != "UTC":
        plain["timezone"] = schedule.timezone
    if schedule.catchup:
        plain["catchup"] = True
    if schedule.start is not None:
        start = schedule.start
        day = start.date() if isinstance(start, datetime) else start
        plain["start"] = day.isoformat() if isinstance(day, date) else day
    return plain
