"""Runs the steps one after another in this process, where a debugger can follow them."""

from __future__ import annotations

import signal
import sys
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from penstock_local.executors import Done, Failed, Job, Told
from penstock_local.interrupts import Interrupts
from penstock_local.masked import hidden
from penstock_runtime.errors import BadRequest, StepFailed, StoreError
from penstock_runtime.execute import execute
from penstock_runtime.store import Store


class InlineExecutor:
    """One step at a time; what it prints goes where this process prints."""

    jobs = 1

    def __init__(self, store: Store, interrupts: Interrupts) -> None:
        self._store = store
        self._interrupts = interrupts
        self._next: deque[Job] = deque()

    def start(self, job: Job) -> None:
        """The job runs in a `wait`, after those that were started before."""
        self._next.append(job)

    def wait(self, seconds: float | None) -> list[Told]:
        """Runs one job; Ctrl-C is raised inside the step."""
        if not self._next:
            with self._interrupts.allowed():
                threading.Event().wait(seconds)
            return []
        job = self._next.popleft()
        try:
            secrets = [job.request.env[name] for name in job.request.secrets]
            with self._interrupts.allowed(), hidden(secrets), _at_most(job.timeout):
                return [Done(job, execute(job.request, self._store, announce=True))]
        except StepFailed as error:
            return [Failed(job, "step", str(error), error.trace)]
        except BadRequest as error:
            return [Failed(job, "request", str(error))]
        except StoreError as error:
            return [Failed(job, "store", str(error))]
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()

    def cancel(self) -> list[Told]:
        """The step that ran has seen the interrupt itself."""
        self._next.clear()
        return []

    def close(self) -> None:
        """Nothing is left to end."""


@contextmanager
def _at_most(seconds: float | None) -> Generator[None, None, None]:
    """Raises TimeoutError inside the block when the time is over.

    It reaches Python code at its next instruction; code that stays inside C for long ends first.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the step took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
