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

from penstock_runtime.errors import ArtifactCorrupt, ArtifactMissing, StoreError, StoreFull
from penstock_runtime.local import LocalStore
from penstock_runtime.store import open_store

HOSTILE = ["..", ".", "", "a/../../x", "/etc/passwd", "a\\b", "a\0b", "x" * 300, "a\n", "é", "%2e"]


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


def test_round_trips(store: LocalStore, tmp_path: Path) -> None:
    source = tmp_path / "data"
    source.write_bytes(b"x" * 3_000_000)
    digest, size = store.put_file(source)
    assert store.put_bytes(source.read_bytes()) == (digest, size)
    assert store.has(digest)
    assert store.read_bytes(digest, size) == source.read_bytes()
    store.copy_to(digest, tmp_path / "copy", size)
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    assert store.fetch(digest, tmp_path / "unused", size).read_bytes() == source.read_bytes()
    assert source.stat().st_mode & 0o200, "the user's own file stays writable"


def test_an_owned_file_is_not_copied(store: LocalStore) -> None:
    with store.scratch() as scratch:
        (scratch / "out").write_bytes(b"owned")
        inode = (scratch / "out").stat().st_ino
        digest, _ = store.put_file(scratch / "out", owned=True)
    assert blob_file(store, digest).stat().st_ino == inode
    assert os.listdir(Path(store.url) / "tmp") == []


def damage(path: Path, how: str) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    if how == "flip":
        data[len(data) // 2] ^= 1
    elif how == "truncate":
        data = data[:-1]
    elif how == "extend":
        data += b"x"
    path.write_bytes(data)


@pytest.mark.parametrize("how", ["flip", "truncate", "extend"])
@pytest.mark.parametrize("sized", [True, False])
def test_a_rotten_blob_is_found_by_every_read(
    store: LocalStore, tmp_path: Path, how: str, sized: bool
) -> None:
    digest, length = store.put_bytes(b"some bytes that matter")
    size = length if sized else None
    damage(blob_file(store, digest), how)
    with pytest.raises(ArtifactCorrupt) as caught:
        store.read_bytes(digest, size)
    assert caught.value.wanted == digest
    assert caught.value.got != digest
    with pytest.raises(ArtifactCorrupt):
        store.copy_to(digest, tmp_path / "copy", size)
    assert not (tmp_path / "copy").exists()
    with pytest.raises(ArtifactCorrupt):
        store.fetch(digest, tmp_path / "x", size)
    assert store.put_bytes(b"some bytes that matter").digest == digest
    assert store.read_bytes(digest, size) == b"some bytes that matter", "a new write heals it"


def test_missing(store: LocalStore, tmp_path: Path) -> None:
    digest = "sha256:" + "0" * 64
    assert not store.has(digest)
    with pytest.raises(ArtifactMissing):
        store.read_bytes(digest)
    with pytest.raises(ArtifactMissing):
        store.copy_to(digest, tmp_path / "copy")


def test_records_are_written_once(store: LocalStore) -> None:
    assert store.create("runs/a/00-start.json", b"first")
    assert not store.create("runs/a/00-start.json", b"second")
    assert store.read("runs/a/00-start.json") == b"first"
    assert store.read("runs/a/none.json") is None
    assert store.names("runs") == ["a"]
    assert store.names("runs/none") == []
    with pytest.raises(StoreError):
        store.create("runs/a/empty.json", b"")


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


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_reach_nothing(store: LocalStore, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    for attempt in (
        lambda: store.create(f"runs/{name}", b"x"),
        lambda: store.read(f"{name}/x"),
        lambda: store.names(name),
        lambda: store.read_bytes(f"sha256:{name}"),
        lambda: store.has(name),
    ):
        with pytest.raises(StoreError):
            attempt()
    assert sorted(tmp_path.rglob("*")) == before


def test_records_cannot_be_named_into_the_blobs(store: LocalStore) -> None:
    with pytest.raises(StoreError):
        store.create("cas/sha256/aa/bb", b"x")


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


def test_opening(tmp_path: Path) -> None:
    assert open_store(f"file://{tmp_path}/a%20b").url == f"{tmp_path}/a b"
    for url in ("s3://bucket/x", "simplecache::file:///x", "relative", "file://host/x", "http://x"):
        with pytest.raises(StoreError):
            open_store(url)
    with pytest.raises(StoreError, match="not a penstock store"):
        open_store(str(tmp_path / "none"), create=False)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "penstock-store.json").write_text('{"format":2,"hash":"sha256"}')
    with pytest.raises(StoreError, match="too old"):
        open_store(str(tmp_path / "new"))


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
