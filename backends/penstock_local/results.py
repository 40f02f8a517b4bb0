"""How the steps of a run ended, in the order of the pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from penstock.ir.nodes import PipelineIR
from penstock.runner import StepResult
from penstock_runtime.request import Request


class Results:
    """The result of each step so far; `logs` are digests, `failures` the last message.

    `commits` are those that this process has written itself, `tried` what steps that gave nothing
    were asked.
    """

    def __init__(self, ir: PipelineIR) -> None:
        self._written = {step.id: place for place, step in enumerate(ir.steps)}
        self._of: dict[str, StepResult] = {}
        self.logs: dict[str, str] = {}
        self.failures: dict[str, str] = {}
        self.commits: dict[str, Mapping[str, Any]] = {}
        self.tried: dict[str, Request] = {}

    def add(self, result: StepResult) -> None:
        """The step is over."""
        self._of[result.step] = result

    def __getitem__(self, step: str) -> StepResult:
        return self._of[step]

    def ordered(self, unfinished: Iterable[str]) -> tuple[StepResult, ...]:
        """All of them, and those that did not run; rounds of a loop by item, scopes last."""
        waiting = [StepResult(name, "not run") for name in unfinished if name not in self._of]
        return tuple(sorted([*self._of.values(), *waiting], key=self._place))

    def _place(self, result: StepResult) -> tuple[int, tuple[int, ...]]:
        name = result.step
        rounds: tuple[int, ...] = ()
        while name not in self._written and (last := name.rpartition(".")[2]).isdecimal():
            name, rounds = name[: -len(last) - 1], (int(last), *rounds)
        return self._written.get(name, len(self._written)), rounds
