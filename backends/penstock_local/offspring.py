"""Processes that the code in this process has started, found and ended; on Linux."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

_LOOK_SECONDS = 0.02


def moment() -> float:
    """Now, on the clock by which the system tells when a process began."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else 0.0


def end_offspring(since: float, grace: float) -> None:
    """Ends the children that began since a moment, and theirs: asked first, then made to."""
    ticks = int(since * os.sysconf("SC_CLK_TCK"))
    for number in (signal.SIGTERM, signal.SIGKILL):
        found = {one: began for one, began in offspring(os.getpid()).items() if began >= ticks}
        send(found, number)
        until = time.monotonic() + grace
        while any(_began(one) == began for one, began in found.items()):
            if time.monotonic() >= until:
                break
            time.sleep(_LOOK_SECONDS)


def offspring(process: int) -> dict[int, int]:
    """The children of a process, and theirs, each with the moment when it began, in ticks."""
    found: dict[int, int] = {}
    for child in _children(process):
        began = _began(child)
        if began is not None:
            found[child] = began
        found |= offspring(child)
    return found


def send(processes: Mapping[int, int], number: int) -> None:
    """Signals those of the processes that are still the same."""
    for process, began in processes.items():
        if _began(process) == began:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, number)


def _children(process: int) -> Iterator[int]:
    for thread in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            yield from map(int, thread.read_text().split())


def _began(process: int) -> int | None:
    """When a process began, in the system's ticks; None if it is over."""
    try:
        text = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return None
    # Its name, in parentheses, may hold spaces.
    state, *fields = text.rpartition(b")")[2].split()
    return None if state in (b"Z", b"X") else int(fields[18])
