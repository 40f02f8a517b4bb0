"""Times what a step calls to say something about itself, in a run with a real store; as JSON.

`python log_one.py STORE CALLS`: microseconds a call, writing what was collected included.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any


def main() -> None:
    """Times each function in a run of its own."""
    from penstock_runtime.context import (
        ActiveRun,
        active,
        current_run,
        log_metadata,
        log_metric,
        log_metrics,
    )
    from penstock_runtime.opening import open_store
    from penstock_runtime.records import RunRecords
    from penstock_runtime.run_id import new_run_id

    store, calls = open_store(str(Path(sys.argv[1]).absolute())), int(sys.argv[2])
    five = {f"metric{n}": n / 3 for n in range(5)}
    facts = {"epoch": 3, "lr": 0.01, "tags": ["a", "b"]}
    functions: dict[str, Callable[[int], Any]] = {
        "log_metric": lambda n: log_metric("loss", 0.5),
        "log_metric with a step": lambda n: log_metric("loss", 0.5, n),
        "log_metrics of five with a step": lambda n: log_metrics(five, n),
        "log_metadata": lambda n: log_metadata(facts),
        "current_run": lambda n: current_run(),
    }

    def timed(call: Callable[[int], Any]) -> float:
        records, numbers = RunRecords(store, new_run_id()), count()

        def sink(points: list[dict[str, Any]]) -> None:
            records.curve("fit", 1, next(numbers), points)

        run = ActiveRun(new_run_id(), "fit", sink=sink)
        began = time.perf_counter()
        with active(run):
            for number in range(calls):
                call(number)
        run.flush()
        return (time.perf_counter() - began) / calls * 1e6

    def least(call: Callable[[int], Any]) -> float:
        return min(map(timed, [call] * 3))

    print(json.dumps({name: least(partial(call)) for name, call in functions.items()}))


if __name__ == "__main__":
    main()
