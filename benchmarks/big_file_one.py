"""Sends one large file through a store, here, and prints the memory and time it took, as JSON.

`python big_file_one.py STORE FILE COPY`: the copy is written and removed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path


def main() -> None:
    """Puts, copies and fetches the file, after a small one has warmed everything up."""
    url, source, copy = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    from penstock_runtime.opening import open_store
    from penstock_runtime.store import Blob

    store = open_store(url)
    small = copy.with_name("small")
    small.write_bytes(bytes(1 << 20))
    blob = store.put_file(small)
    small.unlink()
    store.copy_to(blob.digest, small)
    small.unlink()

    stored = Blob("", 0)

    def put() -> None:
        nonlocal stored
        stored = store.put_file(source)

    def fetch() -> None:
        with store.scratch() as scratch:
            store.fetch(stored.digest, scratch / "fetched", stored.size)

    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _memory("VmRSS")
    works: dict[str, Callable[[], None]] = {
        "put": put,
        "copy": lambda: store.copy_to(stored.digest, copy, stored.size),
        "fetch": fetch,
    }
    found: dict[str, float] = {}
    for name, work in works.items():
        began = time.perf_counter()
        work()
        found[name] = time.perf_counter() - began
        copy.unlink(missing_ok=True)
    found["memory"] = _memory("VmHWM") - before
    print(json.dumps(found))


def _memory(kind: str) -> float:
    """Megabytes of this process, as the kernel counts them."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) / 1024


if __name__ == "__main__":
    main()
