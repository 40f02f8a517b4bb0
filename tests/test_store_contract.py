"""What every store promises: a folder, a bucket, and a bucket that ignores conditions."""

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path

import pytest
from stores_support import KINDS, SERVED, Place, blob_key, new_place, until

from penstock_runtime import remote
from penstock_runtime.errors import ArtifactCorrupt, ArtifactMissing, StoreError
from penstock_runtime.folders import fetch_folder, put_folder
from penstock_runtime.opening import open_store
from penstock_runtime.store import Store

HOSTILE = ["..", ".", "", "a/../../x", "/etc/passwd", "a\\b", "a\0b", "x" * 300, "a\n", "é", "%2e"]
NOWHERE = "sha256:" + "0" * 64


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    return new_place(request.param, request, monkeypatch)


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


def rotten(data: bytes, how: str) -> bytes:
    if how == "flip":
        middle = len(data) // 2
        return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    return data[:-1] if how == "truncate" else data + b"x"


def test_opening(place: Place) -> None:
    with pytest.raises(StoreError, match="not a penstock store"):
        open_store(place.url, create=False)
    assert not [key for key in place.listed() if key == "penstock-store.json"]
    store = place.open()
    assert store.url == place.url
    mark = place.content("penstock-store.json")
    assert mark.startswith(b'{"format":1,"hash":"sha256",')
    assert open_store(place.url, create=False).put_bytes(b"x") == store.put_bytes(b"x")
    assert place.content("penstock-store.json") == mark
    place.overwrite("penstock-store.json", mark.replace(b"1", b"2", 1))
    with pytest.raises(StoreError, match="too old"):
        place.open()
    place.overwrite("penstock-store.json", b"{")
    with pytest.raises(StoreError, match="damaged"):
        place.open()


@pytest.mark.parametrize("size", [0, 5, (20 << 20) + 5])
def test_blobs_round_trip(store: Store, tmp_path: Path, size: int) -> None:
    data = os.urandom(1 << 10) * (size >> 10) + os.urandom(size & 1023)
    wanted = (f"sha256:{hashlib.sha256(data).hexdigest()}", size)
    (tmp_path / "data").write_bytes(data)
    with store.scratch() as scratch:
        assert store.put_file(tmp_path / "data") == wanted
        assert (tmp_path / "data").read_bytes() == data
        assert store.has(wanted[0])
        assert store.renew(*wanted)
        assert not store.renew(wanted[0], size + 1)
        assert store.read_bytes(*wanted) == data
        assert store.put_bytes(data) == wanted
        store.copy_to(wanted[0], tmp_path / "copy", size)
        assert (tmp_path / "copy").read_bytes() == data
        assert store.fetch(wanted[0], scratch / "fetched", size).read_bytes() == data
    assert not scratch.exists()
    with pytest.raises(StoreError):
        store.copy_to(wanted[0], tmp_path / "copy", size)
    assert (tmp_path / "copy").read_bytes() == data, "a file of the user's is not replaced"


def test_an_owned_file_is_taken(store: Store) -> None:
    for size in (5, 9 << 20):
        data = os.urandom(size)
        with store.scratch() as scratch:
            (scratch / "out").write_bytes(data)
            digest, _ = store.put_file(scratch / "out", owned=True)
            assert store.read_bytes(digest, size) == data


def test_folders_round_trip(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a b.txt").write_bytes(b"1")
    (tmp_path / "in" / "empty").mkdir()
    blob = put_folder(tmp_path / "in", store)
    fetch_folder(store.read_bytes(blob.digest), store, tmp_path / "out")
    out = tmp_path / "out"
    found = sorted(path.relative_to(out).as_posix() for path in out.rglob("*"))
    assert found == ["deep", "deep/a b.txt", "empty"]


@pytest.mark.parametrize("length", [22, (9 << 20) + 1])
def test_a_rotten_blob_is_found_by_every_read(
    place: Place, store: Store, tmp_path: Path, length: int
) -> None:
    data = os.urandom(length)
    digest, size = store.put_bytes(data)
    (tmp_path / "again").write_bytes(data)
    for how in ("flip", "truncate", "extend"):
        place.overwrite(blob_key(digest), rotten(data, how))
        for known in (size, None):
            with pytest.raises(ArtifactCorrupt) as caught:
                store.read_bytes(digest, known)
            assert caught.value.wanted == digest
            assert caught.value.got != digest
        with pytest.raises(ArtifactCorrupt):
            store.copy_to(digest, tmp_path / "copy", size)
        with pytest.raises(ArtifactCorrupt):
            store.fetch(digest, tmp_path / "copy", None)
        assert not (tmp_path / "copy").exists()
        assert not store.renew(digest)
        assert store.put_file(tmp_path / "again").digest == digest
        assert store.read_bytes(digest, size) == data, "a new write heals it"


def test_swapped_blobs_are_found(place: Place, store: Store) -> None:
    one, other = store.put_bytes(b"one").digest, store.put_bytes(b"two").digest
    place.overwrite(blob_key(one), place.content(blob_key(other)))
    with pytest.raises(ArtifactCorrupt, match=other):
        store.read_bytes(one, 3)


def test_missing(store: Store, tmp_path: Path) -> None:
    assert not store.has(NOWHERE)
    assert not store.renew(NOWHERE)
    assert store.age("runs/none") is None
    with pytest.raises(ArtifactMissing):
        store.read_bytes(NOWHERE)
    with pytest.raises(ArtifactMissing):
        store.copy_to(NOWHERE, tmp_path / "copy")
    with pytest.raises(ArtifactMissing):
        store.fetch(NOWHERE, tmp_path / "copy", 0)
    assert not (tmp_path / "copy").exists()
    store.remove("runs/none")
    store.remove_blob(NOWHERE)


def test_records_are_written_once(place: Place, store: Store) -> None:
    assert store.create("runs/a/00-start.json", b"first")
    assert not store.create("runs/a/00-start.json", b"second")
    if place.kind != "memory":
        assert not place.open().create("runs/a/00-start.json", b"first"), "the same bytes too"
    assert store.create("runs/a/steps/s/1/start.json", b"x", durable=False)
    assert place.open().read("runs/a/00-start.json") == b"first"
    assert store.read("runs/a/none.json") is None
    assert store.names("runs") == ["a"]
    assert store.names("runs/a") == ["00-start.json", "steps"]
    assert store.names("runs/none") == []
    with pytest.raises(StoreError, match="empty"):
        store.create("runs/a/empty.json", b"")
    assert [key for key in place.listed() if key.startswith("runs")] == [
        "runs/a/00-start.json",
        "runs/a/steps/s/1/start.json",
    ]


def test_records_can_be_removed_and_written_anew(store: Store) -> None:
    store.create("runs/a/x.json", b"first")
    store.create("runs/b/x.json", b"other")
    store.remove("runs/a/x.json")
    assert store.read("runs/a/x.json") is None
    assert store.names("runs/a") == []
    assert store.create("runs/a/x.json", b"second")
    assert store.read("runs/a/x.json") == b"second"


def test_ages_come_from_the_store(store: Store) -> None:
    digest = store.put_bytes(b"x").digest
    store.create("runs/a/x.json", b"x")
    age = store.age("runs/a/x.json")
    assert age is not None
    assert 0 <= age < 60
    (only,) = store.blobs()
    assert (only.digest, only.size) == (digest, 1)
    assert 0 <= only.idle < 60


def test_a_blob_counts_as_new_when_it_is_renewed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "_FRESH", -1.0)
    renewed, put, (other, _) = (store.put_bytes(text) for text in (b"renewed", b"put", b"other"))

    def idle() -> dict[str, float]:
        return {one.digest: one.idle for one in store.blobs()}

    until(lambda: idle()[other] > 1.2)
    assert store.renew(*renewed)
    assert store.put_bytes(b"put") == put, "as good as renewing it"
    ages = idle()
    assert ages[renewed.digest] < ages[other] > ages[put.digest]
    assert store.read_bytes(*renewed) == b"renewed"


def test_blobs_can_be_listed_and_removed(store: Store) -> None:
    digests = sorted(store.put_bytes(b"%d" % n).digest for n in range(7))
    assert [one.digest for one in store.blobs()] == digests
    store.remove_blob(digests[3])
    store.remove_blob(digests[3])
    assert [one.digest for one in store.blobs()] == digests[:3] + digests[4:]
    assert not store.has(digests[3])


def test_hostile_names_reach_nothing(place: Place, store: Store) -> None:
    before = place.listed()
    for name in HOSTILE:
        attempts: tuple[Callable[[str], object], ...] = (
            lambda name: store.create(f"runs/{name}", b"x"),
            lambda name: store.read(f"{name}/x"),
            lambda name: store.names(name),
            lambda name: store.age(name),
            lambda name: store.remove(f"runs/{name}"),
            lambda name: store.read_bytes(f"sha256:{name}"),
            lambda name: store.remove_blob(name),
            lambda name: store.has(name),
        )
        for attempt in attempts:
            with pytest.raises(StoreError):
                attempt(name)
    assert place.listed() == before


def test_records_cannot_be_named_into_the_blobs(store: Store) -> None:
    for name in ("cas/sha256/aa/bb", "tmp/x"):
        with pytest.raises(StoreError):
            store.create(name, b"x")


def test_nothing_is_left_behind(place: Place, store: Store, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(9 << 20))
    store.put_file(tmp_path / "big")
    store.create("runs/a/x.json", b"x")
    assert store.leftovers(0) == (0, 0)
    there = [key for key in place.listed() if key.startswith(("tmp/", "claims/"))]
    assert there == ([] if place.kind == "local" else ["claims/probe"])


@pytest.fixture(params=["local", *SERVED])
def shared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place that other processes can reach."""
    return new_place(request.param, request, monkeypatch)


def _watch(store: Store, name: str, done: threading.Event, read: set[bytes]) -> None:
    while not done.is_set():
        if (found := store.read(name)) is not None:
            read.add(found)


def _create(store: Store, name: str, mine: int) -> bool:
    return store.create(name, b"%d" % mine)


def test_one_of_many_writers_wins_and_stays(shared: Place) -> None:
    stores = [shared.open() for _ in range(4)]
    seen: list[set[bytes]] = []
    for turn in range(6):
        name, done, read = f"runs/r{turn}/c.json", threading.Event(), set[bytes]()
        watcher = threading.Thread(target=_watch, args=(stores[0], name, done, read))
        watcher.start()
        with ThreadPool(8) as pool:
            wins = pool.starmap(_create, [(stores[n % 4], name, n) for n in range(8)])
        done.set()
        watcher.join()
        assert sum(wins) == 1
        winner = b"%d" % wins.index(True)
        assert [store.read(name) for store in stores] == [winner] * 4
        seen.append(read - {winner})
    assert seen == [set()] * 6, "a reader saw something else than the winner"


_RACER = """
import sys
from penstock_runtime.opening import open_store
url, mine, *names = sys.argv[1:]
store = open_store(url)
print(*[name for name in names if store.create(name, mine.encode())])
"""


def test_one_of_many_processes_wins(shared: Place) -> None:
    store = shared.open()
    names = [f"runs/r/{n}.json" for n in range(15)]
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, shared.url, str(mine), *names],
            stdout=subprocess.PIPE,
            text=True,
        )
        for mine in range(3)
    ]
    won = [racer.communicate(timeout=100)[0].split() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0]
    assert sorted(name for wins in won for name in wins) == sorted(names), "each name is won once"
    for mine, wins in enumerate(won):
        assert [store.read(name) for name in wins] == [b"%d" % mine] * len(wins)
    assert store.names("runs/r") == sorted(name.rpartition("/")[2] for name in names)


def test_the_same_blob_from_many_writers(shared: Place) -> None:
    stores = [shared.open() for _ in range(4)]
    data = os.urandom(300_000)
    with ThreadPool(8) as pool:
        blobs = pool.map(lambda n: stores[n % 4].put_bytes(data), range(16))
        read = pool.map(lambda n: stores[n % 4].read_bytes(*blobs[n]), range(16))
    assert set(read) == {data}
