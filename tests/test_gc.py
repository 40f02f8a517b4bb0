"""`penstock gc` removes what nobody needs, and never what somebody may still name."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli_support import Cli
from conftest import LONG
from local_project import Project
from runs_support import (
    DAY,
    RUNS,
    Writer,
    age,
    blob_path,
    files_of,
    fixture_copy,
    reference,
    snapshot,
)

from penstock_records.checking import Checker
from penstock_records.collecting import Collector, Garbage
from penstock_records.recent import recent_runs
from penstock_records.retiring import Rules
from penstock_runtime.cache import remember
from penstock_runtime.folders import put_folder
from penstock_runtime.local import LocalStore
from penstock_runtime.processes import this_process
from penstock_runtime.reference import FOLDER_MEDIA

WEEKS = 14 * DAY


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, monkeypatch, capsys)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / ".penstock")


def collect(store: LocalStore, grace: float = WEEKS, **rules: Any) -> Garbage:
    """What a collector removes that need not wait for anybody."""
    collector = Collector(store, Rules(grace, **rules), settle=0)
    found = collector.find()
    return collector.remove(found, wait=lambda seconds: None)


def blobs(store: LocalStore) -> set[str]:
    return {one.digest for one in store.blobs()}


def is_sound(store: LocalStore) -> bool:
    return list(Checker(store, lambda done, total: None).problems()) == []


def test_everything_that_a_record_names_stays(tmp_path: Path) -> None:
    """Of real runs of every kind: whatever is there, some record names it."""
    copy = fixture_copy(tmp_path)
    age(copy, 30 * DAY)
    store = LocalStore(copy)
    before = dict(snapshot(copy))
    found = collect(store, 0.0)
    assert not found, found
    assert dict(snapshot(copy)) == before
    assert is_sound(store)


def test_real_runs_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine of today writes, which may be more than the fixture holds."""
    monkeypatch.chdir(tmp_path)
    project = Project(tmp_path)
    flow = """
    @step
    def load(n: int) -> bytes:
        print("loading")
        return b"x" * n

    @step
    def folder(data: bytes, boom: bool = False) -> Path:
        assert not boom
        Path("made").mkdir(exist_ok=True)
        Path("made/a").write_bytes(data)
        return Path("made")

    @step
    def last(data: Path, status: RunStatus) -> None:
        print("over")

    @pipeline
    def flow(n: int = 3, boom: bool = False):
        made = folder(load(n), boom)
        on_exit(note())

    @step
    def note() -> None: ...
    """
    file = project.write(flow, "flow")
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "add", "flow.py"], check=True)
    subprocess.run(["git", "-C", tmp_path, "commit", "-qm", "x"], check=True)
    file.write_text(file.read_text() + "\n# changed\n")
    ran = [project.run(file, parameters={"boom": one}) for one in (False, True, False)]
    assert ran[0].record("00-start.json")["git"]["patch"]
    store = LocalStore(project.store)
    age(project.store, 30 * DAY)
    before = blobs(store)
    assert not collect(store, 0.0)
    assert blobs(store) == before


def test_what_nobody_names_goes_after_the_grace(store: LocalStore) -> None:
    named = Writer(store)
    kept = named.step("load", b"kept")
    named.end()
    old, young = (store.put_bytes(data).digest for data in (b"old", b"young"))
    age(blob_path(store, old), 15 * DAY)
    age(blob_path(store, young), 13 * DAY)
    found = collect(store)
    assert [one.digest for one in found.blobs] == [old]
    assert found.size == 3
    assert blobs(store) == {kept, young}
    assert {one.digest for one in collect(store, 0.0).blobs} == {young}
    assert blobs(store) == {kept}


def test_a_blob_that_is_used_again_is_young_again(store: LocalStore) -> None:
    digests = [store.put_bytes(data).digest for data in (b"put", b"renewed", b"left")]
    for digest in digests:
        age(blob_path(store, digest), 30 * DAY)
    store.put_bytes(b"put")
    assert store.renew(digests[1])
    assert [one.digest for one in collect(store).blobs] == [digests[2]]


def test_every_way_to_name_a_blob(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/deep/a").write_bytes(b"in a folder")
    folder = put_folder(tmp_path / "in", store)
    names = ("patch", "packages", "log", "input", "output", "preview", "failure", "result", "new")
    named = {name: store.put_bytes(name.encode()) for name in names}

    def ref(name: str, **more: Any) -> dict[str, Any]:
        return {"artifact": reference(*named[name], **more)}

    source = put_folder(tmp_path / "in" / "deep", store)
    writer = Writer(
        store,
        git={"commit": "c", "patch": named["patch"].digest},
        environment={"packages": named["packages"].digest},
        source=source.digest,
    )
    writer.commit(
        "a",
        {"value": {"list": [ref("output", preview=named["preview"].digest)]}},
        inputs={"x": {"list": [ref("input")]}},
    )
    writer.commit("b", {"value": {"artifact": reference(*folder, media=FOLDER_MEDIA)}})
    error = {"class": "a:B", "message": "m", "traceback": named["failure"].digest}
    writer.records.step_failed("c", 1, {"step": "c", "attempt": 1, "error": error})
    writer.records.note({"not_known_yet": [{"deep": named["new"].digest}]})
    steps = {"a": {"status": "succeeded", "log": named["log"].digest}}
    writer.end("failed", steps=steps, outputs={"value": ref("result")})
    age(Path(store.url), 30 * DAY)
    assert not collect(store, 0.0)
    assert len(blobs(store)) == len(names) + 3


@pytest.mark.parametrize("damage", ["{", '{"format":2,"run":"RUN"}'])
def test_no_blob_goes_while_a_record_cannot_be_read(store: LocalStore, damage: str) -> None:
    writer = Writer(store)
    writer.step("load", b"x")
    writer.end()
    lost = store.put_bytes(b"whose?").digest
    path = writer.folder / "steps/load/commit.json"
    path.chmod(0o644)
    path.write_text(damage.replace("RUN", writer.run))
    age(Path(store.url), 30 * DAY)
    found = collect(store)
    assert found.blobs == () and len(found.problems) == 1
    assert lost in blobs(store)


def test_a_folder_without_its_manifest_stops_it_too(store: LocalStore, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_bytes(b"a")
    blob = put_folder(tmp_path / "in", store)
    writer = Writer(store)
    writer.commit("b", {"value": {"artifact": reference(*blob, media=FOLDER_MEDIA)}})
    writer.end()
    blob_path(store, blob.digest).unlink()
    age(Path(store.url), 30 * DAY)
    assert collect(store, 0.0).blobs == ()
    assert len(blobs(store)) == 1


def test_what_a_run_at_work_has_written_stays(store: LocalStore) -> None:
    """It may name it any time: also with no grace at all, and when its host cannot be asked."""
    elsewhere: dict[str, Any] = {"host": "elsewhere", "pid": 1}
    for me, seconds in ((this_process(), 0), (elsewhere, 3600)):
        writer = Writer(store, **me)
        mine, before = (store.put_bytes(data).digest for data in (b"mine", b"before"))
        age(writer.folder, seconds)
        age(blob_path(store, mine), max(seconds - 600, 0))
        age(blob_path(store, before), DAY)
        assert [one.digest for one in collect(store, 0.0).blobs] == [before]
        writer.end()
        assert [one.digest for one in collect(store, 0.0).blobs] == [mine]


def test_a_silent_run_is_waited_for_longer_than_a_list_does(store: LocalStore) -> None:
    """A list calls it lost after minutes; a laptop that slept may come back."""
    writer = Writer(store, host="elsewhere", pid=1)
    age(writer.folder, 3600)
    mine = store.put_bytes(b"mine").digest
    age(blob_path(store, mine), 3000)
    collect(store, 0.0, keep_last=0)
    assert mine in blobs(store)
    assert list(recent_runs(store)) == [writer.run]
    age(writer.folder, 2 * DAY)
    age(blob_path(store, mine), DAY)
    collect(store, 0.0, keep_last=0)
    assert mine not in blobs(store)
    assert list(recent_runs(store)) == []


def test_a_commit_between_the_phases_is_seen(store: LocalStore) -> None:
    """Mark, then a writer names an old blob, then sweep."""
    old = store.put_bytes(b"old").digest
    age(blob_path(store, old), 30 * DAY)
    collector = Collector(store, Rules(WEEKS), settle=0)
    found = collector.find()
    assert [one.digest for one in found.blobs] == [old]

    def meanwhile(seconds: float) -> None:
        writer = Writer(store)
        writer.commit("load", {"value": {"artifact": reference(old, 3)}})
        writer.end()

    assert collector.remove(found, meanwhile).blobs == ()
    assert is_sound(store)


def test_a_blob_that_is_renewed_between_the_phases_stays(store: LocalStore) -> None:
    old = store.put_bytes(b"old").digest
    age(blob_path(store, old), 30 * DAY)
    collector = Collector(store, Rules(WEEKS), settle=0)
    found = collector.find()

    def meanwhile(seconds: float) -> None:
        assert store.renew(old)

    assert collector.remove(found, meanwhile).blobs == ()
    assert blobs(store) == {old}


def test_renewing_in_the_very_moment_of_removal(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a blob is moved aside, a writer writes it anew; one that was faster gets it back."""
    digest, _ = store.put_bytes(b"wanted")
    path = blob_path(store, digest)
    age(path, 30 * DAY)
    rename = os.rename

    def before(source: Path, target: Path) -> None:
        assert store.renew(digest)
        rename(source, target)

    monkeypatch.setattr(os, "rename", before)
    assert not store.remove_blob(digest, 20 * DAY)
    assert store.read_bytes(digest) == b"wanted"

    def after(source: Path, target: Path) -> None:
        rename(source, target)
        assert not store.renew(digest)
        assert store.put_bytes(b"wanted").digest == digest

    age(path, 30 * DAY)
    monkeypatch.setattr(os, "rename", after)
    assert store.remove_blob(digest, 20 * DAY)
    assert store.read_bytes(digest) == b"wanted"


def test_a_collector_that_is_killed_while_it_looks_loses_nothing(store: LocalStore) -> None:
    digest, _ = store.put_bytes(b"wanted")
    path = blob_path(store, digest)
    path.rename(Path(store.url, "tmp", f"gone-{digest[7:]}"))
    store.leftovers(0)
    assert not store.has(digest), "looking alone changes nothing"
    collect(store)
    assert store.read_bytes(digest) == b"wanted"
    assert os.listdir(Path(store.url, "tmp")) == []


def test_leftovers_of_killed_writers_go(store: LocalStore) -> None:
    with store.scratch() as scratch:
        (scratch / "out").write_bytes(b"x" * 1000)
        temporary = Path(store.url, "tmp")
        (temporary / "1-dead").write_bytes(b"y" * 10)
        (temporary / "2-dead").mkdir()
        (temporary / "2-dead/out").write_bytes(b"z" * 5)
        for name in ("1-dead", "2-dead"):
            age(temporary / name, 30 * DAY)
        found = collect(store)
        assert (found.leftovers.files, found.leftovers.size) == (2, 15)
        assert (scratch / "out").exists()
        assert len(os.listdir(temporary)) == 1


def test_entries_of_the_cache_and_plans_go_with_their_runs(store: LocalStore) -> None:
    plans = [f"sha256:{digit * 64}" for digit in "12"]
    for plan in plans:
        store.create(f"plans/{plan[7:]}.json", b'{"a":1}')
    writers = [Writer(store, plan=plan) for plan in plans]
    for number, writer in enumerate(writers):
        writer.step("a", b"x")
        remember(store, f"sha256:{number}{'a' * 63}", writer.run, "a")
        writer.end()
    age(Path(store.url), 100 * DAY)
    found = collect(store, 0.0, keep_last=1)
    assert found.runs == (writers[0].run,)
    assert [name[:8] for name in found.entries] == ["cache/0a"]
    assert found.plans == (f"plans/{'1' * 64}.json",)
    assert found.blobs == ()
    assert store.names("plans") == [f"{'2' * 64}.json"]
    assert store.names("cache") == ["1a"]
    assert [path.name for path in Path(store.url, "runs").rglob("0*-*-*-*-*")] == [writers[1].run]


def test_runs_are_marked_first_and_removed_after_the_grace(cli: Cli, store: LocalStore) -> None:
    runs = [Writer(store).end() for _ in range(3)]
    writer = Writer(store)
    digest = writer.step("load", b"x")
    runs.append(writer.end())
    other = Writer(store, pipeline="other").end()
    age(Path(store.url), 100 * DAY)
    newest = Writer(store).end()
    done = cli("gc", "--keep-last", "1", "--older-than", "90d", "--yes")
    assert done.code == 0
    assert "marked 4 runs, to be removed by a gc after the time of grace" in done.out
    assert list(recent_runs(store)) == [newest, other]
    assert cli("show", runs[0]).code == 1
    assert digest in blobs(store)
    assert not collect(store)
    age(Path(store.url, "tomb"), 15 * DAY)
    found = collect(store)
    assert set(found.runs) == set(runs)
    assert [one.digest for one in found.blobs] == [digest]
    assert store.names("tomb") == []
    assert blobs(store) == set()
    assert not collect(store, 0.0)


def test_the_rules_for_runs(store: LocalStore) -> None:
    runs: list[str] = []
    for number in range(6):
        runs.append(Writer(store, pipeline="ab"[number % 2]).end())
        age(Path(store.url, "runs"), 10 * DAY)

    def marked(**rules: Any) -> set[int]:
        found = Collector(store, Rules(WEEKS, **rules)).find().marked
        return {runs.index(run) for run in found}

    assert marked() == set()
    assert marked(keep_last=2) == {0, 1}
    assert marked(keep_last=0) == {0, 1, 2, 3, 4, 5}
    assert marked(older_than=35 * DAY) == {0, 1, 2}
    assert marked(keep_last=2, older_than=55 * DAY) == {0}
    assert marked(keep_last=9) == set()


def test_a_run_that_a_kept_run_was_made_from_stays(store: LocalStore) -> None:
    first, second, third, fourth = (Writer(store) for _ in range(4))
    first.step("a", b"x")
    first.end("failed")
    second.end("failed")
    third_of = Writer(store, resume_of=second.run)
    third_of.step("a", b"x", reused={"run": first.run, "step": "a"})
    third_of.end()
    third.end()
    fourth.end()
    age(Path(store.url), 100 * DAY)
    found = collect(store, keep_last=1)
    assert set(found.marked) == {third.run, fourth.run}


def test_a_marked_run_that_is_used_again_is_kept(store: LocalStore) -> None:
    old = Writer(store)
    old.step("a", b"x")
    old.end("failed")
    age(Path(store.url), 100 * DAY)
    new = Writer(store).end()
    assert collect(store, keep_last=1).marked == (old.run,)
    again = Writer(store, resume_of=old.run)
    again.step("a", b"x", reused={"run": old.run, "step": "a"})
    again.end()
    age(Path(store.url, "tomb"), 100 * DAY)
    found = collect(store)
    assert (found.runs, found.spared) == ((), (old.run,))
    assert set(recent_runs(store)) == {again.run, new, old.run}


def test_a_run_that_goes_on_after_it_was_marked_is_kept(store: LocalStore) -> None:
    lost = Writer(store, host="elsewhere")
    lost.step("a", b"x")
    age(Path(store.url), 100 * DAY)
    assert collect(store, keep_last=0).marked == (lost.run,)
    age(Path(store.url, "tomb"), 100 * DAY)
    lost.records.note({"resumed": "2026-01-01T00:00:00.000Z", **this_process()})
    assert collect(store).runs == ()
    assert list(recent_runs(store)) == [lost.run]
    assert is_sound(store)


def test_a_run_at_work_is_never_removed(store: LocalStore) -> None:
    writer = Writer(store, **this_process())
    writer.step("a", b"x")
    assert not Collector(store, Rules(0.0, keep_last=0, older_than=0.0)).find().marked


def test_dry_run_frees_nothing(cli: Cli, store: LocalStore) -> None:
    Writer(store).step("a", b"x")
    store.put_bytes(b"orphan")
    age(Path(store.url), 100 * DAY)
    before = dict(snapshot(Path(store.url)))
    done = cli("gc", "--dry-run", "--keep-last", "0")
    assert done.code == 0
    assert "would remove 1 blob, named by no run" in done.out
    assert "would mark 1 run" in done.out
    assert "would remove 6 B in all" in done.out
    found = json.loads(cli("gc", "--dry-run", "--format", "json").out)
    assert (found["removed"], len(found["blobs"]), found["bytes"]) == (False, 1, 6)
    assert dict(snapshot(Path(store.url))) == before


def test_it_asks_before_it_removes(cli: Cli, store: LocalStore) -> None:
    digest = store.put_bytes(b"orphan").digest
    age(Path(store.url), 100 * DAY)
    done = cli("gc")
    assert (done.code, done.out) == (2, "")
    assert "say --yes, or look with --dry-run" in done.err
    assert digest in blobs(store)
    done = cli("gc", "--yes", "--format", "json")
    assert json.loads(done.out)["blobs"] == [digest]
    assert blobs(store) == set()


@pytest.mark.parametrize(
    "words", [("--grace", "5x"), ("--grace", "-1d"), ("--keep-last", "-1"), ("--older-than", "")]
)
def test_wrong_words(cli: Cli, store: LocalStore, words: tuple[str, str]) -> None:
    done = cli("gc", *words)
    assert done.code == 2
    assert words[0] in done.err


WRITER = """
import os, random, sys, time
sys.path[:0] = sys.argv[4:]
from runs_support import Writer, reference
from penstock_runtime.local import LocalStore
from penstock_runtime.processes import this_process
store, seed, until = LocalStore(__import__("pathlib").Path(sys.argv[1])), sys.argv[2], sys.argv[3]
dice = random.Random(int(seed))
runs = 0
while time.time() < float(until):
    writer = Writer(store, **this_process())
    for step in range(3):
        # Bytes that other runs, and runs that are gone, have written too: blobs come back to life.
        data = b"shared %d" % dice.randrange(600) if dice.random() < 0.8 else dice.randbytes(40)
        blob = store.put_bytes(data)
        time.sleep(dice.random() * 0.02)  # a step takes its time between writing and committing
        writer.commit(f"s{step}", {"value": {"artifact": reference(*blob)}})
    writer.end(artifacts=[])
    runs += 1
print(runs)
"""


@pytest.mark.parametrize("grace", [0.0, WEEKS])
def test_eight_writers_lose_nothing_while_it_collects(store: LocalStore, grace: float) -> None:
    """Eight processes write runs that share blobs; a collector runs all the time.

    The newest runs alone are kept, so that blobs lose their names and get new ones all the time.
    """
    seconds = 60.0 if LONG else 6.0
    orphans = {store.put_bytes(b"shared %d" % number).digest for number in range(600)}
    orphans |= {store.put_bytes(b"orphan %d" % number).digest for number in range(200)}
    for path in files_of(Path(store.url), "cas"):
        age(path, 30 * DAY)
    until = time.time() + seconds
    command = [sys.executable, "-c", WRITER, store.url]
    writers = [
        subprocess.Popen([*command, str(seed), str(until), *sys.path], stdout=subprocess.PIPE)
        for seed in range(8)
    ]
    removed: set[str] = set()
    rounds = 0
    while time.time() < until:
        # Some runs are retired while they are read: their blobs are shared with those at work.
        collector = Collector(store, Rules(grace, keep_last=20), settle=1.5)
        found = collector.find()
        removed |= {one.digest for one in collector.remove(found).blobs}
        rounds += 1
    told = [one.communicate()[0] for one in writers]
    assert all(one.returncode == 0 for one in writers)
    assert sum(map(int, told)) > 30 and rounds > 1
    found = collect(store, grace)
    problems = list(Checker(store, lambda done, total: None).problems())
    assert problems == []
    assert {f"orphan {number}" for number in range(200)}
    assert len(orphans & removed) >= 200
    assert not blobs(store) & {one for one in orphans if one in removed and not store.has(one)}


class Killed(BaseException):
    """Ends a collector as SIGKILL does: nothing of it is run any more."""


class Mortal(LocalStore):
    """A store whose user dies before, or just after, the n-th change that it makes."""

    left = 0

    def _live(self) -> None:
        self.left -= 1
        if self.left == 0:
            raise Killed

    def create(self, name: str, data: bytes, *, durable: bool = True) -> bool:
        self._live()
        done = super().create(name, data, durable=durable)
        self._live()
        return done

    def remove(self, name: str) -> None:
        self._live()
        super().remove(name)
        self._live()

    def remove_blob(self, digest: str, idle: float = 0.0) -> bool:
        self._live()
        done = super().remove_blob(digest, idle)
        self._live()
        return done


def garbage(folder: Path) -> LocalStore:
    """A store with runs to retire, blobs that they share with others, and leftovers."""
    store = LocalStore(folder)
    for number in range(5):
        writer = Writer(store)
        for step in range(2):
            writer.step(f"s{step}", b"shared %d" % ((number + step) % 4))
        remember(store, f"sha256:{number:064}", writer.run, "s0")
        store.put_bytes(b"orphan %d" % number)
        writer.end()
    age(folder, 30 * DAY)
    return store


def test_dying_before_or_after_any_change_is_harmless(tmp_path: Path) -> None:
    rules = Rules(0.0, keep_last=2)
    whole = garbage(tmp_path / "whole")
    collect(whole, 0.0, keep_last=2)
    number = 0
    while True:
        number += 1 if LONG else 3
        folder = tmp_path / str(number)
        garbage(folder)
        mortal = Mortal(folder)
        mortal.left = number
        collector = Collector(mortal, rules, settle=0)
        try:
            collector.remove(collector.find())
        except Killed:
            pass
        else:
            break
        store = LocalStore(folder)
        assert is_sound(store), number
        assert len(list(recent_runs(store))) in (2, 3, 4, 5)
        collect(store, 0.0, keep_last=2)
        assert is_sound(store), number
        assert blobs(store) == blobs(whole), number
        assert len(files_of(folder, "runs")) == len(files_of(tmp_path / "whole", "runs"))
        assert store.names("tomb") == []
    assert number > 50, "it made fewer changes than it should"


KILLED = """
import sys
from pathlib import Path
from penstock_records.collecting import Collector
from penstock_records.retiring import Rules
from penstock_runtime.local import LocalStore
collector = Collector(LocalStore(Path(sys.argv[1])), Rules(0.0, keep_last=2), settle=0)
found = collector.find()
print(flush=True)
collector.remove(found)
"""


def test_killing_it_is_harmless(tmp_path: Path) -> None:
    """The same with the real signal, inside of what the store does for one change."""
    dice = random.Random(4)
    for number in range(60 if LONG else 4):
        store = garbage(tmp_path / str(number))
        command = [sys.executable, "-c", KILLED, store.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(dice.random() * 0.02)
            running.send_signal(signal.SIGKILL)
        assert is_sound(store)
        collect(store, 0.0, keep_last=2)
        assert is_sound(store)
        assert len(list(recent_runs(store))) == 2


def test_a_file_that_a_step_wrote_long_ago_is_young_when_it_is_stored(store: LocalStore) -> None:
    with store.scratch() as scratch:
        (scratch / "out").write_bytes(b"x")
        age(scratch / "out", 30 * DAY)
        store.put_file(scratch / "out", owned=True)
    assert not collect(store).blobs


def test_the_blob_of_another_user_is_renewed_by_a_copy(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may not set its time would leave it to the collector, and still name it."""
    digests = [store.put_bytes(data).digest for data in (b"renewed", b"put again", b"rotten")]
    for digest in digests:
        age(blob_path(store, digest), 30 * DAY)
    rotten = blob_path(store, digests[2])
    rotten.chmod(0o644)
    rotten.write_bytes(b"rottem")
    age(rotten, 30 * DAY)
    utime, mine = os.utime, os.geteuid()

    def refused(path: Any, *times: Any) -> None:
        if "cas" in Path(path).parts:
            raise PermissionError(1, "not yours", str(path))
        utime(path, *times)

    with monkeypatch.context() as patch:
        patch.setattr(os, "utime", refused)
        patch.setattr(os, "geteuid", lambda: mine + 1)
        assert store.renew(digests[0])
        assert store.put_bytes(b"put again").digest == digests[1]
        assert not store.renew(digests[2])
    assert {one.digest for one in collect(store).blobs} == {digests[2]}


def test_removing_folders_disturbs_no_writer(store: LocalStore) -> None:
    """A collector removes folders that are empty; a writer makes one at that very moment."""
    program = (
        "import sys, pathlib\n"
        "from penstock_runtime.local import LocalStore\n"
        "store = LocalStore(pathlib.Path(sys.argv[1]))\n"
        "for number in range(400):\n"
        "    store.create(f'cache/a/b/{sys.argv[2]}-{number}.json', b'1')\n"
        "    store.remove(f'cache/a/b/{sys.argv[2]}-{number}.json')\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, store.url, name]) for name in "xyz"]
    assert [one.wait(60) for one in both] == [0, 0, 0]


def test_the_fixture_can_be_cleaned(tmp_path: Path, cli: Cli) -> None:
    copy = fixture_copy(tmp_path)
    age(copy, 100 * DAY)
    done = cli("gc", "--store", copy, "--keep-last", "1", "--grace", "0", "--yes")
    assert done.code == 0, done.err
    store = LocalStore(copy)
    # The youngest run took its steps from the one that succeeded.
    assert set(recent_runs(store)) == {RUNS["no end"], RUNS["succeeded"]}
    assert is_sound(store)
