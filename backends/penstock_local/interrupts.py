"""Ctrl-C and SIGTERM, let in only where they do no harm: never between a step and its record."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from penstock_runtime.copies import end_copies_by_default


class Interrupts:
    """While it is open, the two signals are kept until a place that allows them."""

    def __init__(self) -> None:
        self._allowed = False
        self._pending = False
        self._before: dict[int, Any] = {}
        self._process = os.getpid()

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            end_copies_by_default(Interrupts._came)
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._came)
        return self

    def again(self) -> None:
        """Takes the signals back from a step that has run in this process."""
        for number in self._before:
            if signal.getsignal(number) != self._came:
                signal.signal(number, self._came)

    def __exit__(self, *error: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _came(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a copy that a step has forked
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        elif self._allowed:
            # Only once: what handles the first must not be hit by a second half-way.
            self._allowed = False
            raise KeyboardInterrupt
        else:
            self._pending = True

    def check(self) -> None:
        """Raises KeyboardInterrupt for a signal that came since the last place that allowed one."""
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    @contextmanager
    def allowed(self) -> Generator[None, None, None]:
        """Raises KeyboardInterrupt inside the block, also for a signal that came before it."""
        self.check()
        self._allowed = True
        try:
            yield
        finally:
            self._allowed = False
