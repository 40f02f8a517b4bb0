"""Runs the steps one after another in this process, where a debugger can follow them."""

from __future__ import annotations

import signal
import sys
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from penstock_local.executors import GRACE_SECONDS, Done, Failed, Job, Line, Told, took_longer
from penstock_local.interrupts import Interrupts
from penstock_local.offspring import end_offspring, moment
from penstock_local.printing import Printed, printing
from penstock_runtime.errors import BadRequest, StepFailed, StoreError, Terminated
from penstock_runtime.execute import execute
from penstock_runtime.store import Store


class InlineExecutor:
    """One step at a time; what it prints goes where this process prints."""

    jobs = 1

    def __init__(self, store: Store, interrupts: Interrupts) -> None:
        self._store = store
        self._interrupts = interrupts
        self._next: deque[Job] = deque()
        self._began = moment()
        self._last: list[Told] = []

    def start(self, job: Job) -> None:
        """The job runs in a `wait`, after those that were started before."""
        self._next.append(job)

    def wait(self, seconds: float | None) -> list[Told]:
        """Runs one job; Ctrl-C is raised inside the step."""
        if not self._next:
            with self._interrupts.allowed():
                threading.Event().wait(seconds)
            return []
        job, began, printed = self._next.popleft(), moment(), Printed()
        secrets = [job.request.env[name] for name in job.request.secrets]
        ended: Told
        try:
            with (
                self._interrupts.allowed(),
                printing(secrets, printed),
                _at_most(job.timeout),
            ):
                ended = Done(job, execute(job.request, self._store, announce=True))
        except Terminated:
            end_offspring(began, GRACE_SECONDS)
            ended = Failed(job, "step", took_longer(job), recorded=False)
        except StepFailed as error:
            ended = Failed(job, "step", str(error), error.trace)
        except BadRequest as error:
            ended = Failed(job, "request", str(error))
        except StoreError as error:
            ended = Failed(job, "store", str(error))
        except KeyboardInterrupt:
            self._last = [Line(job, text, shown=True) for text in printed.lines()]
            raise
        finally:
            self._interrupts.again()
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        return [*(Line(job, text, shown=True) for text in printed.lines()), ended]

    def cancel(self) -> list[Told]:
        """The step that ran has seen the interrupt itself; what steps have started is ended."""
        self._next.clear()
        end_offspring(self._began, GRACE_SECONDS)
        last, self._last = self._last, []
        return last

    def close(self) -> None:
        """Nothing is left to end."""


@contextmanager
def _at_most(seconds: float | None) -> Generator[None, None, None]:
    """Raises Terminated inside the block when the time is over, and again if that is caught.

    It reaches Python code at its next instruction; code that stays inside C for long ends first.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def over(number: int, frame: FrameType | None) -> None:
        raise Terminated(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds, GRACE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
