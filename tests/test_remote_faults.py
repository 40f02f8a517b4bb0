"""A bucket behind a bad network: the right result, or one clear sentence."""

import os
import time
from pathlib import Path

import pytest
from flaky_proxy import Faults, flaky
from s3_servers import Server, free_port, point_to
from stores_support import SERVED, Place, new_place

from penstock_runtime.errors import StoreError
from penstock_runtime.hashing import hash_file
from penstock_runtime.opening import open_store
from penstock_runtime.records import RunRecords
from penstock_runtime.run_id import new_run_id
from penstock_runtime.store import Blob, Store

QUICK = (("moto", "busy"), ("rclone", "lost"), ("moto", "cut"))
LONG = os.environ.get("PENSTOCK_LONG") == "1"


@pytest.fixture(params=SERVED)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    return new_place(request.param, request, monkeypatch)


@pytest.fixture
def server(place: Place, request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(f"{place.kind}_server")
    return found


def work(store: Store, folder: Path, turns: int) -> None:
    """Blobs and records of runs, written and read back."""
    for turn in range(turns):
        run, data = new_run_id(), os.urandom(1000)
        records = RunRecords(store, run)
        assert records.start({"pipeline": "p"})
        blob = store.put_bytes(data)
        assert records.commit("fit", {"step": "fit", "output": blob.digest})
        assert not records.commit("fit", {"step": "fit", "output": "another"})
        found = records.committed("fit")
        assert found is not None
        assert found["output"] == blob.digest
        assert store.read_bytes(*blob) == data
        store.copy_to(blob.digest, folder / f"copy{turn}", blob.size)
        assert (folder / f"copy{turn}").read_bytes() == data
    (folder / "big").write_bytes(os.urandom(20 << 20))
    big = store.put_file(folder / "big")
    store.copy_to(big.digest, folder / "big2", big.size)
    assert (folder / "big2").read_bytes() == (folder / "big").read_bytes()


@pytest.mark.parametrize(
    ("kind", "share"), [("busy", 0.3), ("reset", 0.2), ("lost", 0.2), ("cut", 0.2)]
)
def test_faults_that_pass_cost_time_and_no_result(
    place: Place,
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    share: float,
) -> None:
    if not LONG and (place.kind, kind) not in QUICK:
        return  # one server for each fault; all of them when PENSTOCK_LONG=1
    faults = Faults(kind, share)
    with flaky(server.port, faults) as endpoint:
        point_to(monkeypatch, endpoint)
        work(open_store(place.url), tmp_path, turns=10 if LONG else 1)
    assert faults.done > 2, f"{faults.done} of {faults.seen} requests failed"


def test_a_lost_answer_is_no_lost_race(
    place: Place, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = place.open()
    for kind in ("lost", "cut", "reset"):
        faults = Faults(kind, methods=("PUT",), key=f"{kind}.json", times=1)
        with flaky(server.port, faults) as endpoint:
            point_to(monkeypatch, endpoint)
            ours = open_store(place.url)
            assert ours.create(f"runs/r/{kind}.json", b"ours")
            assert not ours.create(f"runs/r/{kind}.json", b"ours")
        assert faults.done == 1
        assert not store.create(f"runs/r/{kind}.json", b"theirs")
        assert store.read(f"runs/r/{kind}.json") == b"ours"


def test_an_upload_whose_end_is_answered_by_an_error_is_whole(
    place: Place, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = os.urandom(9 << 20)
    (tmp_path / "big").write_bytes(data)
    faults = Faults("lost", methods=("POST",), key="uploadId", times=1)
    with flaky(server.port, faults) as endpoint:
        point_to(monkeypatch, endpoint)
        store = open_store(place.url)
        blob = store.put_file(tmp_path / "big")
        assert faults.done == 1
        assert store.read_bytes(*blob) == data
        assert store.leftovers(0) == (0, 0)


def test_a_hang_ends_at_the_deadline(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place = new_place("moto", request, monkeypatch)
    server: Server = request.getfixturevalue("moto_server")
    digest, _ = place.open().put_bytes(b"x")
    monkeypatch.setenv("PENSTOCK_STORE_DEADLINE", "3")
    faults = Faults("hang", key="cas")
    with flaky(server.port, faults) as endpoint:
        point_to(monkeypatch, endpoint)
        store = open_store(place.url)
        for attempt, what in (
            (lambda: store.copy_to(digest, tmp_path / "copy"), "reading cas/sha256"),
            (lambda: list(store.blobs()), "listing cas"),
        ):
            began = time.monotonic()
            with pytest.raises(StoreError, match=f"{what}.* was not done within 3 s"):
                attempt()
            assert 2.9 < time.monotonic() - began < 20
        assert not (tmp_path / "copy").exists()


def test_a_hang_while_a_record_is_written_leaves_it_whole_or_absent(
    place: Place, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.open().create("runs/r/first.json", b"x")
    monkeypatch.setenv("PENSTOCK_STORE_DEADLINE", "3")
    faults = Faults("hang", methods=("PUT",), key="commit.json")
    with flaky(server.port, faults) as endpoint:
        point_to(monkeypatch, endpoint)
        store = open_store(place.url)
        with pytest.raises(StoreError, match=r"commit\.json.* was not done within 3 s"):
            store.create("runs/r/commit.json", b"ours")
        assert faults.done
        assert store.read("runs/r/commit.json") is None


def test_a_server_that_is_not_there(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_STORE_DEADLINE", "1.5")
    point_to(monkeypatch, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreError, match=r"reading penstock-store\.json in the store s3://"):
        place.open()


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan"])
def test_a_deadline_that_is_none_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("PENSTOCK_STORE_DEADLINE", text)
    with pytest.raises(StoreError, match="PENSTOCK_STORE_DEADLINE"):
        place.open()


def test_a_file_that_changes_while_it_is_sent_is_not_stored(
    place: Place, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    store = place.open()
    big = tmp_path / "big"
    big.write_bytes(bytes(20 << 20))

    def changed_meanwhile(path: Path) -> Blob:
        found = hash_file(path)
        with open(path, "r+b") as stream:
            stream.seek(10 << 20)
            stream.write(b"x")
        return found

    monkeypatch.setattr("penstock_runtime.remote.hash_file", changed_meanwhile)
    with pytest.raises(StoreError, match="big changed while it was stored"):
        store.put_file(big)
    assert list(store.blobs()) == []
    assert store.leftovers(0) == (0, 0)


def test_uploads_of_killed_writers_are_found_and_removed(place: Place, tmp_path: Path) -> None:
    store = place.open()
    bucket, _, prefix = place.url.removeprefix("s3://").partition("/")
    upload = {"Bucket": bucket, "Key": f"{prefix}/cas/sha256/ab/cd"}
    begun = place.files.call_s3("create_multipart_upload", **upload)
    part = {"UploadId": begun["UploadId"], "PartNumber": 1, "Body": b"x" * 1000}
    place.files.call_s3("upload_part", **upload, **part)
    if place.kind == "rclone":  # moto says that every upload was begun in 2010
        assert store.leftovers(3600) == (0, 0)
    assert store.leftovers(0) == (1, 1000)
    assert store.leftovers(0, remove=True) == (1, 1000)
    assert store.leftovers(0) == (0, 0)
    assert list(store.blobs()) == [], "nothing of it was ever to be seen"
