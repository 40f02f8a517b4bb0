"""`penstock runs` and the store that all readers share, as users meet them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cli_support import EXECUTABLE, Cli, in_terminal, process
from runs_support import FIXTURE, RUNS, Writer, record, snapshot

from penstock_runtime.local import LocalStore

READERS: list[tuple[str, ...]] = [
    ("runs",),
    ("show", "latest"),
    ("artifacts",),
    ("get", "latest:load", "-o", "-"),
    ("fsck",),
    ("gc", "--dry-run"),
]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, monkeypatch, capsys)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / ".penstock")


def test_the_table(cli: Cli) -> None:
    done = cli("runs", "--store", FIXTURE, "--utc")
    assert done.code == 0
    head, *rows = done.out.splitlines()
    assert head.split() == ["run", "pipeline", "status", "started", "took", "steps"]
    assert [row.split()[:3] for row in rows[1:]] == [
        [RUNS[status][-8:], "flow", status] for status in ("cancelled", "failed", "succeeded")
    ]
    assert "2026-01-02 03:04:05" in rows[3]
    assert 'auc=0.095 rows=10 fail=""' in rows[3]
    assert " 6/7 " in rows[2] and " 7 " in rows[3]
    assert "\x1b" not in done.out


def test_filters_and_number(cli: Cli) -> None:
    def told(*words: str) -> list[str]:
        done = cli("runs", "--store", FIXTURE, "--format", "json", *words)
        return [one["run"] for one in json.loads(done.out)]

    assert told("-n", "2") == [RUNS["no end"], RUNS["cancelled"]]
    assert told("--status", "failed") == [RUNS["failed"]]
    assert told("--pipeline", "flow", "-n1", "--status", "succeeded") == [RUNS["succeeded"]]
    assert told("--pipeline", "nothing") == []
    none = cli("runs", "--store", FIXTURE, "--pipeline", "nothing")
    assert (none.code, none.out) == (0, "")
    assert "no such runs in" in none.err


def test_json_holds_whole_ids_and_values(cli: Cli) -> None:
    found = json.loads(cli("runs", "--store", FIXTURE, "--format", "json").out)[-1]
    assert found["run"] == RUNS["succeeded"]
    assert found["status"] == "succeeded"
    assert (found["done"], found["steps"]) == (7, 7)
    assert found["parameters"] == {"rows": 10, "fail": ""}
    assert found["metrics"]["Score"] == {"auc": 0.095}
    assert found["started"].endswith("Z")
    assert "problem" not in found


@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
def test_a_store_that_is_not_there_is_one_sentence_and_is_not_made(
    cli: Cli, words: tuple[str, ...]
) -> None:
    done = cli(*words)
    assert done.code == 1
    assert done.lines == [
        f"error: there is no store {cli.folder / '.penstock'}; run a pipeline first, or name one: "
        "--store"
    ]
    assert list(cli.folder.iterdir()) == []
    (cli.folder / "empty").mkdir()
    done = cli(*words, "--store", "empty")
    assert done.code == 1
    assert "is not a penstock store" in done.err
    assert list((cli.folder / "empty").iterdir()) == []


@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
def test_a_store_of_a_newer_format_is_refused(
    cli: Cli, store: LocalStore, words: tuple[str, ...]
) -> None:
    mark = Path(store.url, "penstock-store.json")
    mark.chmod(0o644)
    mark.write_text('{"format": 2, "hash": "sha256"}')
    done = cli(*words)
    assert done.code == 1
    assert "a format that this penstock is too old for" in done.err


def test_an_empty_store(cli: Cli, store: LocalStore) -> None:
    for words, code, out in (
        (("runs",), 0, ""),
        (("runs", "--format", "json"), 0, "[]\n"),
        (("artifacts", "--format", "json"), 0, "[]\n"),
        (("fsck",), 0, "checked 0 blobs (0 B) and 0 records: all are right\n"),
        (("gc",), 0, "there is nothing to remove\n"),
        (("show", "latest"), 1, ""),
        (("get", "0" * 12, "-o", "x"), 1, ""),
    ):
        done = cli(*words)
        assert (done.code, done.out) == (code, out), words
        assert len(done.lines) <= 1


@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
def test_reading_changes_nothing(cli: Cli, words: tuple[str, ...]) -> None:
    before = dict(snapshot(FIXTURE))
    cli(*words, "--store", FIXTURE)
    assert dict(snapshot(FIXTURE)) == before


def test_where_the_store_is(cli: Cli, store: LocalStore) -> None:
    """A flag, then a variable, then the project's setting, then the project itself."""
    run = Writer(store).end()
    other = LocalStore(cli.folder / "other")
    elsewhere = Writer(other).end()
    inner = cli.folder / "a" / "b"
    inner.mkdir(parents=True)

    def told(*words: str, **env: str) -> str:
        done = process("runs", "--format", "json", *words, cwd=inner, env=env)
        assert done.code == 0, done.err
        return str(json.loads(done.out)[0]["run"])

    cli.write("pyproject.toml", "")
    assert told() == run
    cli.write("pyproject.toml", '[tool.penstock]\nstore = "other"\n')
    assert told() == elsewhere
    assert told(PENSTOCK_STORE=store.url) == run
    assert told("--store", "../../other", PENSTOCK_STORE=store.url) == elsewhere
    assert told("--store", f"file://{other.url}") == elsewhere


HOSTILE = "\x1b[31mred\x1b[0m\r\n../../\u202e\x00\ud800"


def test_hostile_records_reach_no_terminal(cli: Cli, store: LocalStore) -> None:
    writer = Writer(
        store,
        pipeline=HOSTILE,
        parameters={HOSTILE: HOSTILE, "big": "x" * 100_000},
        user=HOSTILE,
        git={"commit": HOSTILE, "remote": HOSTILE},
        tags=[HOSTILE],
    )
    writer.step("a", b"x", metadata={"a": HOSTILE}, reused={"run": HOSTILE, "step": HOSTILE})
    writer.end("failed", metrics={HOSTILE: {HOSTILE: HOSTILE}})
    record(writer.folder / "99-end.json", steps={HOSTILE: {"status": HOSTILE, "error": HOSTILE}})
    for words in (("runs",), ("show", "latest"), ("artifacts",), ("fsck",), ("gc", "--dry-run")):
        for form in ("text", "json"):
            done = cli(*words, "--format", form)
            assert done.code in (0, 1), done.err
            for bad in ("\x1b", "\r", "\x00", "\u202e"):
                assert bad not in done.out + done.err, (words, form)
            if form == "json":
                json.loads(done.out)
    assert max(map(len, cli("runs").out.splitlines())) < 600


def test_colours_only_where_they_are_wanted(cli: Cli, store: LocalStore) -> None:
    Writer(store).end("failed")
    assert "\x1b[31mfailed" in process("runs", cwd=cli.folder, env={"FORCE_COLOR": "1"}).out
    both = {"FORCE_COLOR": "1", "NO_COLOR": "1"}
    assert "\x1b" not in process("runs", cwd=cli.folder, env=both).out


@pytest.mark.parametrize("columns", [20, 60, 80, 200])
def test_the_table_is_no_wider_than_the_terminal(cli: Cli, store: LocalStore, columns: int) -> None:
    Writer(store, pipeline="p" * 100, parameters={"a": "b" * 300, "c": "d"}).end()
    out = in_terminal(["runs"], cli.folder, columns)
    assert out.splitlines()
    assert max(map(len, out.splitlines())) <= columns


def test_a_reader_that_goes_away_is_no_error(cli: Cli, store: LocalStore) -> None:
    for number in range(30):
        Writer(store, parameters={"big": "x" * 5000, "n": number}).end()
    with subprocess.Popen(
        [EXECUTABLE, "runs", "-n", "100", "--format", "json"],
        cwd=cli.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.read(10)
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(30) == 0


@pytest.mark.parametrize("words", READERS, ids=lambda words: words[0])
def test_the_help_has_an_example(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli(words[0], "--help")
    assert done.code == 0
    assert "Example:" in done.out and f"penstock {words[0]}" in done.out
