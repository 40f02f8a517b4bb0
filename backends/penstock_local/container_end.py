"""Why a container gave no answer, in one sentence."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from typing import Any

from penstock_local.executors import Failed, Job, took_longer

_SIGNALLED = 128


def out_of_memory(state: Mapping[str, Any]) -> bool:
    """Whether the system has ended a process of the container for its memory."""
    return bool(state.get("OOMKilled"))


def needed_more(step: str, memory: str | None) -> str:
    """The step has used all the memory that it may have."""
    its = f"its {memory} of memory" if memory else "the memory of this machine"
    return (
        f"step {step!r} needed more than {its}; ask for more with resources=Resources(memory=...)"
    )


def lost(job: Job, state: Mapping[str, Any], memory: str | None, *, timed_out: bool) -> Failed:
    """The step had begun, and its container ended before the step returned."""
    step, code = job.request.step, int(state.get("ExitCode") or 0)
    if timed_out:
        message = took_longer(job)
    elif out_of_memory(state):
        message = needed_more(step, memory)
    elif code > _SIGNALLED:
        message = f"the container of step {step!r} was ended by {_name(code - _SIGNALLED)}"
        if code - _SIGNALLED == signal.SIGKILL:
            message += "; this is how the system ends a process that needs too much memory"
    else:
        message = (
            f"the container of step {step!r} ended with exit code {code} before the step returned"
        )
    return Failed(job, "step", message, recorded=False)


def never_began(job: Job, state: Mapping[str, Any], image: str, said: Iterable[str]) -> Failed:
    """Nothing of the step has run: its image is not made for it."""
    errors = [line.strip() for line in said if "rror" in line or "No module" in line]
    why = f": {errors[-1]}" if errors else f" (exit code {state.get('ExitCode')})"
    message = f"the image {image} cannot run step {job.request.step!r}{why}"
    return Failed(job, "request", message, recorded=False)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
