"""Stores with runs in them, written as writers do but without running anything."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from penstock_runtime.local import LocalStore
from penstock_runtime.records import RunRecords, utc_now
from penstock_runtime.run_id import new_run_id, run_folder
from penstock_runtime.sealing import sealed
from penstock_runtime.store import Store

FIXTURE = Path(__file__).parent / "fixtures/store-1"


def _status_in(run: Path) -> str:
    end = run / "99-end.json"
    return str(json.loads(end.read_bytes())["status"]) if end.exists() else "no end"


RUNS = {
    status: next(
        path.parent.name
        for path in sorted(FIXTURE.glob("runs/*/*/*/*/00-start.json"))
        if status == _status_in(path.parent)
    )
    for status in ("succeeded", "failed", "cancelled", "no end")
}
"""The runs of the fixture by how they ended."""

DAY = 86_400.0


def fixture_copy(folder: Path) -> Path:
    """A copy of the fixture store that may be written to, younger than any time of grace."""
    target = folder / "store-1"
    shutil.copytree(FIXTURE, target, copy_function=shutil.copy)
    return target


def reference(digest: str, size: int, **more: Any) -> dict[str, Any]:
    """An artifact as records refer to it."""
    return {
        "digest": digest,
        "size": size,
        "type": "builtins:bytes",
        "materializer": "bytes",
        "media": "application/octet-stream",
        "unsafe": False,
        "preview": None,
        **more,
    }


class Writer:
    """Writes the records of one run, in the order of a real one."""

    def __init__(self, store: Store, run: str | None = None, **start: Any) -> None:
        self.store, self.run = store, run or new_run_id()
        self.records = RunRecords(store, self.run)
        self.folder = Path(store.url, run_folder(self.run))
        self._artifacts: list[dict[str, Any]] = []
        self._steps: dict[str, Any] = {}
        self._start: dict[str, Any] = {
            "pipeline": "flow",
            "backend": "local",
            "parameters": {},
            **start,
        }
        self.records.start({**self._start, "started": utc_now(), "notes": []})

    def step(self, name: str, data: bytes, **more: Any) -> str:
        """A step that gave bytes; their digest."""
        ref = reference(*self.store.put_bytes(data))
        self.commit(name, {"value": {"artifact": ref}}, **more)
        self._artifacts.append({"step": name, "output": "value", **ref})
        return str(ref["digest"])

    def commit(self, name: str, outputs: Mapping[str, Any], **more: Any) -> None:
        """The commit of a step."""
        self._steps[name] = {"status": "succeeded", "attempts": 1, "seconds": 0.5}
        facts: dict[str, Any] = {
            "step": name,
            "attempt": 1,
            "code": "m:f",
            "started": utc_now(),
            "inputs": {},
        }
        self.records.commit(name, {**facts, "outputs": outputs, "metrics": {}, **more})

    def end(self, status: str = "succeeded", **more: Any) -> str:
        """The end of the run; its id."""
        facts = {"status": status, "started": utc_now(), "seconds": 1.5, "steps": self._steps}
        self.records.end({**self._start, **facts, "artifacts": self._artifacts, **more})
        return self.run


def age(path: Path, seconds: float) -> None:
    """Makes a file, or everything in a folder, look as if it were written so long ago."""
    for one in [path, *path.rglob("*")] if path.is_dir() else [path]:
        found = one.stat()
        os.utime(one, (found.st_atime - seconds, found.st_mtime - seconds))


def blob_path(store: LocalStore, digest: str) -> Path:
    """The file of a blob."""
    return Path(store.url, "cas/sha256", digest[7:9], digest[9:])


def files_of(store: Path, *parts: str) -> list[Path]:
    """The files below some folders of a store."""
    found = [path for part in parts for path in sorted((store / part).rglob("*"))]
    return [path for path in found if path.is_file()]


def _facts(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key not in ("format", "sha256")}


def record(path: Path, **changes: Any) -> None:
    """Changes fields of a record behind the store's back, and seals it again."""
    found = json.loads(path.read_bytes())
    path.chmod(0o644)
    path.write_bytes(sealed(_facts(found) | changes))


def snapshot(store: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a store with its content."""
    for path in sorted(store.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(store)), path.read_bytes()
