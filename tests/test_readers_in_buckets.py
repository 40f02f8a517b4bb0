"""The commands that read and clean a store work in a bucket as in a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_support import Cli
from runs_support import Writer, reference
from stores_support import SERVED, Place, new_place

from penstock_records.collecting import Collector
from penstock_records.retiring import Rules
from penstock_runtime.folders import put_folder
from penstock_runtime.processes import this_process
from penstock_runtime.reference import FOLDER_MEDIA


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, monkeypatch, capsys)


@pytest.fixture(params=SERVED)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    return new_place(request.param, request, monkeypatch)


def test_everything_works_in_a_bucket(cli: Cli, place: Place, tmp_path: Path) -> None:
    store = place.open()
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_bytes(b"in a folder")
    first = Writer(store)
    first.step("load", b"some bytes")
    first.end()
    second = Writer(store, **this_process())
    ref = reference(*put_folder(tmp_path / "in", store), media=FOLDER_MEDIA)
    second.commit("make", {"value": {"artifact": ref}})
    second.records.curve("make", 1, 0, [{"step": 1, "key": "loss", "value": 0.5}])
    orphan = store.put_bytes(b"orphan").digest

    listed = json.loads(cli("runs", "--store", store.url, "--format", "json").out)
    assert [(one["run"], one["status"]) for one in listed] == [
        (second.run, "running"),
        (first.run, "succeeded"),
    ]
    assert "loss: 1 point, the last 0.5" in cli("show", "latest", "--store", store.url).out
    assert len(cli("artifacts", "--store", store.url).out.splitlines()) == 3
    assert cli("get", "latest:make", "--store", store.url, "-o", "out").code == 0
    assert (tmp_path / "out/a").read_bytes() == b"in a folder"
    done = cli("fsck", "--store", store.url)
    assert done.code == 0, done.out
    second.end()
    # In a bucket what was used in the last day stays: using it leaves its time alone.
    collector = Collector(store, Rules(0.0, keep_last=1), settle=0)
    found = collector.find()
    assert orphan in {one.digest for one in found.blobs}
    gone = collector.remove(found, wait=lambda seconds: None)
    assert (gone.runs, gone.blobs) == ((first.run,), ())
    assert store.has(orphan)
    assert store.names("tomb") == []
    listed = json.loads(cli("runs", "--store", store.url, "--format", "json").out)
    assert [one["run"] for one in listed] == [second.run]
    assert cli("fsck", "--store", store.url).code == 0


def test_a_bucket_without_a_store(cli: Cli, place: Place) -> None:
    url = place.open().url.rpartition("/")[0] + "/other"
    for words in (("runs",), ("fsck",), ("gc", "--dry-run")):
        done = cli(*words, "--store", url)
        assert (done.code, done.out) == (1, "")
        assert len(done.lines) == 1
