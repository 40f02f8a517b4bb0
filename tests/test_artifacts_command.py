"""`penstock artifacts` and `penstock get`: what was stored, and getting it out whole."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli_support import EXECUTABLE, Cli, in_terminal, process
from runs_support import FIXTURE, RUNS, Writer, blob_path, reference

from penstock_runtime.folders import put_folder
from penstock_runtime.local import LocalStore
from penstock_runtime.reference import FOLDER_MEDIA

ONE, TWO = b"first bytes", b"second bytes\n"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, monkeypatch, capsys)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / ".penstock")


@pytest.fixture
def run(store: LocalStore, tmp_path: Path) -> str:
    """A run with a file, another, a folder, a parameter, and two outputs of one step."""
    writer = Writer(store)
    writer.step("one", ONE)
    writer.step("prep.two", TWO)
    (tmp_path / "in/deep").mkdir(parents=True)
    (tmp_path / "in/a.txt").write_bytes(ONE)
    (tmp_path / "in/deep/run.sh").write_bytes(TWO)
    (tmp_path / "in/deep/run.sh").chmod(0o755)
    (tmp_path / "in/empty").mkdir()
    ref = reference(*put_folder(tmp_path / "in", store), media=FOLDER_MEDIA, type="pathlib:Path")
    writer.commit("folder", {"value": {"artifact": ref}})
    first, second = (reference(*store.put_bytes(data)) for data in (ONE, TWO))
    writer.commit("both", {"a": {"artifact": first}, "b": {"artifact": second}})
    writer.commit("number", {"value": {"value": 45}})
    return writer.end(artifacts=[{"step": "folder", "output": "value", **ref}])


def test_the_list(cli: Cli) -> None:
    done = cli("artifacts", "--store", FIXTURE, "--run", RUNS["succeeded"])
    head, *rows = done.out.splitlines()
    assert head.split() == ["digest", "size", "type", "step", "run", "pipeline"]
    short = RUNS["succeeded"][-8:]
    assert ["02470c7d579a", "13", "B", "Metrics", "Score", short, "flow"] in map(str.split, rows)
    assert [row.split()[4] for row in rows if "Path" in row] == ["parts.files"]


def test_newest_first_and_filtered(cli: Cli) -> None:
    def told(*words: str) -> list[tuple[str, str]]:
        done = cli("artifacts", "--store", FIXTURE, "--format", "json", *words)
        return [(one["run"], one["step"]) for one in json.loads(done.out)]

    assert len(told()) == 20
    runs = list(dict.fromkeys(run for run, _ in told("-n", "1000")))
    assert runs == [RUNS[how] for how in ("no end", "cancelled", "failed", "succeeded")]
    assert told("--type", "metrics", "-n", "1") == [(RUNS["no end"], "Score")]
    assert told("--type", "penstock_runtime.values:Metrics", "-n1") == told("--type=Metrics", "-n1")
    assert told("--type", "etrics") == []
    assert told("--pipeline", "other") == []
    assert {step for _, step in told("--run", "latest", "--type", "Model")} == {
        "Fit.0",
        "Fit.1",
        "best",
    }


def test_a_file_by_digest_and_by_place(cli: Cli, store: LocalStore, run: str) -> None:
    digest = store.put_bytes(ONE).digest
    for number, what in enumerate(
        (digest, digest[7:], digest[7:19], digest[7:12], f"{run}:one", "latest:both.a")
    ):
        done = cli("get", what, "-o", f"out{number}")
        assert (done.code, done.out) == (0, ""), done.err
        assert (cli.folder / f"out{number}").read_bytes() == ONE
    assert cli("get", f"{run[-8:]}:prep.two", "-o", "two").code == 0
    assert (cli.folder / "two").read_bytes() == TWO
    assert (cli.folder / "two").stat().st_mode & 0o200


def test_a_folder(cli: Cli, run: str) -> None:
    assert cli("get", "latest:folder", "-o", "out").code == 0
    out = cli.folder / "out"
    assert (out / "a.txt").read_bytes() == ONE
    assert (out / "deep/run.sh").read_bytes() == TWO
    assert os.access(out / "deep/run.sh", os.X_OK)
    assert (out / "empty").is_dir()
    assert not [one for one in cli.folder.iterdir() if one.name.startswith(".penstock-get")]


def test_to_standard_output(cli: Cli, run: str) -> None:
    done = subprocess.run(
        [EXECUTABLE, "get", "latest:one", "-o", "-"],
        cwd=cli.folder,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, ONE, b"")
    assert cli("get", "latest:folder", "-o", "-").code == 2


def test_a_terminal_is_given_text_only(cli: Cli, store: LocalStore) -> None:
    writer = Writer(store)
    writer.step("text", "größe\n".encode())
    writer.step("binary", b"\x1b]0;title\x07")
    assert in_terminal(["get", "latest:text", "-o", "-"], cli.folder) == "größe\n"
    out = in_terminal(["get", "latest:binary", "-o", "-"], cli.folder)
    assert "it is not text, which a terminal needs" in out
    assert "\x1b" not in out


def test_nothing_is_overwritten(cli: Cli, run: str) -> None:
    (cli.folder / "there").write_text("mine")
    (cli.folder / "folder").mkdir()
    (cli.folder / "link").symlink_to("nowhere")
    for target in ("there", "folder", "link"):
        done = cli("get", "latest:one", "-o", target)
        assert done.code == 1, target
        assert "there already" in done.err or "is a folder" in done.err
    assert (cli.folder / "there").read_text() == "mine"
    assert cli("get", "latest:one", "-o", "there", "--force").code == 0
    assert (cli.folder / "there").read_bytes() == ONE
    assert cli("get", "latest:one", "-o", "link", "--force").code == 0
    assert not (cli.folder / "link").is_symlink() and not (cli.folder / "nowhere").exists()
    for target in ("folder", "there", "."):
        assert cli("get", "latest:folder", "-o", target, "--force").code == 1, target
    assert list((cli.folder / "folder").iterdir()) == []
    assert cli("get", "latest:one", "-o", "no/such/folder").code == 1


def test_a_rotten_artifact_is_not_written(cli: Cli, store: LocalStore, run: str) -> None:
    path = blob_path(store, store.put_bytes(TWO).digest)
    path.chmod(0o644)
    path.write_bytes(TWO[:-1] + b"!")
    for what, target in (("latest:prep.two", "a"), ("latest:folder", "b"), ("latest:both.b", "-")):
        done = cli("get", what, "-o", target)
        assert (done.code, done.out) == (1, "")
        assert "is corrupt" in done.err
    names = {one.name for one in cli.folder.iterdir()}
    assert names == {".penstock", "in"}


def test_what_is_not_there(cli: Cli, store: LocalStore, run: str) -> None:
    for what, said in (
        ("0" * 64, "no artifact"),
        ("0" * 12, "no artifact"),
        ("latest:none", "has no step 'none'"),
        ("latest:both", "several outputs: both.a, both.b"),
        ("latest:both.c", "has no output 'c'"),
        ("latest:number", "a parameter's value"),
        ("ffffffff:one", "there is no run"),
        ("../../etc/passwd", "is no digest, RUN:step or RUN:step.output"),
        ("latest:../../x", "has no step"),
        ("\x1b[31m", "is no digest"),
        ("abc", "is no digest"),
    ):
        done = cli("get", what, "-o", "out")
        assert done.code == 1, what
        assert said in done.err, (what, done.err)
        assert "\x1b" not in done.err
    assert not (cli.folder / "out").exists()


def test_a_short_digest_must_be_unique(cli: Cli, store: LocalStore) -> None:
    seen: dict[str, bytes] = {}
    for number in range(10_000):
        data = str(number).encode()
        start = store.put_bytes(data).digest[7:11]
        if start in seen:
            break
        seen[start] = data
    else:
        pytest.fail("no two digests begin alike")
    done = cli("get", start, "-o", "out")
    assert done.code == 1
    assert f"{start} means 2 artifacts: {start}" in done.err


def test_hostile_names_in_a_folder_lead_nowhere(cli: Cli, store: LocalStore) -> None:
    blob = store.put_bytes(ONE)
    for name in ("../evil", "/tmp/evil", "a/../../evil", "a\\..\\evil", "", ".", "a\0b"):
        manifest = {
            "format": 1,
            "files": [{"name": name, "digest": blob.digest, "size": blob.size}],
            "folders": [],
        }
        ref = reference(*store.put_bytes(json.dumps(manifest).encode()), media=FOLDER_MEDIA)
        writer = Writer(store)
        writer.commit("a", {"value": {"artifact": ref}})
        writer.end()
        done = cli("get", "latest:a", "-o", "out")
        assert done.code == 1, name
        assert "cannot name a file inside a folder" in done.err
    assert {one.name for one in cli.folder.iterdir()} == {".penstock"}


def test_nothing_is_ever_unpickled(cli: Cli, store: LocalStore, tmp_path: Path) -> None:
    """Every reader under an audit hook, over an artifact that would run code when loaded."""
    evil = b"cos\nsystem\n(S'touch pwned'\ntR."
    for kind in ("pickle", "dataframe", "path", "json", "../evil", "os:system"):
        writer = Writer(store)
        ref = reference(*store.put_bytes(evil), materializer="pickle", type=kind, unsafe=True)
        preview = store.put_bytes(evil + b"#").digest
        writer.commit("a", {"value": {"artifact": {**ref, "preview": preview}}})
        writer.end(artifacts=[{"step": "a", "output": "value", **ref}])
    program = tmp_path / "watched.py"
    program.write_text(
        "import sys\n"
        "def hook(event, arguments):\n"
        "    if event in ('pickle.find_class', 'os.system', 'subprocess.Popen', 'os.exec'):\n"
        "        sys.stderr.write('CALLED ' + event)\n"
        "sys.addaudithook(hook)\n"
        "from penstock.cli import main\n"
        "main()\n"
    )
    command = (sys.executable, program)
    for words in (
        ("runs",),
        ("show", "latest"),
        ("artifacts",),
        ("get", "latest:a", "-o", "got"),
        ("fsck",),
        ("gc", "--dry-run", "--grace", "0"),
    ):
        done = process(*words, cwd=cli.folder, command=command)
        assert done.code == 0, done.err
        assert "CALLED" not in done.err
    assert (cli.folder / "got").read_bytes() == evil
    assert not (cli.folder / "pwned").exists()
