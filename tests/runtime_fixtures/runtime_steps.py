"""Steps that the tests of the runtime run."""

import functools
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from penstock_runtime import Metrics, RunStatus, current_run, log_metadata, log_metric


class Colour(Enum):
    RED = "red"


class Split(NamedTuple):
    train: list[Any]
    n: int
    ratio: float


@dataclass
class Facts:
    rows: int
    colour: Colour
    pair: tuple[int, str]


def nothing() -> None:
    pass


def double(n: int) -> int:
    return 2 * n


def split(data: list[Any], ratio: float = 0.5) -> Split:
    cut = int(len(data) * ratio)
    return Split(data[:cut], cut, 1)


def wrong_count(data: list[Any]) -> Split:
    return (data, 1)  # type: ignore[return-value]  # the mistake that is tested  # pyright: ignore[reportReturnType]


def no_tuple() -> Split:
    return None  # type: ignore[return-value]  # the mistake that is tested  # pyright: ignore[reportReturnType]


def wrong_class() -> bytes:
    return "text"  # type: ignore[return-value]  # the mistake that is tested  # pyright: ignore[reportReturnType]


def facts(colour: Colour) -> Facts:
    return Facts(rows=3, colour=colour, pair=(1, "a"))


def describe(facts: Facts) -> str:
    return f"{facts.rows} {facts.colour.name} {facts.pair}"


def score(data: list[Any]) -> Metrics:
    log_metric("loss", 0.5, step=1)
    log_metric("loss", 0.25, step=2)
    log_metadata({"rows": len(data)})
    return Metrics(auc=0.75)


def gathered(many: list[list[int]]) -> int:
    return sum(sum(one) for one in many)


def fails(secret: str) -> None:
    _inner(secret)


def _inner(secret: str) -> None:
    raise ValueError(f"no {secret}")


def leaves() -> None:
    sys.exit(0)


def reads_env() -> str:
    return os.environ["PENSTOCK_TEST_VALUE"]


def where() -> dict[str, str]:
    run = current_run()
    assert run is not None
    return {"run": run.run, "step": run.step, "text": run.orchestrator_run or ""}


def writes_folder(work: str) -> Path:
    folder = Path(work) / "made"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("a")
    (folder / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (folder / "sub" / "run.sh").chmod(0o755)
    return folder


def reads_folder(folder: Path) -> list[str]:
    (folder / "a.txt").write_text("changed")  # a copy of its own: nobody else sees it
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))


def status(final: RunStatus) -> str:
    return f"{final!r}"


def waits(mark: str) -> bytes:
    try:
        Path(mark).write_text("started")
        time.sleep(30)
    finally:
        Path(mark).write_text("cleaned")
    return b"never"


def unpicklable() -> object:
    return lambda: None


def prints() -> bytes:
    print("to stdout")
    return b"x"


class Decorated:
    """Stands for the language's decorator: calling it would trace."""

    __penstock_step__ = True

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)

    def __call__(self, *args: object, **kwargs: object) -> object:
        raise AssertionError("traced instead of run")


@Decorated
def decorated(n: int) -> int:
    return n + 1


def doubled(function: Callable[..., int]) -> Callable[..., int]:
    """A decorator of the user's own."""

    @functools.wraps(function)
    def inner(*args: Any, **named: Any) -> int:
        return 2 * function(*args, **named)

    return inner


@Decorated
@doubled
@functools.cache
def decorated_twice(n: int, /, m: int) -> int:
    return n + m


class DecoratedRun:
    @doubled
    def run(self, n: int) -> int:
        return n


class Fit:
    C: float = 1.0

    def __init__(self, C: float = 1.0) -> None:
        vars(self)["C"] = C

    @Decorated
    def run(self, data: list[Any]) -> dict[str, Any]:
        return {"C": self.C, "rows": len(data), "items": tuple(data)}


class Bomb:
    """Unpickling it would create a file."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (os.environ.get("PENSTOCK_TEST_BOMB", os.devnull), "w"))


def bomb() -> object:
    return Bomb()


def takes(thing: object) -> str:
    return type(thing).__name__


def draws() -> bytes:
    return os.urandom(16)
