"""`penstock fsck` finds every byte that is wrong, and says what to do."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_support import Cli
from conftest import LONG
from runs_support import (
    FIXTURE,
    RUNS,
    Writer,
    blob_path,
    files_of,
    fixture_copy,
    record,
    reference,
    snapshot,
)

from penstock_records.checking import Checker, Problem
from penstock_runtime.folders import put_folder
from penstock_runtime.local import LocalStore
from penstock_runtime.reference import FOLDER_MEDIA


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, monkeypatch, capsys)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / ".penstock")


def problems(store: Path) -> list[Problem]:
    return list(Checker(LocalStore(store, create=False), lambda done, total: None).problems())


def test_a_sound_store(cli: Cli) -> None:
    done = cli("fsck", "--store", FIXTURE)
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("records: all are right\n")
    found = json.loads(cli("fsck", "--store", FIXTURE, "--format", "json").out)
    assert found["problems"] == []
    assert found["checked"]["blobs"] == len(files_of(FIXTURE, "cas"))
    assert found["checked"]["size"] == sum(one.stat().st_size for one in files_of(FIXTURE, "cas"))


def flip(path: Path, dice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    path.chmod(0o644)
    path.write_bytes(data)


def cut(path: Path, dice: random.Random) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[: dice.randrange(path.stat().st_size)])


def lengthen(path: Path, dice: random.Random) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes() + dice.randbytes(dice.randrange(1, 9)))


@pytest.mark.parametrize("damage", [flip, cut, lengthen])
def test_every_damaged_blob_is_found(
    tmp_path: Path, damage: Callable[[Path, random.Random], None]
) -> None:
    """200 blobs of all sizes, each damaged at a random place: 200 are found, and no other."""
    store, dice = LocalStore(tmp_path / "store"), random.Random(1)
    sizes = [1, 2, 50, 4096, 100_000]
    digests = [store.put_bytes(dice.randbytes(sizes[n % 5] + n)).digest for n in range(200)]
    sound = {store.put_bytes(dice.randbytes(100)).digest for _ in range(20)}
    for digest in digests:
        damage(blob_path(store, digest), dice)
    found = {one.where for one in problems(tmp_path / "store")}
    assert found == {str(blob_path(store, one).relative_to(store.url)) for one in digests}
    assert not found & {str(blob_path(store, one).relative_to(store.url)) for one in sound}


def test_two_swapped_blobs_are_found(store: LocalStore) -> None:
    one, two = (blob_path(store, store.put_bytes(data).digest) for data in (b"abc", b"xyz"))
    content = one.read_bytes(), two.read_bytes()
    for path, data in zip((two, one), content, strict=True):
        path.chmod(0o644)
        path.write_bytes(data)
    assert len(problems(Path(store.url))) == 2


def test_a_missing_file_of_any_kind_is_found(tmp_path: Path) -> None:
    """Blobs and plans are named by records; a record that is gone may never have been there."""
    for path in files_of(FIXTURE, "cas", "plans"):
        copy = fixture_copy(tmp_path)
        (copy / path.relative_to(FIXTURE)).unlink()
        found = problems(copy)
        assert found, path
        assert all("missing" in one.what for one in found)
        shutil.rmtree(copy)


def test_every_damaged_record_is_found(tmp_path: Path) -> None:
    dice = random.Random(2)
    copy = fixture_copy(tmp_path)
    records = [one for one in files_of(copy, "plans", "runs", "cache") if one.suffix != ".yaml"]
    for number in range(600 if LONG else 200):
        path = records[number % len(records)]
        content = path.read_bytes()
        damage = (flip, flip, flip, cut, lengthen)[number % 5]
        damage(path, dice)
        assert str(path.relative_to(copy)) in {one.where for one in problems(copy)}, damage
        path.write_bytes(content)
    assert problems(copy) == []


def test_one_line_for_each_problem_with_what_to_do(cli: Cli, store: LocalStore) -> None:
    writer = Writer(store)
    writer.step("load", b"some data")
    digest = writer.step("train", b"other data")
    writer.end()
    blob_path(store, digest).unlink()
    flip(blob_path(store, store.put_bytes(b"some data").digest), random.Random(3))
    (writer.folder / "00-start.json").chmod(0o644)
    (writer.folder / "00-start.json").write_bytes(b"{\x1b[31m")
    done = cli("fsck")
    assert done.code == 1
    *lines, last = done.out.splitlines()
    assert last.endswith("3 problems")
    assert len(lines) == 3
    assert "00-start.json: is damaged" in lines[0] and "restore it from a copy" in lines[0]
    assert "holds sha256:" in lines[1] and "99-end.json needs it" in lines[1]
    assert f"its artifact {digest} is missing" in lines[2] and "run its step again" in lines[2]
    assert "\x1b" not in done.out
    assert len(json.loads(cli("fsck", "--format", "json").out)["problems"]) == 3


def test_records_must_agree_with_their_place_and_with_blobs(store: LocalStore) -> None:
    writer = Writer(store)
    writer.step("load", b"x")
    run = writer.end()
    commit = writer.folder / "steps/load/commit.json"
    assert problems(Path(store.url)) == []
    before = commit.read_bytes()
    for changes, said in (
        ({"step": "other"}, "it belongs to step 'other'"),
        ({"run": RUNS["failed"]}, "it belongs to run"),
        ({"outputs": {"value": 3}}, "neither a constant nor an artifact"),
        ({"outputs": {"value": {"list": [{"value": 1}, {}]}}}, "neither a constant"),
    ):
        record(commit, **changes)
        assert [said in one.what for one in problems(Path(store.url))] == [True], changes
        commit.write_bytes(before)
    commit.write_text('{"format": 9}')
    assert ["of a newer penstock" in one.what for one in problems(Path(store.url))] == [True]
    commit.write_bytes(before)
    blob = store.put_bytes(b"x")
    wrong = {"value": {"artifact": reference(blob.digest, 99)}}
    record(commit, outputs=wrong)
    assert ["has 99 bytes; it has 1" in one.what for one in problems(Path(store.url))] == [True]
    stray = writer.folder.parents[1] / "31" / run
    shutil.move(writer.folder, stray)
    assert any("no run belongs there" in one.what for one in problems(Path(store.url)))


def test_the_files_of_a_folder_are_checked(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_bytes(b"a")
    (tmp_path / "in/b").write_bytes(b"b")
    blob = put_folder(tmp_path / "in", store)
    writer = Writer(store)
    writer.commit("folder", {"value": {"artifact": reference(*blob, media=FOLDER_MEDIA)}})
    writer.end()
    assert problems(Path(store.url)) == []
    blob_path(store, store.put_bytes(b"b").digest).unlink()
    assert [one.what for one in problems(Path(store.url))] == [
        f"b of the folder {blob.digest} is missing or of another size"
    ]


def test_links_and_hostile_names_are_told_and_not_followed(
    store: LocalStore, tmp_path: Path
) -> None:
    writer = Writer(store)
    writer.end()
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "00-start.json").write_text("{}")
    day = next(Path(store.url).glob("runs/*/*/*"))
    # Another run of the same moment, so that the day is its own whenever this is run.
    (day / (writer.run[:-1] + ("1" if writer.run.endswith("0") else "0"))).symlink_to(secret)
    blob = blob_path(store, store.put_bytes(b"x").digest)
    blob.unlink()
    blob.symlink_to(secret / "00-start.json")
    found = problems(Path(store.url))
    assert len(found) == 2
    assert "is a link" in found[0].what and "cannot be read" in found[1].what


def test_a_run_that_is_being_removed_is_left_alone(store: LocalStore) -> None:
    writer = Writer(store)
    digest = writer.step("load", b"x")
    run = writer.end()
    blob_path(store, digest).unlink()
    assert problems(Path(store.url))
    store.create(f"tomb/{run}.json", b'{"format":1}')
    assert problems(Path(store.url)) == []


def test_nothing_is_changed(tmp_path: Path) -> None:
    copy = fixture_copy(tmp_path)
    before = [(path, path.stat().st_mtime_ns) for path in sorted(copy.rglob("*"))]
    content = dict(snapshot(copy))
    problems(copy)
    assert [(path, path.stat().st_mtime_ns) for path in sorted(copy.rglob("*"))] == before
    assert dict(snapshot(copy)) == content
