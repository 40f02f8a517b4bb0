"""The local store: create-only, verified, whole or not at all."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest

from penstock_runtime.errors import StoreError, StoreFull
from penstock_runtime.local import LocalStore


def blob_file(store: LocalStore, digest: str) -> Path:
    return Path(store.url) / "cas" / "sha256" / digest[7:9] / digest[9:]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def test_layout(store: LocalStore) -> None:
    root = Path(store.url)
    mark = json.loads((root / "penstock-store.json").read_text())
    assert (mark["format"], mark["hash"]) == (1, "sha256")
    assert (root / ".gitignore").read_text() == "*\n"
    digest, size = store.put_bytes(b"hello")
    assert (digest, size) == (f"sha256:{hashlib.sha256(b'hello').hexdigest()}", 5)
    assert blob_file(store, digest).read_bytes() == b"hello"
    assert blob_file(store, digest).stat().st_mode & 0o777 == 0o444
    assert os.listdir(root / "tmp") == []


def test_an_owned_file_is_not_copied(store: LocalStore) -> None:
    with store.scratch() as scratch:
        (scratch / "out").write_bytes(b"owned")
        inode = (scratch / "out").stat().st_ino
        digest, _ = store.put_file(scratch / "out", owned=True)
    assert blob_file(store, digest).stat().st_ino == inode
    assert os.listdir(Path(store.url) / "tmp") == []


def test_one_of_many_writers_wins(store: LocalStore) -> None:
    with ThreadPool(8) as pool:
        for turn in range(20):
            name = f"runs/r{turn}/c.json"
            wins = pool.starmap(store.create, [(name, b"%d" % n) for n in range(8)])
            assert sum(wins) == 1
            assert store.read(name) == b"%d" % wins.index(True)
        blobs = pool.map(store.put_bytes, [b"same"] * 64)
    assert len(set(blobs)) == 1
    assert os.listdir(Path(store.url) / "tmp") == []


def test_links_inside_the_store_are_not_followed(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    digest = f"sha256:{hashlib.sha256(b'secret').hexdigest()}"
    blob_file(store, digest).parent.mkdir()
    blob_file(store, digest).symlink_to(tmp_path / "secret")
    (Path(store.url) / "record").symlink_to(tmp_path / "secret")
    with pytest.raises(StoreError):
        store.read_bytes(digest)
    with pytest.raises(StoreError):
        store.read("record")


def test_a_full_disk_is_named(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFull, match=r"11 bytes at .*tmp"):
        store.put_bytes(b"eleven byte")
    with pytest.raises(StoreFull):
        store.create("runs/a/b.json", b"x")
    monkeypatch.undo()
    assert os.listdir(Path(store.url) / "tmp") == []
    assert store.create("runs/a/b.json", b"x")


_WRITER = """
import sys
from pathlib import Path
from penstock_runtime.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
print("ready", flush=True)
for n in range(10**6):
    blob = store.put_bytes(b"%d " % n * 2000)
    store.create(f"runs/r/{n}.json", blob.digest.encode())
"""


def test_killed_writers_leave_only_whole_objects(tmp_path: Path) -> None:
    root = tmp_path / "store"
    for turn in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(root)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.02 + 0.013 * turn)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
    store = LocalStore(root)
    records = store.names("runs/r")
    assert records
    for name in records:
        digest = store.read(f"runs/r/{name}")
        assert digest is not None
        store.read_bytes(digest.decode())
    for blob in (root / "cas").rglob("*/??/*"):
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.parent.name + blob.name
