"""The state of a run is what its records say: nothing more, whoever wrote them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs_support import Writer, age, record, reference

from penstock_records.recent import NoSuchRun, find_run, recent_runs, short_ids
from penstock_records.run import fold
from penstock_records.summary import summaries, summary
from penstock_runtime.local import LocalStore
from penstock_runtime.processes import lives, this_process
from penstock_runtime.run_id import new_run_id, stable_run_id

FRESH, OLD = 60.0, 200.0


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture(scope="module")
def dead() -> dict[str, Any]:
    """A process of this machine that is gone."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return {**this_process(), "pid": gone.pid}


@pytest.mark.parametrize("status", ["succeeded", "failed", "cancelled"])
def test_the_end_tells_how_it_ended(store: LocalStore, status: str) -> None:
    writer = Writer(store)
    writer.step("load", b"x")
    run = writer.end(status)
    found = summary(store, run)
    assert (found.status, found.done, found.steps, found.seconds) == (status, 1, 1, 1.5)
    assert fold(store, run).status == status


def test_without_an_end_it_runs_or_is_lost(store: LocalStore, dead: dict[str, Any]) -> None:
    alive = Writer(store, **this_process())
    alive.step("load", b"x")
    assert summary(store, alive.run).status == "running"
    gone = Writer(store, **dead)
    assert summary(store, gone.run).status == "lost"

    elsewhere = Writer(store, host="elsewhere", pid=1, boot="b")
    assert summary(store, elsewhere.run).status == "running"
    age(elsewhere.folder, FRESH)
    assert summary(store, elsewhere.run).status == "running"
    age(elsewhere.folder, OLD)
    assert summary(store, elsewhere.run).status == "lost"


def test_a_sign_of_life_is_enough(store: LocalStore) -> None:
    for sign in ("heartbeat", "start", "points", "resumed"):
        writer = Writer(store)
        writer.step("load", b"x")
        age(writer.folder, OLD)
        assert summary(store, writer.run).status == "lost"
        if sign == "heartbeat":
            writer.records.heartbeat("train", 1, 7)
        elif sign == "start":
            writer.records.step_started("train", 1, {"step": "train", "attempt": 1})
        elif sign == "points":
            writer.records.curve("train", 1, 0, [{"step": 1, "key": "a", "value": 1.0}])
        else:
            writer.records.note({"resumed": "2026-01-01T00:00:00Z"})
        assert summary(store, writer.run).status == "running", sign


def test_whoever_goes_on_with_a_run_keeps_it_alive(store: LocalStore, dead: dict[str, Any]) -> None:
    writer = Writer(store, **dead)
    assert summary(store, writer.run).status == "lost"
    writer.records.note({"resumed": "2026-01-01T00:00:00Z", **this_process()})
    assert summary(store, writer.run).status == "running"


def test_a_process_number_that_was_given_again_is_no_life() -> None:
    me = this_process()
    host, pid, boot = str(me["host"]), int(str(me["pid"])), str(me["boot"])
    assert lives(host, pid, boot, 0.0) is True
    assert lives(host, pid, boot, 30 * 86_400.0 + 1e9) is False
    assert lives("elsewhere", pid, boot, 0.0) is None
    assert lives(host, pid, "another start", 0.0) is None
    assert lives(host, 0, boot, 0.0) is None
    assert lives(host, 1 << 40, boot, 0.0) is False


def test_the_steps_of_a_run_that_is_not_over(store: LocalStore) -> None:
    writer = Writer(store, **this_process())
    writer.step("load", b"x", metrics={"rows": 3.0})
    facts = {"step": "train", "code": "m:train", "started": "2026-01-01T00:00:00.000Z"}
    writer.records.step_started("train", 1, {**facts, "attempt": 1})
    failed = {"status": "failed", "error": {"class": "builtins:ValueError", "message": "no"}}
    writer.records.step_failed("train", 1, {**facts, **failed, "attempt": 1})
    found = fold(store, writer.run).step("train")
    assert found is not None and found.error is not None
    assert (found.status, found.attempts, found.error.message) == ("failed", 1, "no")
    writer.records.step_started("train", 2, {**facts, "attempt": 2})
    states = {one.step: (one.status, one.attempts) for one in fold(store, writer.run).steps}
    assert states == {"load": ("succeeded", 1), "train": ("running", 2)}
    record(writer.folder / "00-start.json", pid=0)
    age(writer.folder, OLD)
    assert fold(store, writer.run).step("train").status == "lost"  # type: ignore[union-attr]


def test_the_order_of_the_pipeline_is_kept(store: LocalStore) -> None:
    writer = Writer(store)
    for name in ("zeta", "alpha", "mid"):
        writer.step(name, name.encode())
    assert [one.step for one in fold(store, writer.end()).steps] == ["zeta", "alpha", "mid"]


DAMAGE = {
    "no JSON": b"{",
    "empty object": b"{}",
    "a list": b"[]",
    "not text": b"\xff\xfe\x00",
    "nothing": b" ",
    "wrong types": b'{"format":1,"run":"RUN","pipeline":[1],"status":{}}',
    "another run": b'{"format":1,"run":"0","pipeline":"p","status":"failed"}',
    "a number that is too long": b'{"format":' + b"9" * 5000 + b"}",
    "a key twice": b'{"format":1,"format":1}',
    "true as format": b'{"format":true,"run":"RUN","pipeline":"p","status":"failed"}',
    "deep": b'{"format":1,"run":"RUN","pipeline":"p","status":"failed","parameters":{"a":'
    + b"[" * 900 + b"]" * 900 + b"}}",
    "deeper": b"[" * 100_000 + b"]" * 100_000,
    "a negative time": b'{"format":1,"run":"RUN","pipeline":"p","status":"failed","seconds":-1}',
    "a hostile digest": b'{"format":1,"run":"RUN","pipeline":"p","status":"failed",'
    b'"artifacts":[{"step":"a","digest":"../../etc/passwd","size":1,"type":"t",'
    b'"materializer":"m","media":"m"}]}',
}  # fmt: skip


@pytest.mark.parametrize("record_name", ["99-end.json", "00-start.json"])
@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_record_is_told_and_hides_no_other_run(
    store: LocalStore, how: str, record_name: str
) -> None:
    before = Writer(store).end()
    broken = Writer(store)
    broken.step("load", b"x")
    if record_name == "99-end.json":
        broken.end()
    path = broken.folder / record_name
    path.chmod(0o644)
    path.write_bytes(DAMAGE[how].replace(b"RUN", broken.run.encode()))
    after = Writer(store).end()
    found = list(summaries(store))
    assert [one.run for one in found] == [after, broken.run, before]
    if record_name == "00-start.json" and how in ("a negative time", "a hostile digest"):
        return  # a start has no such field
    assert [one.status for one in found] == ["succeeded", "damaged", "succeeded"]
    assert found[1].problem
    folded = fold(store, broken.run)
    assert folded.status == "damaged"
    assert folded.problems
    assert [one.step for one in folded.steps] == ["load"]


def test_a_newer_record_is_listed_and_not_read(store: LocalStore) -> None:
    run = Writer(store).end()
    path = next(Path(store.url).rglob("99-end.json"))
    path.chmod(0o644)
    path.write_text(json.dumps({"format": 9, "run": run, "pipeline": {"new": "shape"}}))
    found = summary(store, run)
    assert (found.status, found.problem) == ("newer", "it has format 9, of a newer penstock")
    assert fold(store, run).status == "newer"


def test_fields_that_are_not_known_are_kept(store: LocalStore) -> None:
    writer = Writer(store, weather={"sun": True})
    writer.step("load", b"x", weather="rain")
    found = fold(store, writer.end(weather=1))
    assert found.problems == ()
    assert found.start is not None and found.start.model_extra is not None
    assert found.start.model_extra["weather"] == {"sun": True}


def test_links_lead_nowhere(store: LocalStore, tmp_path: Path) -> None:
    outside = LocalStore(tmp_path / "outside")
    secret = Writer(outside)
    secret.step("load", b"x")
    secret.end()
    inside = Writer(store).end()
    day = Path(store.url, "runs").glob("*/*/*")
    os.symlink(secret.folder, next(day) / secret.run)
    found = {one.run: one.status for one in summaries(store)}
    assert found == {inside: "succeeded", secret.run: "damaged"}
    assert fold(store, secret.run).steps == ()


def test_only_runs_in_their_place_are_listed(store: LocalStore) -> None:
    run = Writer(store).end()
    other = new_run_id()
    for name in (f"runs/2020/01/01/{other}", "runs/2026/13/99/x", "runs/x/y/z", "runs/2026/.."):
        Path(store.url, name).mkdir(parents=True, exist_ok=True)
    assert list(recent_runs(store)) == [run]


def test_a_run_of_an_orchestrator_is_listed_by_its_steps(store: LocalStore) -> None:
    """Airflow and Kubeflow write no start: the containers know of their steps alone."""
    run = stable_run_id("manual__2026-01-02T03:04:05+00:00", "flow")
    writer = Writer(store, run)
    writer.step("load", b"x")
    (writer.folder / "00-start.json").unlink()
    found = summary(store, run)
    assert (found.status, found.pipeline, found.done) == ("running", "", 1)
    assert fold(store, run).step("load") is not None


def test_a_run_is_found_by_either_end_of_its_id(store: LocalStore) -> None:
    runs = [Writer(store).end() for _ in range(3)]
    short = short_ids(runs)
    assert {len(one) for one in short.values()} == {8}
    for run in runs:
        for text in (run, run.upper(), short[run], run[-5:], run[-13:], run[:30]):
            assert find_run(store, text) == run, text
    assert find_run(store, "latest") == runs[2]
    with pytest.raises(NoSuchRun, match="several runs begin or end with"):
        find_run(store, runs[0][:8])
    with pytest.raises(NoSuchRun, match="there is no run"):
        find_run(store, "ffffffff")
    with pytest.raises(NoSuchRun, match="there is no run"):
        find_run(store, new_run_id())
    for hostile in ("../..", "..", "abc", "", "x" * 300, "\x1b[31mred", "a/b/c/d/e"):
        with pytest.raises(NoSuchRun):
            find_run(store, hostile)


def test_short_ids_grow_until_they_tell_runs_apart() -> None:
    twins = [f"01a21030-ddc6-71a5-{first}fde-b52bd602f04d" for first in "ab"]
    assert {len(one) for one in short_ids(twins).values()} == {16}
    assert len(set(short_ids(twins).values())) == 2
    assert short_ids([]) == {}


def test_a_list_reads_no_more_days_than_it_needs(store: LocalStore) -> None:
    listed: list[str] = []

    class Counting(LocalStore):
        def names(self, folder: str) -> list[str]:
            listed.append(folder)
            return super().names(folder)

    for day in range(1, 29):
        run = stable_run_id(f"manual__2026-01-{day:02d}T03:04:05", "flow")
        Writer(store, run).end()
    newest = Writer(store).end()
    counting = Counting(Path(store.url))
    assert next(summaries(counting)).run == newest
    assert sum(name.count("/") == 3 for name in listed) == 1


def test_outputs_in_lists_are_found(store: LocalStore) -> None:
    writer = Writer(store)
    ref = {"artifact": reference(*store.put_bytes(b"x"))}
    writer.commit("a", {"value": {"list": [ref, {"list": [ref, {"value": 1}]}]}})
    found = fold(store, writer.run).step("a")
    assert found is not None
    assert [output for output, _ in found.artifacts()] == ["value", "value"]
