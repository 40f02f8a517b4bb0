"""Compiles one generated pipeline in this process and prints what it took, as JSON.

`python compile_one.py FOLDER MODULE TARGET [WARM_MODULE]`: the module is imported from the folder
before the clock starts. A warm module is compiled first, so that imports are paid for. TARGET is
a backend or `yaml`.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def compile_to(pipeline: Any, target: str, folder: Path) -> dict[str, float]:
    """From the call of the pipeline function to the written files; CPU seconds of each part."""
    clock = [time.process_time()]
    ir = pipeline.trace()
    clock.append(time.process_time())
    # Inside, because a user pays for these imports, too.
    from penstock.backend import Options, check_pipeline, emitted, load_backend
    from penstock.cli.output import write_bundle

    if target == "yaml":
        from penstock.ir.text import dump_pipeline

        check_pipeline(ir)
        clock.append(time.process_time())
        bundle = {"pipeline.yaml": dump_pipeline(ir)}
    else:
        backend = load_backend(target)
        checked = check_pipeline(ir, backend)
        clock.append(time.process_time())
        bundle = dict(emitted(checked, backend, Options()))
    clock.append(time.process_time())
    write_bundle(folder, bundle)
    clock.append(time.process_time())
    names = ("trace", "check", "emit", "write")
    parts = {
        name: after - before for name, before, after in zip(names, clock, clock[1:], strict=False)
    }
    return parts | {"bytes": float(sum(map(len, bundle.values())))}


def plain_json(pipeline: Any) -> float:
    """CPU seconds of `json.dumps` for the same plain data: what plain Python needs to write it."""
    from penstock.ir.write import to_plain

    data = to_plain(pipeline.trace())
    times: list[float] = []
    for _ in range(3):
        began = time.process_time()
        json.dumps(data, indent=2)
        times.append(time.process_time() - began)
    return min(times)


def peak_megabytes() -> float:
    """The most memory that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


def main() -> None:
    """Measures what the command line names."""
    folder, module, target, *warm = sys.argv[1:]
    sys.path.insert(0, folder)
    pipeline = importlib.import_module(module).bench
    with tempfile.TemporaryDirectory() as out:
        for name in warm:
            compile_to(importlib.import_module(name).bench, target, Path(out))
        cpu, wall = time.process_time(), time.perf_counter()
        parts = compile_to(pipeline, target, Path(out))
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    found = {"cpu": cpu, "wall": wall, "peak": peak_megabytes()}
    print(json.dumps(found | parts | {"limit": plain_json(pipeline)}))


if __name__ == "__main__":
    main()
