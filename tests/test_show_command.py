"""`penstock show`: a run as text and as JSON, in every state."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cli_support import Cli, process
from runs_support import FIXTURE, RUNS, Writer, blob_path, record, reference

from penstock_runtime.local import LocalStore


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, monkeypatch, capsys)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / ".penstock")


def test_everything_of_a_run_is_told(cli: Cli) -> None:
    done = cli("show", RUNS["succeeded"], "--store", FIXTURE, "--utc")
    assert done.code == 0
    lines = [line.split() for line in done.out.splitlines()]
    for wanted in (
        f"run {RUNS['succeeded']}",
        "pipeline flow",
        "started 2026-01-02 03:04:05",
        "by ada on example",
        "ran on local, inline",
        "git commit none: not in a repository",
        "tags fixture",
        "owner ada",
        "rows 10",
        "from models[1] = Model 14 B 180cf97ea810",
        'gave words = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]',
        "Score auc 0.095",
        "Fit.1 loss: 3 points, the last 0.166667",
    ):
        assert wanted.split() in lines, wanted
    assert done.out.splitlines()[-1].startswith(f"recorded in {FIXTURE}/runs/2026/01/02/")
    assert "\x1b" not in done.out


def test_a_failure_shows_the_traceback(cli: Cli) -> None:
    out = cli("show", RUNS["failed"], "--store", FIXTURE).out
    assert "ValueError: no score today" in out
    assert 'raise ValueError("no score today")' in out
    assert "taken from run " + RUNS["succeeded"] in out


def test_json_is_the_whole_fold(cli: Cli) -> None:
    found = json.loads(cli("show", "latest", "--store", FIXTURE, "--format", "json").out)
    assert found["run"] == RUNS["no end"]
    assert found["end"] is None
    assert found["start"]["parameters"] == {"rows": 10, "fail": "no"}
    assert found["start"]["user"] == "ada"
    steps = {one["step"]: one for one in found["steps"]}
    assert steps["load"]["reused"] == {"run": RUNS["succeeded"], "step": "load"}
    assert steps["Score"]["metrics"] == {"auc": 0.095}
    assert steps["Fit.0"]["outputs"]["value"]["artifact"]["size"] == 29
    assert found["problems"] == []
    failed = json.loads(cli("show", RUNS["failed"], "--store", FIXTURE, "--format=json").out)
    score = next(one for one in failed["steps"] if one["step"] == "Score")
    assert score["error"]["class"] == "builtins:ValueError"


def test_the_log_of_a_step(cli: Cli, store: LocalStore) -> None:
    log = "a\tb\nrows \x1b[31mred\x1b[0m\rover\n\nlast\n"
    writer = Writer(store)
    writer.step("load", b"x")
    writer.step("quiet", b"y")
    digest = store.put_bytes(log.encode() + b"\xff\n").digest
    steps = {"load": {"status": "succeeded", "log": digest}, "quiet": {"status": "succeeded"}}
    writer.end(steps=steps)
    done = cli("show", "latest", "--log", "load")
    assert done.out == "a       b\nrows \\x1b[31mred\\x1b[0m\\rover\n\nlast\n�\n"
    quiet = cli("show", "latest", "--log", "quiet")
    assert (quiet.code, quiet.out) == (0, "")
    assert cli("show", "latest", "--log", "none").code == 1
    path = blob_path(store, digest)
    path.chmod(0o644)
    path.write_bytes(b"z" + path.read_bytes()[1:])
    rotten = cli("show", "latest", "--log", "load")
    assert (rotten.code, rotten.out) == (1, "")
    assert "is corrupt" in rotten.err


def test_a_running_and_a_lost_run(cli: Cli, store: LocalStore) -> None:
    writer = Writer(store, host="elsewhere", pid=1)
    writer.step("load", b"x")
    writer.records.step_started("train", 1, {"step": "train", "attempt": 1})
    assert "status       running" in cli("show", "latest").out
    for path in writer.folder.rglob("*"):
        os.utime(path, (1e9, 1e9))
    out = cli("show", "latest").out
    assert "status       lost" in out
    assert "train  lost" in out


def test_what_cannot_be_read_is_told(cli: Cli, store: LocalStore) -> None:
    writer = Writer(store)
    writer.step("load", b"x")
    writer.end()
    record(writer.folder / "steps/load/commit.json", outputs={"value": {"artifact": {"a": 1}}})
    done = cli("show", "latest")
    assert done.code == 0
    assert "cannot be read" in done.out
    assert "steps/load/commit.json: its digest: field required" in done.out


def test_a_dirty_tree_and_a_resumed_run(cli: Cli, store: LocalStore) -> None:
    patch = store.put_bytes(b"diff").digest
    git = {"commit": "5" * 40, "dirty": True, "patch": patch, "remote": "https://example.org/a"}
    before = Writer(store, git=git).end("failed")
    out = cli("show", "latest").out
    assert f"{'5' * 12}, with changes {patch[7:19]}" in out
    assert "git remote   https://example.org/a" in out
    again = Writer(store, git={**git, "patch": None}, resume_of=before)
    again.records.note({"resumed": "2026-01-02T03:04:05.000Z", "pid": 1, "host": "h"})
    again.end()
    out = cli("show", "latest", "--utc").out
    assert f"resumes      {before}" in out
    assert "with changes not kept" in out
    assert "went on      2026-01-02 03:04:05" in out


def test_a_huge_run_stays_readable(cli: Cli, store: LocalStore) -> None:
    writer = Writer(store, parameters={f"p{number}": "x" * 10_000 for number in range(50)})
    ref = {"artifact": reference(*store.put_bytes(b"x"))}
    writer.commit("wide", {"value": {"list": [ref] * 500}})
    trace = "\n".join(f"line {number} " + "y" * 1000 for number in range(5000))
    error = {"class": "a:B", "message": "m", "traceback": trace}
    writer.records.step_failed("deep", 1, {"step": "deep", "attempt": 1, "error": error})
    writer.end("failed")
    out = cli("show", "latest").out
    assert max(map(len, out.splitlines())) < 500
    assert len(out) < 200_000


def test_no_such_run(cli: Cli, store: LocalStore) -> None:
    Writer(store).end()
    for text in ("ffffffff", "ab", "../../x", "\x1b[31m", "latest2"):
        done = process("show", text, cwd=cli.folder)
        assert (done.code, done.out) == (1, "")
        assert len(done.lines) == 1 and "\x1b" not in done.err
