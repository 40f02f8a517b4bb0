"""Runs steps in parallel in warm worker processes, each the leader of a process group."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from penstock_local.answers import told_by
from penstock_local.executors import GRACE_SECONDS, Failed, Job, Line, Told, took_longer
from penstock_local.interrupts import Interrupts
from penstock_local.lines import Lines
from penstock_local.offspring import offspring, send

_LOOK_AROUND_SECONDS = 0.2
_CHUNK = 1 << 16


class Worker:
    """One process: idle, at a job, or on its way out."""

    def __init__(self) -> None:
        log_read, log_write = os.pipe()
        answer_read, answer_write = os.pipe()
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [sys.executable, "-P", "-m", "penstock_local.worker", str(answer_write)],
                stdin=subprocess.PIPE,
                stdout=log_write,
                stderr=log_write,
                pass_fds=(answer_write,),
                start_new_session=True,
            )
        finally:
            os.close(log_write)
            os.close(answer_write)
        self.log = log_read
        self.answers = answer_read
        os.set_blocking(self.log, False)
        os.set_blocking(self.answers, False)
        self.job: Job | None = None
        self.deadline: float | None = None
        self.timed_out = False
        self.used = False
        self.log_ended = False
        self._began = False
        self._strays: dict[int, int] = {}
        self._log = Lines()
        self._answer = b""

    def give(self, job: Job) -> None:
        """Begins a job; a worker that died meanwhile is found dead by the pool."""
        self.job = job
        self._began = False
        self.send(job.request.to_json())

    def send(self, message: Mapping[str, object]) -> None:
        """One line of JSON to the worker."""
        assert self.process.stdin is not None  # noqa: S101 - it is a PIPE
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def lines(self, *, last: bool = False) -> list[Told]:
        """What the step has printed so far; with `last`, also a line without an end."""
        found, ended = _read(self.log)
        self.log_ended = self.log_ended or ended
        if self.job is None:
            self._log.keep(found)
            return []
        texts = self._log.add(found) + (self._log.last() if last else [])
        return [Line(self.job, text) for text in texts]

    def answer(self) -> dict[str, Any] | None:
        """The answer to the job, if it is there; the clock runs once the worker has begun."""
        self._answer += _read(self.answers)[0]
        while b"\n" in self._answer:
            line, _, self._answer = self._answer.partition(b"\n")
            found: dict[str, Any] = json.loads(line)
            if "began" not in found:
                return found
            self._began = True
            if self.job is not None and self.job.timeout is not None:
                self.deadline = time.monotonic() + self.job.timeout
        return None

    @property
    def died_idle(self) -> bool:
        """Whether the job that it was given last has never begun, after others before it."""
        return self.used and not self._began

    def stop(self) -> None:
        """Tells the worker and whatever it started to end."""
        # Those in a group of their own are found while their parents still live.
        self._strays |= offspring(self.process.pid)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGTERM)
        send(self._strays, signal.SIGTERM)

    def kill(self) -> None:
        """Ends the worker and whatever it started."""
        self._strays |= offspring(self.process.pid)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        send(self._strays, signal.SIGKILL)

    def end(self) -> None:
        """Leaves nothing behind."""
        self.kill()
        self.process.wait()
        assert self.process.stdin is not None  # noqa: S101 - it is a PIPE
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        os.close(self.log)
        os.close(self.answers)


class ProcessExecutor:
    """Up to `jobs` workers, started when there is work for them and kept warm."""

    def __init__(self, jobs: int, interrupts: Interrupts) -> None:
        self.jobs = jobs
        self._interrupts = interrupts
        self._workers: list[Worker] = []
        self._modules: dict[str, list[str]] = {}
        self._selector = selectors.DefaultSelector()

    def prepare(self, path: tuple[str, ...], modules: tuple[str, ...], warm: list[Worker]) -> None:
        """Lets a first worker import the user's modules while the run is still being set up."""
        self._modules = {"path": list(path), "import": list(modules)}
        self._add(warm.pop() if warm else None)

    def start(self, job: Job) -> None:
        """Gives the job to an idle worker, or to a new one."""
        idle = next((one for one in self._workers if one.job is None), None)
        (idle or self._add()).give(job)

    def wait(self, seconds: float | None) -> list[Told]:
        """What the workers say, until one of them has something to say."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            pause = _LOOK_AROUND_SECONDS
            now = time.monotonic()
            for moment in (until, *(one.deadline for one in self._workers)):
                if moment is not None:
                    pause = min(pause, max(moment - now, 0.0))
            with self._interrupts.allowed():
                ready = self._selector.select(pause)
            told = self._look(ready or None)
            if told or (until is not None and time.monotonic() >= until):
                return told

    def cancel(self) -> list[Told]:
        """Asks the busy workers to stop, then makes them."""
        waiting = [one for one in self._workers if one.job is not None]
        for worker in waiting:
            worker.stop()
        told: list[Told] = []
        until = time.monotonic() + GRACE_SECONDS
        while waiting:
            try:
                with self._interrupts.allowed():
                    self._selector.select(0.02)
            except KeyboardInterrupt:
                until = 0.0  # asked twice: no more patience
            for worker in list(waiting):
                dead = worker.process.poll() is not None
                answer = worker.answer()
                if answer is None and not dead and time.monotonic() < until:
                    told += worker.lines()
                    continue
                told += worker.lines(last=True)
                if answer is not None and worker.job is not None:
                    told.append(told_by(worker.job, answer))
                waiting.remove(worker)
                self._drop(worker)
        return told

    def close(self) -> None:
        """Ends all workers; idle ones have nothing to lose."""
        for worker in list(self._workers):
            self._drop(worker)
        self._selector.close()

    def _add(self, warm: Worker | None = None) -> Worker:
        worker = warm or Worker()
        if self._modules:
            worker.send(self._modules)
        self._workers.append(worker)
        self._selector.register(worker.log, selectors.EVENT_READ, worker)
        self._selector.register(worker.answers, selectors.EVENT_READ, worker)
        return worker

    def _drop(self, worker: Worker) -> None:
        self._workers.remove(worker)
        self._forget(worker.log)
        self._forget(worker.answers)
        worker.end()

    def _forget(self, pipe: int) -> None:
        with suppress(KeyError):
            self._selector.unregister(pipe)

    def _look(self, ready: Iterable[tuple[selectors.SelectorKey, int]] | None) -> list[Told]:
        found = {id(key.data): key.data for key, _ in ready} if ready else {}
        told: list[Told] = []
        for worker in list(self._workers):
            if worker.deadline is not None and time.monotonic() >= worker.deadline:
                self._out_of_time(worker)
            if id(worker) in found or not ready:
                told += self._hear(worker)
        return told

    def _hear(self, worker: Worker) -> list[Told]:
        dead = worker.process.poll() is not None
        answer = worker.answer()
        if answer is not None:
            told = worker.lines(last=True)
            told += [told_by(worker.job, answer)] if worker.job is not None else []
            worker.job, worker.deadline, worker.used = None, None, True
            if worker.timed_out:  # the signal may reach it only now
                self._drop(worker)
            return told
        if not dead:
            told = worker.lines()
            if worker.log_ended:  # the step closed its stdout: nothing to wait for any more
                self._forget(worker.log)
            return told
        told, job = worker.lines(last=True), worker.job
        code = worker.process.returncode
        self._drop(worker)
        if job is not None and worker.died_idle:
            self._add().give(job)
        elif job is not None:
            message = _why(job, code, worker.timed_out)
            told.append(Failed(job, "step", message, recorded=False))
        return told

    def _out_of_time(self, worker: Worker) -> None:
        if worker.timed_out:
            worker.kill()
            worker.deadline = None
        else:
            worker.timed_out = True
            worker.stop()
            worker.deadline = time.monotonic() + GRACE_SECONDS


def _why(job: Job, code: int, timed_out: bool) -> str:
    step = job.request.step
    if timed_out:
        return took_longer(job)
    if code >= 0:
        return f"the process of step {step!r} ended with exit code {code} before the step returned"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    memory = "; this is how the system ends a process that needs too much memory"
    return f"the process of step {step!r} was ended by {name}" + memory * (code == -signal.SIGKILL)


def _read(pipe: int) -> tuple[bytes, bool]:
    """All there is for now, and whether that was the end."""
    found: list[bytes] = []
    try:
        while chunk := os.read(pipe, _CHUNK):
            found.append(chunk)
    except BlockingIOError:
        return b"".join(found), False
    return b"".join(found), True
