"""Writes whole runs into a store as fast as it can, and prints when it began and ended, as JSON.

`python write_runs.py STORE RUNS GO`: begins when the file GO is there.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Each run has its start, one step with a start and a commit, and its end."""
    from penstock_runtime.opening import open_store
    from penstock_runtime.records import RunRecords, utc_now
    from penstock_runtime.run_id import new_run_id

    store, runs, go = open_store(str(Path(sys.argv[1]).absolute())), int(sys.argv[2]), sys.argv[3]
    print("ready", flush=True)
    while not Path(go).exists():
        time.sleep(0.001)
    began = time.monotonic()
    for number in range(runs):
        records = RunRecords(store, new_run_id())
        facts = {"pipeline": "bench", "started": utc_now(), "number": number}
        step: dict[str, object] = {
            "step": "fit",
            "attempt": 1,
            "code": "bench:fit",
            "inputs": {},
            "outputs": {},
        }
        written = [records.start(facts)]
        records.step_started("fit", 1, step)
        written += [records.commit("fit", step), records.end({**facts, "status": "succeeded"})]
        if not all(written):
            raise SystemExit("a record was there already")
    print(json.dumps({"began": began, "ended": time.monotonic()}))


if __name__ == "__main__":
    main()
