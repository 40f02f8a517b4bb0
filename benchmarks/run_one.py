"""Runs a chain of steps that do nothing, here, and prints what it took, as JSON.

`python run_one.py FOLDER MODULE EXECUTOR`: the module is imported from the folder.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, cast


def main() -> None:
    """Runs the pipeline twice, the first time to warm up, each in a store of its own."""
    folder, module, executor = sys.argv[1:]
    sys.path.insert(0, folder)
    pipeline = importlib.import_module(module).bench
    from penstock.backend import check_pipeline, load_backend
    from penstock.runner import Event, RunOptions

    backend = cast(Any, load_backend("local"))
    checked = check_pipeline(pipeline.trace(), backend)

    def quiet(event: Event) -> None:
        """Nobody watches."""

    def once() -> dict[str, float]:
        with tempfile.TemporaryDirectory() as store:
            options = RunOptions(
                store=store,
                root=Path(folder),
                path=(folder,),
                executor=executor,
                jobs=1,
                written=checked.written,
            )
            cpu, wall = time.process_time(), time.perf_counter()
            result = backend.run(checked.lowered, {}, options, quiet)
            found = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
            if result.state != "succeeded":
                raise SystemExit(f"the run has {result.state}")
            return found

    once()
    print(json.dumps(once()))


if __name__ == "__main__":
    main()
