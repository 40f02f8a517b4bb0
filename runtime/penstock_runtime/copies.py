"""Copies of this process that a step forks: SIGTERM ends them, as it ends any process.

Python runs its handlers between two instructions. A copy that is about to block would never hear
a signal that comes just then, and `multiprocessing` waits for ever for workers it told to end.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import cache
from typing import Any


@cache  # the system of hooks knows no way back: once for each handler
def end_copies_by_default(handler: Callable[..., Any]) -> None:
    """From now on a copy forgets this function, or method, as its handler of SIGTERM."""
    before: list[set[signal.Signals | int]] = []

    def hold() -> None:
        before.append(set(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})))

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before.pop())

    def forget() -> None:
        found = signal.getsignal(signal.SIGTERM)
        if getattr(found, "__func__", found) is handler:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=forget)
