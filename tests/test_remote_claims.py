"""Creating a record once on a server that ignores conditions."""

import hashlib
import random
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from s3_servers import Server, point_to
from stores_support import Place, new_place

from penstock_runtime import remote_claims
from penstock_runtime.errors import StoreError
from penstock_runtime.opening import open_bucket, open_store
from penstock_runtime.places import Bucketed
from penstock_runtime.remote_any import AnyBucket
from penstock_runtime.remote_bucket import Bucket, Entry, Found
from penstock_runtime.remote_claims import Claims
from penstock_runtime.remote_probe import minds_conditions
from penstock_runtime.run_id import new_run_id


@pytest.fixture
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    return new_place("rclone", request, monkeypatch)


@pytest.fixture
def bucket(place: Place) -> Bucket:
    name, _, prefix = place.url.removeprefix("s3://").partition("/")
    return open_bucket(Bucketed("s3", name, prefix))


def claim_of(name: str, claimant: str) -> str:
    return f"claims/{hashlib.sha256(name.encode()).hexdigest()[:32]}-{claimant}"


def test_the_probe_tells_the_servers_apart(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, minds in (("moto", True), ("rclone", False), ("memory", True)):
        place = new_place(kind, request, monkeypatch)
        protocol, _, rest = place.url.partition("://")
        name, _, prefix = rest.partition("/")
        buckets = [open_bucket(Bucketed(protocol, name, prefix)) for _ in range(4)]
        found = list[bool]()

        def probe(bucket: Bucket, found: list[bool] = found) -> None:
            found.extend(minds_conditions(bucket) for _ in range(3))

        threads = [threading.Thread(target=probe, args=(bucket,)) for bucket in buckets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [minds] * 12
        # rclone may list an object twice that several have just written.
        assert set(place.listed()) == {"claims/probe"}


def test_the_claim_of_a_killed_writer_is_waited_for_and_then_removed(
    place: Place, bucket: Bucket
) -> None:
    dead = claim_of("runs/a.json", new_run_id())
    place.overwrite(dead, b"x")
    began = time.monotonic()
    assert Claims(bucket, life=2.0, publish=0.5).create("runs/a.json", b"ours")
    assert time.monotonic() - began > 0.9, "it was not taken for dead at once"
    assert place.content("runs/a.json") == b"ours"
    assert dead not in place.listed()


def test_a_claim_stands_in_the_way_of_no_other_name(place: Place, bucket: Bucket) -> None:
    place.overwrite(claim_of("runs/a.json", new_run_id()), b"x")
    assert Claims(bucket).create("runs/b.json", b"ours")


def test_a_writer_waits_for_the_record_of_a_living_claim(place: Place, bucket: Bucket) -> None:
    place.overwrite(claim_of("runs/a.json", new_run_id()), b"x")
    result = list[bool]()
    waiting = threading.Thread(
        target=lambda: result.append(Claims(bucket).create("runs/a.json", b"ours"))
    )
    waiting.start()
    waiting.join(0.5)
    assert waiting.is_alive()
    place.overwrite("runs/a.json", b"theirs")
    waiting.join(20)
    assert result == [False]
    assert place.content("runs/a.json") == b"theirs"


def test_waiting_ends_at_the_deadline(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    store = place.open()
    monkeypatch.setenv("PENSTOCK_STORE_DEADLINE", "3")
    other = claim_of("runs/a.json", new_run_id())
    place.overwrite(other, b"x")
    with pytest.raises(StoreError, match=r"runs/a\.json is claimed by another writer.* 3 s"):
        open_store(place.url).create("runs/a.json", b"ours")
    assert store.read("runs/a.json") is None
    claims = [key for key in place.listed() if key.startswith("claims/")]
    assert sorted(claims) == sorted([other, "claims/probe"]), "its own is taken back"


def test_leftovers_name_the_claims_of_the_dead(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place.open()
    place.overwrite(claim_of("runs/a.json", new_run_id()), b"x")
    assert store.leftovers(0) == (0, 0), "its writer may be alive"
    monkeypatch.setattr(remote_claims, "LIFE", 0.0)
    store = open_store(place.url)
    assert store.leftovers(3600) == (0, 0)
    assert store.leftovers(0, remove=True) == (1, 0)
    assert store.leftovers(0) == (0, 0)
    assert "claims/probe" in place.listed()


class Uneven(AnyBucket):
    """A bucket of memory whose requests take any time, before and after they are done."""

    def __init__(self, place: Bucketed, seed: int, written: list[bytes]) -> None:
        super().__init__(place)
        self._chance = random.Random(seed)
        self._written = written

    def find(self, key: str) -> Found | None:
        self._wait()
        found = super().find(key)
        self._wait()
        return found

    def put(self, key: str, data: bytes, within: float | None = None) -> None:
        self._wait()
        if key.startswith("runs/"):
            self._written.append(data)
        super().put(key, data, within)
        self._wait()

    def inside(self, folder: str) -> Iterator[Entry]:
        self._wait()
        found = list(super().inside(folder))
        self._wait()
        return iter(found)

    def remove(self, key: str) -> None:
        self._wait()
        super().remove(key)

    def _wait(self) -> None:
        # Mostly quick, and now and then so slow that others do all their work meanwhile.
        time.sleep(self._chance.random() ** 6 * 0.05)


class Stopped(AnyBucket):
    """A bucket of memory that holds a writer back just before it writes its record."""

    def __init__(self, place: Bucketed) -> None:
        super().__init__(place)
        self.arrived, self.go = threading.Event(), threading.Event()

    def put(self, key: str, data: bytes, within: float | None = None) -> None:
        if key.startswith("runs/"):
            self.arrived.set()
            assert self.go.wait(20)
        super().put(key, data, within)


def nobody(self: Claims, start: str) -> bool:
    return False


def test_a_later_claim_with_a_lower_id_does_not_win(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Bucketed("memory", f"late-{new_run_id()}", "")
    ids = iter(["9", *"8765"])
    monkeypatch.setattr(remote_claims, "new_run_id", lambda: next(ids))
    stopped, results = Stopped(place), dict[bytes, bool]()

    def write(bucket: Bucket, data: bytes) -> threading.Thread:
        def work() -> None:
            results[data] = Claims(bucket).create("runs/a.json", data)

        thread = threading.Thread(target=work)
        thread.start()
        return thread

    early = write(stopped, b"early")
    assert stopped.arrived.wait(20)
    # Its claim comes while none but the first is there, as if it had looked for claims before.
    monkeypatch.setattr(Claims, "_claimed", nobody)
    late = write(AnyBucket(place), b"late")
    late.join(0.3)
    assert late.is_alive()
    stopped.go.set()
    early.join(20)
    late.join(20)
    assert results == {b"early": True, b"late": False}
    assert AnyBucket(place).get("runs/a.json") == b"early"


@pytest.mark.parametrize("turn", range(12))
def test_of_many_uneven_writers_one_writes(turn: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Ids of clocks that differ: a late writer may well have the lowest.
    chance = random.Random(turn)
    monkeypatch.setattr(remote_claims, "new_run_id", lambda: f"{chance.getrandbits(64):016x}")
    monkeypatch.setattr(remote_claims, "_PAUSE", 0.003)
    place = Bucketed("memory", f"uneven-{turn}-{chance.random()}", "")
    written, results = list[bytes](), dict[int, bool]()

    def write(mine: int) -> None:
        time.sleep(chance.random() * 0.01)
        claims = Claims(Uneven(place, turn * 100 + mine, written))
        results[mine] = claims.create("runs/a.json", b"%d" % mine)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (mine for mine, won in results.items() if won)
    assert len(results) == 6
    assert written == [b"%d" % winner], "it was written once, and by the winner"
    files: Any = import_module("fsspec").filesystem("memory", skip_instance_cache=True)
    assert [name for name in files.find(place.url) if "claims" in name] == []


def test_a_server_that_starts_to_mind_conditions_sees_the_same_records(
    place: Place, moto_server: Server, rclone_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place.open()
    assert store.create("runs/a.json", b"ours")
    point_to(monkeypatch, moto_server.endpoint)
    other = new_bucket_with(place, moto_server)
    assert not other.open().create("runs/a.json", b"theirs")
    assert other.open().create("runs/b.json", b"theirs")
    assert other.open().read("runs/a.json") == b"ours"


def new_bucket_with(place: Place, server: Server) -> Place:
    """The objects of a store, moved to a new bucket of another server."""
    files: Any = import_module("s3fs").S3FileSystem(skip_instance_cache=True)
    bucket = place.url.removeprefix("s3://").partition("/")[0]
    files.mkdir(bucket)
    moved = Place("moto", place.url, files)
    for key in place.listed():
        moved.overwrite(key, place.content(key))
    return moved
