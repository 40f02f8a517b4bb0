"""One byte of a blob or a record is wrong: every read of it must say so."""

import json
import os
import random
from pathlib import Path

import pytest
from stores_support import Place, blob_key, new_place

from penstock_runtime.curves import read_points
from penstock_runtime.errors import ArtifactCorrupt, RecordCorrupt
from penstock_runtime.records import RunRecords
from penstock_runtime.run_id import new_run_id, run_folder
from penstock_runtime.sealing import read_record, sealed, unsealed
from penstock_runtime.store import canonical_json

FACTS = {"step": "fit", "attempt": 1, "code": "m:fit", "value": {"text": "aé\n", "n": [1, 2.5e300]}}
POINTS = [{"step": n, "key": "loss", "value": 1 / (n + 1), "ts": 1.5} for n in range(3)]


@pytest.fixture(params=["local", "moto"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    return new_place(request.param, request, monkeypatch)


def flipped(data: bytes, where: int, chance: random.Random) -> bytes:
    """One byte is another one; every second time one that keeps a text a text."""
    was = data[where]
    if chance.random() < 0.5:
        other = chance.choice([one for one in b"abcxyz0123456789ABC_" if one != was])
    else:
        other = was ^ (1 << chance.randrange(8))
    return data[:where] + bytes([other]) + data[where + 1 :]


def test_a_flipped_byte_in_200_blobs_and_records(place: Place) -> None:
    store, chance = place.open(), random.Random(7)
    blobs = [store.put_bytes(os.urandom(chance.randrange(1, 300))) for _ in range(100)]
    names = list[str]()
    for turn in range(20):
        run = new_run_id()
        records, folder = RunRecords(store, run), run_folder(run)
        records.start({"pipeline": "p", "parameters": {"rate": 0.1 * turn}})
        for step in ("fit", "b.1"):
            records.commit(step, {**FACTS, "step": step, "metrics": {"auc": turn / 7}})
        records.curve("fit", 1, 0, POINTS)
        records.end({"status": "succeeded", "outputs": {"value": turn}})
        names += [f"{folder}/{name}" for name in ("00-start.json", "99-end.json")]
        names += [f"{folder}/steps/{step}/commit.json" for step in ("fit", "b.1")]
        names.append(f"{folder}/metrics/fit-1-0.jsonl")
    for blob in blobs:
        key = blob_key(blob.digest)
        data = place.content(key)
        place.overwrite(key, flipped(data, chance.randrange(len(data)), chance))
    for name in names:
        data = place.content(name)
        place.overwrite(name, flipped(data, chance.randrange(len(data)), chance))
    found = 0
    for blob in blobs:
        with pytest.raises(ArtifactCorrupt):
            store.read_bytes(*blob)
        found += 1
    for name in names:
        with pytest.raises(RecordCorrupt, match=name):
            (read_points if name.endswith("l") else read_record)(store, name)
        found += 1
    assert found == 200


def test_every_single_bit_of_a_record_counts() -> None:
    data = sealed(FACTS)
    assert unsealed(data, "r") == {"format": 2, **FACTS}
    for where in range(len(data)):
        for bit in range(8):
            rotten = data[:where] + bytes([data[where] ^ 1 << bit]) + data[where + 1 :]
            with pytest.raises(RecordCorrupt):
                unsealed(rotten, "r")
    for cut in range(len(data)):
        with pytest.raises(RecordCorrupt):
            unsealed(data[:cut], "r")
    for more in (b" ", b"\n", b"x", b"\0"):
        with pytest.raises(RecordCorrupt):
            unsealed(data + more, "r")


def test_every_single_bit_of_a_curve_counts(tmp_path: Path) -> None:
    store = Place("local", str(tmp_path / "store")).open()
    run = new_run_id()
    RunRecords(store, run).curve("fit", 1, 0, POINTS)
    name = f"{run_folder(run)}/metrics/fit-1-0.jsonl"
    assert read_points(store, name) == POINTS
    assert read_points(store, "metrics/none.jsonl") is None
    data, file = store.read(name) or b"", tmp_path / "store" / name
    file.chmod(0o644)
    for where in range(len(data)):
        for bit in (0, 1, 2, 5):
            file.write_bytes(data[:where] + bytes([data[where] ^ 1 << bit]) + data[where + 1 :])
            with pytest.raises(RecordCorrupt):
                read_points(store, name)
    lines = data.splitlines(keepends=True)
    for rotten in (lines[1:], lines[:-1] + lines[-2:], [lines[1], lines[0], *lines[2:]], []):
        file.write_bytes(b"".join(rotten) or b"\n")
        with pytest.raises(RecordCorrupt):
            read_points(store, name)


def test_a_record_under_the_name_of_another_is_damaged(place: Place) -> None:
    store = place.open()
    ones, others = new_run_id(), new_run_id()
    one, other = run_folder(ones), run_folder(others)
    for run in (ones, others):
        for step in ("fit", "score"):
            RunRecords(store, run).commit(step, {"step": step})
    swapped = place.content(f"{other}/steps/fit/commit.json")
    place.overwrite(f"{one}/steps/fit/commit.json", swapped)
    with pytest.raises(RecordCorrupt, match=f"belongs to run {others}"):
        RunRecords(store, ones).committed("fit")
    swapped = place.content(f"{other}/steps/score/commit.json")
    place.overwrite(f"{other}/steps/fit/commit.json", swapped)
    with pytest.raises(RecordCorrupt, match="belongs to step 'score'"):
        RunRecords(store, others).committed("fit")


def test_records_from_before_there_were_seals_stay_readable(place: Place) -> None:
    store, run = place.open(), new_run_id()
    old = {"format": 1, "run": run, "step": "fit", "value": 1}
    store.create(f"{run_folder(run)}/steps/fit/commit.json", canonical_json(old) + b"\n")
    assert RunRecords(store, run).committed("fit") == old
    points = b"".join(json.dumps(point).encode() + b"\n" for point in POINTS)
    store.create("metrics/old.jsonl", points)
    assert read_points(store, "metrics/old.jsonl") == POINTS
    store.create("newer.json", canonical_json({"format": 3}))
    with pytest.raises(RecordCorrupt, match="format is 3, which this penstock does not know"):
        read_record(store, "newer.json")
    assert read_record(store, "none.json") is None
