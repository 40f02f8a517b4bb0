"""A project in a temporary folder, whose pipelines really run on the local executors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from penstock.backend import check_pipeline
from penstock.cli.targets import Target, load_target
from penstock.runner import Event, RunOptions, RunResult
from penstock_local import LocalBackend
from penstock_runtime.artifacts import load_value
from penstock_runtime.opening import open_store
from penstock_runtime.reference import Artifact, Constant, Several, Value

PRELUDE = """\
import os, sys, time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from penstock import *
from penstock import Field, Retry, Secret, Resources, RunStatus, Metrics
"""

_E = TypeVar("_E")
_numbers = count()


@dataclass
class Ran:
    """A run that is over: what it gave, what it told, and its records."""

    result: RunResult
    events: list[Event]

    @property
    def states(self) -> dict[str, str]:
        """How each step ended."""
        return {one.step: one.state for one in self.result.steps}

    @property
    def digests(self) -> dict[str, Any]:
        """What every step gave: values, and digests of artifacts."""
        return {
            one.step: {name: _identity(value) for name, value in one.outputs.items()}
            for one in self.result.steps
        }

    def told(self, kind: type[_E]) -> list[_E]:
        """The events of one kind."""
        return [one for one in self.events if isinstance(one, kind)]

    def value(self, step: str, output: str = "value") -> Any:
        """An output of a step, read back from the store."""
        found = next(one for one in self.result.steps if one.step == step).outputs[output]
        return self.plain(found)

    def plain(self, found: Value, hint: Any = Any) -> Any:
        """A value, read back from the store as the annotation asks."""
        if isinstance(found, Constant):
            return found.value
        assert isinstance(found, Artifact)
        store = open_store(self.result.store)
        with store.scratch() as scratch:
            return load_value(found.ref, hint, store, scratch / "value", trusted=True)

    def record(self, name: str) -> Any:
        """A record of the run."""
        return json.loads((self.folder / name).read_bytes())

    @property
    def folder(self) -> Path:
        """Where the run's records are."""
        return Path(self.result.store, self.result.records)


def _identity(value: Value) -> Any:
    if isinstance(value, Several):
        return [_identity(one) for one in value.items]
    return value.value if isinstance(value, Constant) else value.ref.digest


class Project:
    """A folder with pipelines in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "store"

    def write(self, text: str, name: str = "") -> Path:
        """A module of the project; without a name, one that no other test has."""
        file = self.folder / f"{name or f'flow_{os.getpid()}_{next(_numbers)}'}.py"
        file.write_text(PRELUDE + textwrap.dedent(text))
        return file

    def run(
        self,
        text: str | Path,
        executor: str = "inline",
        parameters: Mapping[str, object] | None = None,
        jobs: int | None = 2,
        resume: str | None = None,
    ) -> Ran:
        """Runs the only pipeline of a module in this process or in workers."""
        target = load_target(str(self.write(text) if isinstance(text, str) else text))
        return self.run_target(target, executor, parameters, jobs, resume)

    def run_target(
        self,
        target: Target,
        executor: str = "inline",
        parameters: Mapping[str, object] | None = None,
        jobs: int | None = 2,
        resume: str | None = None,
        cache: bool = True,
        image: str = "",
    ) -> Ran:
        """Runs a pipeline that is loaded; `image` is that of all its steps."""
        backend = LocalBackend()
        checked = check_pipeline(target.ir, backend)
        options = RunOptions(
            store=str(self.store),
            root=target.root,
            path=(str(target.import_root),),
            executor=executor,
            jobs=jobs,
            written=checked.written,
            resume=resume,
            cache=cache,
            images={step.id: image for step in target.ir.steps} if image else {},
        )
        events: list[Event] = []
        result = backend.run(checked.lowered, parameters or {}, options, events.append)
        return Ran(result, events)

    def command(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """`penstock …` in the project's folder, as a user would call it."""
        return subprocess.run(
            penstock(*arguments),
            cwd=self.folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="backslashreplace",
            timeout=60,
            check=False,
        )

    def last_run(self, store: Path | None = None) -> Path:
        """The folder of the youngest run."""
        return max((store or self.store).glob("runs/*/*/*/*"), key=lambda one: one.name)


def penstock(*arguments: str | Path) -> list[str]:
    """The command line of penstock in this environment."""
    return [sys.executable, "-m", "penstock.cli", *map(str, arguments)]
