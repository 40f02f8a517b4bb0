"""Runs a pipeline: takes what is ready from the schedule, gives it to the executor, records all."""

from __future__ import annotations

import heapq
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from penstock.ir.arguments import ArgumentError, arguments
from penstock.ir.nodes import PipelineIR
from penstock.ir.write import plan_digest
from penstock.runner import (
    CannotRun,
    Listener,
    RunFinished,
    RunOptions,
    RunResult,
    RunStarted,
    RunState,
    StepCancelled,
    StepFailed,
    StepLine,
    StepResult,
    StepReused,
    StepSkipped,
    StepStarted,
    StepState,
    StepSucceeded,
)
from penstock_local.earlier import take_over
from penstock_local.environments import Environments
from penstock_local.executors import Done, Executor, Failed, Job, Line, Told
from penstock_local.interrupts import Interrupts
from penstock_local.journal import Journal
from penstock_local.log import Log
from penstock_local.pool import ProcessExecutor, Worker
from penstock_local.requests import Requests
from penstock_local.results import Results
from penstock_local.resuming import (
    Resumption,
    recorded_parameters,
    resumption,
    same_parameters,
)
from penstock_local.reusing import Reuse, Reused
from penstock_local.schedule import Schedule, Task
from penstock_local.secrets import resolved
from penstock_local.source import copied
from penstock_local.surroundings import Git, environment_facts
from penstock_local.unenforced import unenforced
from penstock_runtime.opening import open_store
from penstock_runtime.redaction import Redactor
from penstock_runtime.reference import object_or_empty
from penstock_runtime.request import Request
from penstock_runtime.response import Response
from penstock_runtime.store import Store

_SHOWN_LINES = 50


def run(
    ir: PipelineIR,
    parameters: Mapping[str, object],
    options: RunOptions,
    listen: Listener,
    warm: list[Worker],
) -> RunResult:
    """Runs a lowered pipeline; raises `CannotRun` before anything has run, and `StoreError`.

    Workers that were started before are taken out of `warm`.
    """
    if options.jobs is not None and options.jobs < 1:
        raise CannotRun("at least one step must be able to run at a time")
    secrets = resolved(ir, options.root)
    store = open_store(options.store)
    values = _arguments(ir, parameters, options, store)
    plan = plan_digest(options.written or ir)
    resumed = resumption(store, ir, plan, options.resume)
    with Interrupts() as interrupts:
        git = Git(options.root)
        executor, environments = _executor(ir, options, store, interrupts, warm)
        surroundings = _Surroundings(
            store, executor, interrupts, secrets, resumed, plan, environments
        )
        try:
            return _Run(ir, values, options, listen, surroundings).go(git)
        finally:
            executor.close()


def _arguments(
    ir: PipelineIR, parameters: Mapping[str, object], options: RunOptions, store: Store
) -> Mapping[str, object]:
    before = recorded_parameters(store, options.resume)
    try:
        return arguments(ir, same_parameters(before, parameters, options.resume))
    except ArgumentError as error:
        raise CannotRun(str(error)) from None


def _executor(
    ir: PipelineIR,
    options: RunOptions,
    store: Store,
    interrupts: Interrupts,
    warm: list[Worker],
) -> tuple[Executor, Environments]:
    """The executor, and what the steps run in; raises `CannotRun`."""
    if options.executor == "docker":
        return _in_containers(ir, options, interrupts)
    return _here(ir, options, store, interrupts, warm), Environments(environment_facts(None))


def _in_containers(
    ir: PipelineIR, options: RunOptions, interrupts: Interrupts
) -> tuple[Executor, Environments]:
    from penstock_local.container_opening import ContainerEngine, images_by_step

    images = images_by_step(ir, options)
    engine = ContainerEngine()
    engine.get(images, {step.options.image for step in ir.steps if step.options.image})
    environments = Environments(environment_facts(None), ir, images, engine.identify)
    return engine.executor(ir, images, options, interrupts), environments


def _here(
    ir: PipelineIR,
    options: RunOptions,
    store: Store,
    interrupts: Interrupts,
    warm: list[Worker],
) -> Executor:
    if options.executor == "inline":
        # Imported here: a run in processes never loads what executes a step.
        from penstock_local.inline import InlineExecutor

        return InlineExecutor(store, interrupts)
    if options.executor == "process":
        modules = dict.fromkeys(one.code.partition(":")[0] for one in ir.components)
        pool = ProcessExecutor(options.jobs or os.cpu_count() or 1, interrupts)
        pool.prepare(options.path, tuple(modules), warm)
        return pool
    raise CannotRun(
        f"there is no executor {options.executor!r}; there are process, inline and docker"
    )


@dataclass
class _Active:
    """A step that has begun and is not over."""

    task: Task
    request: Request
    began: float
    attempt: int = 0
    before: int = 0
    """Attempts of a runner that was killed; they do not count as retries."""
    attempt_began: float = 0.0
    log: Log = field(default_factory=Log)
    shown: bool = False
    """What it wrote stands on the screen already."""


@dataclass(frozen=True)
class _Surroundings:
    """What a run has to do with."""

    store: Store
    executor: Executor
    interrupts: Interrupts
    secrets: Mapping[str, str]
    resumed: Resumption
    plan: str
    environments: Environments


class _Run:
    def __init__(
        self,
        ir: PipelineIR,
        parameters: Mapping[str, object],
        options: RunOptions,
        listen: Listener,
        around: _Surroundings,
    ) -> None:
        self._ir = ir
        self._parameters = parameters
        self._options = options
        self._listen = listen
        self._store = around.store
        self._executor = around.executor
        self._interrupts = around.interrupts
        self._secrets = around.secrets
        self._resumed = around.resumed
        self._images = around.environments.recorded()
        self._id = around.resumed.run
        self._redact = Redactor(around.secrets.values())
        self._journal = Journal(around.store, around.plan, around.resumed, self._redact)
        self._schedule = Schedule(ir, parameters)
        self._reuse = Reuse(
            around.store,
            self._schedule.names,
            self._id,
            options.path,
            around.environments,
            use_cache=options.cache,
            resumes=around.resumed.of,
        )
        self._requests = Requests(self._schedule.names, options, self._id, around.secrets)
        self._active: dict[str, _Active] = {}
        self._retries: list[tuple[float, int, str]] = []
        self._order = count()
        self._results = Results(ir)
        self._state: RunState = "succeeded"
        self._commit: str | None = None
        self._began = time.monotonic()

    def go(self, git: Git) -> RunResult:
        """From the first record to the last."""
        surroundings = self._surroundings(git)
        notes = (
            *self._resumed.notes,
            *unenforced(self._ir, self._options.executor, self._options.store),
        )
        self._commit = object_or_empty(surroundings["git"]).get("commit")
        self._journal.began(self._ir, self._parameters, self._options, surroundings, notes)
        self._listen(
            RunStarted(
                run=self._id,
                pipeline=self._ir.name,
                store=self._store.url,
                executor=self._options.executor,
                jobs=self._executor.jobs,
                steps=len(self._ir.steps),
                notes=notes,
                resumes=self._resumed.of,
            )
        )
        self._drive(self._schedule.next, keep_going=False)
        exits = iter(self._schedule.exits(self._state))
        self._drive(lambda: next(exits, None), keep_going=True)
        return self._finished()

    def _surroundings(self, git: Git) -> dict[str, Any]:
        """The versions of what runs: the code, by git and as a copy, and what is installed."""
        secrets = tuple(self._secrets.values())
        state = git.facts(self._store, secrets)  # may take a while; what follows is quick
        codes = [self._reuse.codes.of(one.code) for one in self._ir.components]
        return {
            "git": state,
            "source": copied(self._store, codes, secrets),
            "environment": environment_facts(self._store),
            **({"images": self._images} if self._images else {}),
        }

    def _drive(self, following: Callable[[], Task | None], *, keep_going: bool) -> None:
        """Runs steps until there are none; after a failure no new ones begin."""
        failures = len(self._results.failures)
        try:
            while True:
                going = keep_going or len(self._results.failures) == failures
                if going:
                    self._look_at_scopes()
                    going = keep_going or len(self._results.failures) == failures
                if going:
                    self._start_retries()
                else:
                    self._give_up_retries()
                while going and self._free() and (task := following()) is not None:
                    self._begin(task)
                if not self._active:
                    return
                for told in self._executor.wait(self._until_retry()):
                    self._hear(told, may_retry=going)
        except KeyboardInterrupt:
            self._cancelled()

    def _free(self) -> bool:
        return len(self._active) - len(self._retries) < self._executor.jobs

    def _begin(self, task: Task) -> None:
        self._interrupts.check()
        began = time.monotonic()
        decided = self._reuse.look(task.step, self._requests.of(task))
        if isinstance(decided, Reused):
            self._take(task, decided, began)
            return
        tried = self._journal.attempts(task.name)
        self._active[task.name] = _Active(task, decided.request, began, tried, tried)
        self._try(task.name)

    def _take(self, task: Task, reused: Reused, began: float) -> None:
        """An earlier result stands for the step; in a run that goes on it is committed already."""
        response, found = reused.response, reused.found
        if found.run != self._id:
            response, commit = take_over(self._store, found, response, reused.request)
            if commit is not None:
                self._results.commits[task.name] = commit
        self._results.add(
            StepResult(
                step=task.name,
                state="succeeded",
                seconds=time.monotonic() - began,
                outputs=response.outputs,
                metrics=response.metrics,
                reused=found.run,
            )
        )
        told = StepReused(task.name, found.run, found.step, reused.why, response.metrics)
        self._listen(told)
        self._schedule.succeeded(task.key, response)
        self._tell_skipped()

    def _try(self, name: str) -> None:
        active = self._active[name]
        active.attempt += 1
        active.attempt_began = time.monotonic()
        self._listen(StepStarted(name, active.attempt))
        timeout = active.task.step.options.timeout
        request = replace(active.request, attempt=active.attempt)
        self._executor.start(Job(request, timeout))

    def _start_retries(self) -> None:
        """Begins the retries that are due, before any other step."""
        now = time.monotonic()
        while self._retries and self._retries[0][0] <= now and self._free():
            _, _, name = heapq.heappop(self._retries)
            self._try(name)

    def _until_retry(self) -> float | None:
        """Seconds until the next retry; None where there is none, or no place for it yet."""
        if not self._retries or not self._free():
            return None
        return max(self._retries[0][0] - time.monotonic(), 0.0)

    def _give_up_retries(self) -> None:
        for _, _, name in self._retries:
            self._close(name, "failed")
        self._retries.clear()

    def _hear(self, told: Told, *, may_retry: bool) -> None:
        name = told.job.request.step
        if isinstance(told, Line):
            text = self._redact(told.text)
            active = self._active[name]
            active.log.add(text)
            active.shown = told.shown
            if not told.shown:
                self._listen(StepLine(name, text))
        elif isinstance(told, Done):
            self._done(name, told.response)
        else:
            self._failed(name, told, may_retry)

    def _done(self, name: str, response: Response) -> None:
        active = self._active[name]
        edited = not self._reuse.remember(active.request)
        self._close(name, "succeeded", response, edited=edited)
        self._listen(StepSucceeded(name, self._results[name].seconds, response.metrics, edited))
        if not active.task.step.on_exit:
            self._schedule.succeeded(active.task.key, response)
            self._tell_skipped()

    def _tell_skipped(self) -> None:
        for name in self._schedule.skipped:
            self._results.add(StepResult(name, "skipped"))
            self._listen(StepSkipped(name))
        self._schedule.skipped.clear()

    def _look_at_scopes(self) -> None:
        """Skips and impossibilities that came up before any step, or with the last one."""
        self._tell_skipped()
        for name, reason in self._schedule.broken:
            message = self._redact(f"{name} cannot go on: {reason}")
            self._results.failures[name] = message
            self._state = "failed"
            self._results.add(StepResult(name, "failed"))
            self._listen(StepFailed(name, 1, 0.0, message))
        self._schedule.broken.clear()

    def _failed(self, name: str, told: Failed, may_retry: bool) -> None:
        active = self._active[name]
        message = self._redact(told.message)
        if not told.recorded:
            code = active.task.step.component
            self._journal.attempt_lost(name, active.attempt, code, message)
        delay = self._retry_delay(active, told) if may_retry else None
        self._listen(
            StepFailed(
                step=name,
                attempt=active.attempt,
                seconds=time.monotonic() - active.attempt_began,
                message=message,
                trace=self._redact(told.trace),
                log=() if active.shown else active.log.tail(_SHOWN_LINES),
                retry_in=delay,
            )
        )
        if delay is not None:
            due = time.monotonic() + delay
            heapq.heappush(self._retries, (due, next(self._order), name))
            return
        self._state = "failed" if self._state == "succeeded" else self._state
        self._results.failures[name] = message
        self._close(name, "failed")

    def _retry_delay(self, active: _Active, told: Failed) -> float | None:
        retry = active.task.step.options.retry
        tried = active.attempt - active.before
        if retry is None or tried > retry.times or told.blame == "request":
            return None
        return float(retry.delay * retry.backoff ** (tried - 1))

    def _cancelled(self) -> None:
        """Ctrl-C: what runs is stopped, and told so; a step that was done before counts."""
        self._state = "cancelled"
        self._retries.clear()
        for told in self._executor.cancel():
            if told.job.request.step in self._active and not isinstance(told, Failed):
                self._hear(told, may_retry=False)
        for name in list(self._active):
            self._close(name, "cancelled")
            self._listen(StepCancelled(name, self._results[name].seconds))

    def _close(
        self,
        name: str,
        state: StepState,
        response: Response | None = None,
        *,
        edited: bool = False,
    ) -> None:
        active = self._active.pop(name)
        if active.log:
            self._results.logs[name] = self._journal.log(active.log)
        if response is None:
            self._results.tried[name] = active.request
        self._results.add(
            StepResult(
                step=name,
                state=state,
                attempts=active.attempt,
                seconds=time.monotonic() - active.began,
                outputs=response.outputs if response else {},
                metrics=response.metrics if response else {},
                edited=edited,
            )
        )

    def _finished(self) -> RunResult:
        result = RunResult(
            run=self._id,
            pipeline=self._ir.name,
            state=self._state,
            seconds=time.monotonic() - self._began,
            store=self._store.url,
            records=self._journal.folder,
            steps=self._results.ordered(self._schedule.unfinished()),
            outputs=self._schedule.outputs(),
            commit=self._commit,
        )
        first = self._journal.ended(result, self._results)
        self._listen(RunFinished(result, written_before=not first))
        return result
