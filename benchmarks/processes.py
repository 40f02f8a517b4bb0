"""Runs a measurement in fresh processes, with bytecode caches as any user has them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Times:
    """Seconds that a command and its children took, once, and the megabytes of the largest."""

    cpu: float
    wall: float
    peak: float


def environment() -> dict[str, str]:
    """The surroundings without what would keep Python from caching bytecode, or speak to it."""
    return {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}


def timed(command: Sequence[str | Path], repeat: int) -> list[Times]:
    """The times of whole processes, start and end included; once more to fill the caches."""
    found: list[Times] = []
    for _ in range(repeat + 1):
        with tempfile.TemporaryFile() as out:
            began = time.perf_counter()
            process = subprocess.Popen(
                command, env=environment(), stdout=out, stderr=subprocess.STDOUT
            )
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - began
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                out.seek(0)
                raise RuntimeError(f"{command} failed:\n{out.read().decode(errors='replace')}")
        peak = used.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
        found.append(Times(used.ru_utime + used.ru_stime, wall, peak))
    return found[1:]


def told(command: Sequence[str | Path]) -> dict[str, Any]:
    """What a measuring program prints as JSON on its last line."""
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stdout}{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def python(*words: str | Path) -> list[str | Path]:
    """The command line of a fresh interpreter."""
    return [sys.executable, *words]


def best(values: Iterable[float]) -> float:
    """The least disturbed value."""
    return min(values)


def median(values: Iterable[float]) -> float:
    """The middle value."""
    return statistics.median(values)
