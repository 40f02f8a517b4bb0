"""One store of each kind, and hands to damage what is in it, for tests of the store's contract."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from s3_servers import Server, point_to

from penstock_runtime.opening import open_store
from penstock_runtime.store import Store

KINDS = ("local", "memory", "moto", "rclone")
SERVED = ("moto", "rclone")


@dataclass(frozen=True)
class Place:
    """Where a store is, and its content without the store's own code."""

    kind: str
    url: str
    files: Any = None

    def open(self) -> Store:
        """The store, opened anew, as another process would."""
        return open_store(self.url)

    def content(self, key: str) -> bytes:
        """What lies under a key."""
        if self.kind == "local":
            return Path(self.url, key).read_bytes()
        return bytes(self.files.cat_file(f"{self.url}/{key}"))

    def overwrite(self, key: str, data: bytes) -> None:
        """Put something else under a key, as a broken disk or a foreign program would."""
        if self.kind == "local":
            path = Path(self.url, key)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():
                path.chmod(0o644)
            path.write_bytes(data)
        else:
            self.files.pipe_file(f"{self.url}/{key}", data)

    def listed(self) -> list[str]:
        """All keys, sorted."""
        if self.kind == "local":
            root = Path(self.url)
            return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())
        root_name = self.url.partition("://")[2]
        found: list[str] = self.files.find(self.url)
        return sorted(one.strip("/").removeprefix(f"{root_name}/") for one in found)


def blob_key(digest: str) -> str:
    """Where a blob lies in every kind of store."""
    return f"cas/sha256/{digest[7:9]}/{digest[9:]}"


def new_place(kind: str, request: pytest.FixtureRequest, patch: pytest.MonkeyPatch) -> Place:
    """A place for a new store; servers are started when they are first needed."""
    if kind == "local":
        folder: Path = request.getfixturevalue("tmp_path")
        return Place(kind, str(folder / "store"))
    if kind == "memory":
        bucket = f"bucket-{os.urandom(6).hex()}"
        return Place(kind, f"memory://{bucket}/pre/fix", _files("memory"))
    server: Server = request.getfixturevalue(f"{kind}_server")
    point_to(patch, server.endpoint)
    files = _files("s3")
    bucket = f"bucket-{os.urandom(6).hex()}"
    files.mkdir(bucket)
    return Place(kind, f"s3://{bucket}/pre/fix", files)


def _files(protocol: str) -> Any:
    options = {"skip_instance_cache": True, "use_listings_cache": False}
    return import_module("fsspec").filesystem(protocol, **options)


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for what must come, and fail if it does not."""
    import time

    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.02)
