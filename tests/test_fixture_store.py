"""A store that an earlier version wrote is read by every command of this one."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cli_support import Cli
from runs_support import FIXTURE, RUNS, files_of, fixture_copy

from penstock_runtime.folders import hash_path
from penstock_runtime.local import LocalStore


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, monkeypatch, capsys)


def test_it_is_small_and_git_keeps_all_of_it() -> None:
    found = files_of(FIXTURE, "")
    assert sum(path.stat().st_size for path in found) < 100_000
    kept = subprocess.run(
        ["git", "-c", "safe.directory=*", "check-ignore", *found],
        cwd=FIXTURE,
        capture_output=True,
        check=False,
    )
    assert kept.stdout == b""


def test_every_run_is_shown(cli: Cli) -> None:
    listed = json.loads(cli("runs", "--store", FIXTURE, "--format", "json").out)
    assert {one["run"] for one in listed} == set(RUNS.values())
    for run in RUNS.values():
        for form in ("text", "json"):
            done = cli("show", run, "--store", FIXTURE, "--format", form)
            assert (done.code, done.err) == (0, "")
        assert json.loads(done.out)["problems"] == []


def test_every_artifact_can_be_fetched(cli: Cli) -> None:
    words = ("artifacts", "--store", FIXTURE, "-n", "1000", "--format", "json")
    found = {one["digest"]: one for one in json.loads(cli(*words).out)}
    assert {one["type"].rpartition(":")[2] for one in found.values()} >= {"bytes", "PosixPath"}
    for number, digest in enumerate(found):
        target = cli.folder / str(number)
        assert cli("get", digest, "--store", FIXTURE, "-o", target).code == 0
        assert hash_path(target).digest == digest
    assert cli("fsck", "--store", FIXTURE).code == 0


def test_it_can_be_written_to_as_well(tmp_path: Path) -> None:
    """Git keeps no empty folders: the one for temporary files is made again."""
    copy = fixture_copy(tmp_path)
    assert not (copy / "tmp").exists()
    digest = LocalStore(copy).put_bytes(b"new").digest
    assert LocalStore(copy, create=False).read_bytes(digest) == b"new"
