"""What the cache remembers: which step of which run was committed under a key.

    cache/<ab>/<cdef...>/<uuid>.json   {"run": "<uuid>", "step": "split"}, sealed

The key stands for the code, the parameters, the inputs and the environment of a step. What the
step gave stands in its commit, and nowhere else.
"""

from penstock_runtime.errors import BadRequest, RecordCorrupt, StoreError
from penstock_runtime.labels import is_digest
from penstock_runtime.request import check_label, check_run
from penstock_runtime.run_id import new_run_id
from penstock_runtime.sealing import read_record, sealed
from penstock_runtime.store import Store


def remember(store: Store, key: str, run: str, step: str) -> None:
    """Remember a commit under a key. Raises StoreError."""
    entry = sealed({"run": run, "step": step})
    # Losing it in a power cut costs one more execution, and no result.
    store.create(f"{_folder(key)}/{new_run_id()}.json", entry, durable=False)


def remembered(store: Store, key: str) -> list[tuple[str, str]]:
    """The run and step of each commit under a key, newest first; what is damaged is left out."""
    folder = _folder(key)
    found: list[tuple[str, str]] = []
    for name in reversed(store.names(folder)):
        try:
            entry = read_record(store, f"{folder}/{name}") or {}
            found.append((check_run(entry.get("run")), check_label(entry.get("step"), "step")))
        except (BadRequest, RecordCorrupt):
            continue  # the step runs again, and is remembered anew
    return found


def _folder(key: str) -> str:
    if not is_digest(key):
        raise StoreError(f"{key!r} is not the key of a cache")
    bare = key.removeprefix("sha256:")
    return f"cache/{bare[:2]}/{bare[2:]}"
