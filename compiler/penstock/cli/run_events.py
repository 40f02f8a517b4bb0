"""A run as JSON lines: one event each, for scripts."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from penstock.runner import Event, Listener, RunFinished, RunResult
from penstock_runtime.reference import value_to_json


@contextmanager
def json_view() -> Generator[Listener, None, None]:
    """Writes each event to stdout; what steps print inline goes to stderr meanwhile."""
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    try:
        with open(real, "w", encoding="utf-8", closefd=False) as out:

            def listen(event: Event) -> None:
                out.write(json.dumps(event_as_json(event)) + "\n")
                out.flush()

            yield listen
    finally:
        sys.stdout.flush()
        os.dup2(real, 1)
        os.close(real)


def event_as_json(event: Event) -> dict[str, Any]:
    """An event as one JSON object; `event` says which, as in `step_failed`."""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()
    if isinstance(event, RunFinished):
        before = {"written_before": True} if event.written_before else {}
        return {"event": kind, **before, **result_as_json(event.result)}
    return {"event": kind, **asdict(event)}


def result_as_json(result: RunResult) -> dict[str, Any]:
    """How a run ended, with all steps and what they gave."""
    return {
        "run": result.run,
        "pipeline": result.pipeline,
        "state": result.state,
        "seconds": result.seconds,
        "store": result.store,
        "records": result.records,
        "commit": result.commit,
        "steps": [
            {
                "step": one.step,
                "state": one.state,
                "attempts": one.attempts,
                "seconds": one.seconds,
                "reused": one.reused,
                "outputs": {name: value_to_json(value) for name, value in one.outputs.items()},
                "metrics": dict(one.metrics),
            }
            for one in result.steps
        ],
        "outputs": {name: value_to_json(value) for name, value in result.outputs.items()},
    }
