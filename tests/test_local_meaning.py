"""Any program means the same on every executor, and that is what the reference says."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any, cast

import pytest
from conftest import LONG
from hypothesis import HealthCheck, given, settings
from local_project import Project, Ran
from programs import ALL, Program, loaded, programs
from reference import Outcome, Reference

from penstock.cli.targets import Target
from penstock.features import Feature
from penstock.runner import StepStarted
from penstock_runtime.reference import Artifact, Several, Value, parse_value

WITHOUT_WAITING = ALL - {Feature.RETRY_BACKOFF}
"""While a failed step waits for its next attempt others run, which the reference does not know."""
OF_THIS_RUN = ("run", "started", "ended", "durations", "host", "sha256")


def examples(count: int) -> settings:
    """So many programs in the short profile, a hundred times as many in the long one."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(max_examples=count * 100 if LONG else count, suppress_health_check=checks)


@dataclass
class Case:
    """A program in a folder of its own, ready to be run in every way."""

    folder: Path
    module: ModuleType
    target: Target
    values: dict[str, Any]

    def meant(self) -> Outcome:
        """What the reference says."""
        defaults = {one.name: one.default for one in self.target.ir.parameters if one.default}
        given = {name: json.loads(text) for name, text in defaults.items()} | self.values
        return Reference(self.target.ir, self.module, given).run()

    def ran(self, executor: str, jobs: int, *, cache: bool = False) -> Ran:
        """What an executor makes of it, in a new store."""
        place = self.folder / f"{executor}-{jobs}"
        place.mkdir()
        project = Project(place)
        return project.run_target(self.target, executor, self.values, jobs, cache=cache)

    def agree(self, ran: Ran, meant: Outcome) -> None:
        """A run came to what the reference says, step by step and value by value."""
        assert ran.states == meant.states, ran.events
        assert ran.result.state == meant.status
        for one in ran.result.steps:
            if one.state == "succeeded":
                commit = ran.record(f"steps/{one.step}/commit.json")
                took = meant.inputs[one.step]  # without what Python itself fills in
                inputs = {name: parse_value(commit["inputs"][name], name) for name in took}
                assert self.all_plain(ran, inputs) == self.plain(took)
                assert self.all_plain(ran, one.outputs) == self.plain(meant.outputs[one.step])
        assert self.all_plain(ran, ran.result.outputs) == self.plain(meant.result)

    def plain(self, value: Any) -> Any:
        """A value of the program as JSON has it."""
        return self.module.plain(value)

    def all_plain(self, ran: Ran, values: Any) -> Any:
        """Stored values as JSON has them."""
        return {name: self.plain(self.read(ran, value)) for name, value in values.items()}

    def read(self, ran: Ran, value: Value) -> Any:
        """A stored value."""
        if isinstance(value, Several):
            return [self.read(ran, one) for one in value.items]
        if isinstance(value, Artifact):
            return ran.plain(value, getattr(self.module, value.ref.type.partition(":")[2], Any))
        return ran.plain(value)


@contextmanager
def case(program: Program) -> Generator[Case]:
    """The program as something to run; its secrets are set."""
    with (
        TemporaryDirectory() as name,
        loaded(program, Path(name)) as module,
        pytest.MonkeyPatch.context() as patch,
    ):
        target = Target(module.main.trace(), Path(name), Path(name))
        for part in (*target.ir.steps, *target.ir.components, *target.ir.scopes, target.ir):
            for secret in getattr(getattr(part, "options", None), "secrets", None) or ():
                patch.setenv(secret.env, "a secret value")
        # A generated Level.HIGH has a hostile value, by which it is given.
        levels = {one.name for one in target.ir.parameters if one.type.endswith(".Level")}
        values = {
            name: module.Level.HIGH.value if name in levels and value != "low" else value
            for name, value in program.values.items()
        }
        yield Case(Path(name), module, target, values)


def commits(ran: Ran) -> dict[str, Any]:
    """What every step has committed, but for what no two runs have in common."""
    found: dict[str, Any] = {}
    for file in ran.folder.glob("steps/*/commit.json"):
        record = cast("dict[str, Any]", json.loads(file.read_bytes()))
        found[file.parent.name] = {k: v for k, v in record.items() if k not in OF_THIS_RUN}
    return found


@examples(15)
@given(programs(size=10))
def test_a_program_means_what_the_reference_says(program: Program) -> None:
    with case(program) as one:
        meant = one.meant()
        assert meant.status == "succeeded"
        one.agree(one.ran("inline", 1, cache=True), meant)


@examples(15)
@given(programs(features=WITHOUT_WAITING, size=10, failing=True))
def test_a_failing_program_stops_where_the_reference_does(program: Program) -> None:
    with case(program) as one:
        meant = one.meant()
        ran = one.ran("inline", 1)
        one.agree(ran, meant)
        # In the reference's order too: the first step that can run, always.
        assert list(dict.fromkeys(e.step for e in ran.told(StepStarted))) == list(meant.inputs)


@examples(4)
@given(programs(size=10))
def test_workers_make_the_same_bytes_as_one_process(program: Program) -> None:
    with case(program) as one:
        inline = one.ran("inline", 1)
        for jobs in (1, 4):
            process = one.ran("process", jobs)
            assert process.states == inline.states, process.events
            assert process.digests == inline.digests
            assert commits(process) == commits(inline)
            assert process.result.outputs == inline.result.outputs
        one.agree(inline, one.meant())


@pytest.mark.parametrize("executor", ["inline", "process"])
def test_a_retry_that_is_due_goes_before_other_steps(tmp_path: Path, executor: str) -> None:
    project = Project(tmp_path)
    ran = project.run(
        """
        @step(retries=2)
        def fails() -> None:
            raise ValueError

        @step
        def other() -> None: ...

        @pipeline
        def two():
            fails()
            other()
        """,
        executor,
        jobs=1,
    )
    assert ran.states == {"fails": "failed", "other": "not run"}


@examples(4)
@given(programs(features=WITHOUT_WAITING, size=10, failing=True))
def test_a_failing_program_stops_in_a_worker_too(program: Program) -> None:
    with case(program) as one:
        ran = one.ran("process", 1)
        one.agree(ran, one.meant())
