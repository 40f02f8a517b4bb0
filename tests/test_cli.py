"""The command line: what each command prints, writes and returns, whatever the surroundings."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cli_support import BROKEN, EXECUTABLE, HELLO, Cli, Done, process

from penstock.backend import backend_names
from penstock.cli import COMMANDS
from penstock.cli.output import write_bundle
from penstock.ir.text import load_pipeline

BACKENDS = ["airflow", "kubeflow", "local"]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    made = Cli(tmp_path, monkeypatch, capsys)
    made.write("hello.py", HELLO)
    made.write("broken.py", BROKEN)
    return made


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def test_the_three_backends_are_installed() -> None:
    assert list(backend_names()) == BACKENDS


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_names_the_command(command: str, cli: Cli) -> None:
    done = cli(command, "--help")
    assert done.code == 0
    assert re.search(rf"Example:\n +penstock {command}\b", done.out)
    assert cli(command, "-h").out == done.out


def test_help_lists_every_command(cli: Cli) -> None:
    done = cli("--help")
    assert done.code == 0
    assert "Example:" in done.out
    assert all(f"  {name} " in done.out and text in done.out for name, text in COMMANDS.items())


def test_without_a_command_the_help_is_shown(cli: Cli) -> None:
    done = cli()
    assert done.code == 2
    assert "run a pipeline on this machine" in done.out + done.err
    assert "error" not in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["chek"], "error: there is no command 'chek'; did you mean 'check'?\n"),
        (["zzz"], "error: there is no command 'zzz'; there are check, "),
        (
            ["compile", "hello.py"],
            "error: Missing option '--to'\n  = help: penstock compile --help",
        ),
    ],
)
def test_wrong_words_are_told_in_one_line(words: list[str], said: str, cli: Cli) -> None:
    done = cli(*words)
    assert done.code == 2
    assert done.err.startswith(said)


def test_help_loads_no_command(cli: Cli) -> None:
    """So that it is quick."""
    program = "import sys, penstock.cli as c; c.penstock(['--help'], standalone_mode=False)\n"
    program += "assert not {'pydantic', 'networkx', 'rich', 'jinja2'} & set(sys.modules)"
    assert process("-c", program, cwd=cli.folder, command=(sys.executable,)).code == 0


def test_the_version_is_printed(cli: Cli) -> None:
    assert re.fullmatch(r"penstock \d+\.\d+\.\d+\n", cli("--version").out)


# Exit codes


def test_a_good_pipeline_is_0(cli: Cli) -> None:
    assert cli("check", "hello.py") == Done(0, "hello: 2 steps, no errors\n", "")


def test_a_pipeline_with_errors_is_1(cli: Cli) -> None:
    done = cli("check", "broken.py")
    assert (done.code, done.out) == (1, "")
    assert done.lines[:2] == [
        "error[PS101]: this value does not exist until the pipeline runs",
        "  --> broken.py:11:8",
    ]
    assert done.lines[-1] == "found 1 error"


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["check", "--nonsense", "hello.py"],
        ["check", "hello.py", "--format", "xml"],
        ["check", "hello.py", "--to", "nomad"],
        ["compile", "hello.py"],
        ["compile", "hello.py", "--to", "nomad"],
        ["compile", "hello.py", "--to", "airflow", "-o", "hello.py"],
        ["compile", "hello.py", "--to", "airflow", "--option", "x"],
        ["compile", "hello.py", "--to", "airflow", "--option", "=x"],
        ["compile", "hello.py", "--to", "airflow", "--option", "nonsense=1"],
        ["compile", "hello.py", "--to", "airflow", "--option", "volume=a", "--option", "volume=b"],
        ["graph", "hello.py", "-o", "hello.pdf"],
        ["explain", "PS999"],
        ["explain", "../render.py"],
        ["nonsense"],
        ["--nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2_and_one_sentence(words: list[str], cli: Cli) -> None:
    before = files(cli.folder)
    done = cli(*words)
    assert (done.code, done.out) == (2, "")
    assert "Traceback" not in done.err
    told = [line for line in done.lines if line.lower().startswith("error")]
    assert len(told) == 1
    assert files(cli.folder) == before


def test_an_unknown_backend_is_told_with_the_known_ones(cli: Cli) -> None:
    done = cli("check", "hello.py", "--to", "nomad")
    assert done.err == "error: there is no backend 'nomad'; there are airflow, kubeflow, local\n"


def test_an_unknown_option_is_told_with_the_known_ones(cli: Cli) -> None:
    done = cli("compile", "hello.py", "--to", "airflow", "--option", "volumes=x")
    assert "no option 'volumes'" in done.err
    assert "it has" in done.err


# check, ir, explain, backends


@pytest.mark.parametrize("backend", BACKENDS)
def test_check_says_for_which_target(backend: str, cli: Cli) -> None:
    done = cli("check", "hello.py", "--to", backend)
    assert done == Done(0, f"hello: 2 steps, no errors for {backend}\n", "")


def test_check_as_json(cli: Cli) -> None:
    assert json.loads(cli("check", "hello.py", "--format", "json").out) == []
    done = cli("check", "broken.py", "--format", "json")
    (found,) = json.loads(done.out)
    assert (done.code, found["code"], found["span"]["line"]) == (1, "PS101", 11)


def test_check_for_github(cli: Cli) -> None:
    assert cli("check", "hello.py", "--format", "github").out == ""
    done = cli("check", "broken.py", "--format", "github")
    assert done.out.startswith("::error file=broken.py,line=11,")
    assert done.err == ""


def test_a_warning_is_shown_and_stops_nothing(cli: Cli) -> None:
    cli.write("warned.py", HELLO.replace("@step\ndef greet", "@step(cache=True)\ndef greet"))
    done = cli("check", "warned.py", "--to", "airflow")
    assert (done.code, done.out) == (0, "hello: 2 steps, no errors for airflow\n")
    assert done.lines[0].startswith("warning[PS407]")
    assert done.lines[-1] == "found 1 warning"


def test_ir_loads_back(cli: Cli) -> None:
    text = cli("ir", "hello.py").out
    cli.write("hello.yaml", text)
    assert cli("ir", "hello.yaml").out == text
    assert load_pipeline(text).name == "hello"
    digest = cli("ir", "hello.py", "--digest").out
    assert re.fullmatch(r"sha256:[0-9a-f]{64}\n", digest)
    assert cli("ir", "hello.yaml", "--digest").out == digest


def test_what_a_module_prints_stays_out_of_the_output(cli: Cli) -> None:
    cli.write("noisy.py", f"print('loud')\n{HELLO.replace('    return measure', _LOUD)}")
    done = cli("ir", "noisy.py")
    assert load_pipeline(done.out).name == "hello"
    assert done.err == "loud\nlouder\n"


_LOUD = "    print('louder')\n    return measure"


def test_backends_shows_every_feature_of_every_backend(cli: Cli) -> None:
    from penstock.features import Feature

    table = json.loads(cli("backends", "--format", "json").out)
    assert sorted(table) == BACKENDS
    assert all(set(one) == {feature.name.lower() for feature in Feature} for one in table.values())
    assert all(
        entry["why"]
        for one in table.values()
        for entry in one.values()
        if entry["how"] in ("notyet", "never")
    )
    for form in ("text", "markdown"):
        done = cli("backends", "--format", form)
        assert all(feature.value in done.out for feature in Feature)


# graph


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("x.svg", "<svg"),
        ("x.mmd", "flowchart"),
        ("x.md", "```mermaid\n"),
        ("x.txt", "hello"),
    ],
)
def test_a_graph_is_written_as_its_ending_says(name: str, begins: str, cli: Cli) -> None:
    done = cli("graph", "hello.py", "-o", name)
    assert done == Done(0, f"wrote {name}\n", "")
    text = (cli.folder / name).read_text("utf-8")
    assert begins in text[:400]
    assert "greet" in text
    assert cli("graph", "hello.py", "-o", name).code == 0
    assert (cli.folder / name).read_text("utf-8") == text


def test_a_graph_on_the_terminal_is_text(cli: Cli) -> None:
    done = cli("graph", "hello.py")
    assert done.code == 0
    assert "measure" in done.out
    assert "\x1b" not in done.out


def test_a_graph_is_ascii_where_the_terminal_is(cli: Cli) -> None:
    done = process("graph", "hello.py", cwd=cli.folder, env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert "measure" in done.out
    assert done.out.isascii()


# compile


@pytest.mark.parametrize("backend", BACKENDS)
def test_compile_writes_the_same_bytes_from_anywhere(backend: str, cli: Cli) -> None:
    first = cli("compile", "hello.py", "--to", backend, "-o", "out/first")
    assert first.code == 0
    written = files(cli.folder / "out/first")
    assert first.out == "".join(f"wrote out/first/{name}\n" for name in written)
    assert written
    (cli.folder / "elsewhere").mkdir()
    second = process(
        "compile",
        cli.folder / "hello.py",
        "--to",
        backend,
        "-o",
        "second",
        cwd=cli.folder / "elsewhere",
        env={"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "LC_ALL": "C"},
    )
    assert second.code == 0, second.err
    assert files(cli.folder / "elsewhere/second") == written
    cli.write("hello.yaml", cli("ir", "hello.py").out)
    assert cli("compile", "hello.yaml", "--to", backend, "-o", "out/third").code == 0
    assert files(cli.folder / "out/third") == written
    assert not any(str(cli.folder) in text for text in written.values())


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_failed_compile_leaves_the_old_files(backend: str, cli: Cli) -> None:
    cli("compile", "hello.py", "--to", backend, "-o", "out")
    before = files(cli.folder / "out")
    cli.write("hello.py", HELLO.replace("measure(greet(name))", "measure(name + '!')"))
    done = cli("compile", "hello.py", "--to", backend, "-o", "out")
    assert (done.code, done.out) == (1, "")
    assert files(cli.folder / "out") == before


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_failed_compile_makes_no_folder(backend: str, cli: Cli) -> None:
    assert cli("compile", "broken.py", "--to", backend, "-o", "new").code == 1
    assert not (cli.folder / "new").exists()


def test_compile_prints_names_alone_for_machines(cli: Cli) -> None:
    done = cli("compile", "hello.py", "--to", "airflow", "-o", "out", "--format", "json")
    assert json.loads(done.out) == []
    assert done.err == "out/hello.py\n"


def test_a_folder_that_cannot_be_written_is_one_sentence(cli: Cli) -> None:
    done = cli("compile", "hello.py", "--to", "airflow", "-o", "hello.py/out")
    assert (done.code, done.lines) == (1, ["error: hello.py/out: Not a directory"])
    assert cli("graph", "hello.py", "-o", "broken.py/x.svg").code == 1


def test_all_files_are_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    (tmp_path / "z.txt").mkdir()
    with pytest.raises(IsADirectoryError):
        write_bundle(tmp_path, {"a.txt": "new", "sub/b.txt": "new", "z.txt": "new"})
    assert files(tmp_path) == {"a.txt": "old"}


def test_a_file_is_never_seen_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_bundle(tmp_path, {"a.txt": "new"})
    assert files(tmp_path) == {"a.txt": "old"}


def test_written_files_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        (file,) = write_bundle(tmp_path, {"a.txt": "new"})
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_full_disk_is_one_sentence(cli: Cli) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [EXECUTABLE, "ir", "hello.py"],
            cwd=cli.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == b"error: cannot write: No space left on device\n"


# Targets


def test_a_target_can_be_named_in_each_way(cli: Cli) -> None:
    cli.write("shop/__init__.py", "")
    cli.write("shop/parts/__init__.py", "")
    cli.write("shop/parts/steps.py", HELLO.partition("@pipeline")[0])
    cli.write(
        "shop/parts/flows.py",
        f"from penstock import Metrics, pipeline\nfrom .steps import greet, measure\n\n\n"
        f"@pipeline{HELLO.partition('@pipeline')[2]}",
    )
    flows = cli.folder / "shop/parts/flows.py"
    texts = [
        cli("ir", target)
        for target in (
            "shop/parts/flows.py",
            "./shop/parts/flows.py:hello",
            "shop.parts.flows:hello",
            f"{flows}:hello",
        )
    ]
    assert {done.code for done in texts} == {0}
    assert len({done.out for done in texts}) == 1
    assert "shop.parts.steps:greet" in texts[0].out
    assert "at: shop/parts/flows.py:" in texts[0].out
    inside = process("ir", "parts/flows.py", cwd=cli.folder / "shop")
    assert inside.out == texts[0].out


TWO = """

@pipeline
def twice() -> None:
    greet("a")


@pipeline
def thrice() -> None:
    greet("b")
"""


def test_of_several_pipelines_one_must_be_named(cli: Cli) -> None:
    cli.write("two.py", HELLO + TWO)
    done = cli("check", "two.py")
    assert done.code == 2
    assert "name one: two.py:hello (there are hello, twice, thrice)" in done.err
    assert cli("check", "two.py:thrice").out == "thrice: 1 step, no errors\n"
    wrong = cli("check", "two.py:nonsense")
    assert wrong == Done(
        2, "", "error: two.py has no pipeline 'nonsense'; it has hello, twice, thrice\n"
    )


def test_the_pipeline_that_calls_the_others_is_meant(cli: Cli) -> None:
    cli.write("nested.py", f"{HELLO}\n\n@pipeline\ndef outer() -> None:\n    hello('you')\n")
    assert cli("check", "nested.py").out == "outer: 2 steps, no errors\n"


def test_an_imported_pipeline_is_not_the_file_s_own(cli: Cli) -> None:
    cli.write("own.py", f"from hello import hello\n{TWO.partition('@pipeline')[0]}{_OWN}")
    assert cli("check", "own.py").out == "own: 1 step, no errors\n"
    cli.write("again.py", "from hello import hello\n")
    assert cli("check", "again.py").out == "hello: 2 steps, no errors\n"


_OWN = """from hello import greet
from penstock import pipeline

@pipeline
def own() -> None:
    greet("a")
"""


def test_a_file_is_imported_from_another_folder(cli: Cli) -> None:
    cli.write("project/helpers.py", "NAME = 'you'\n")
    cli.write("project/flow.py", f"from helpers import NAME\n{HELLO}")
    (cli.folder / "far").mkdir()
    done = process("check", "../project/flow.py", cwd=cli.folder / "far")
    assert (done.code, done.out) == (0, "hello: 2 steps, no errors\n")


# Surroundings


def test_python_may_run_with_optimisation(cli: Cli) -> None:
    optimised = (sys.executable, "-O", "-m", "penstock.cli")
    assert process("check", "hello.py", cwd=cli.folder, command=optimised).code == 0
    done = process("check", "broken.py", cwd=cli.folder, command=optimised)
    assert (done.code, done.lines[0][:12]) == (1, "error[PS101]")


def test_python_may_run_without_columns(cli: Cli) -> None:
    bare = (sys.executable, "-X", "no_debug_ranges", "-m", "penstock.cli")
    done = process("check", "broken.py", cwd=cli.folder, command=bare)
    assert (done.code, done.lines[1]) == (1, "  --> broken.py:11")


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
    ids=["locale", "encoding"],
)
def test_a_terminal_may_know_only_ascii(env: dict[str, str], cli: Cli) -> None:
    cli.write("wide.py", BROKEN.replace("count() > 2:", "count() > 2:  # größer"))
    done = process("check", "wide.py", cwd=cli.folder, env=env)
    assert (done.code, done.lines[0][:12]) == (1, "error[PS101]")
    for words in (["ir", "hello.py"], ["graph", "hello.py"]):
        shown = process(*words, cwd=cli.folder, env=env)
        assert (shown.code, shown.err) == (0, "")


def test_text_that_the_output_cannot_hold_is_one_sentence(cli: Cli) -> None:
    cli.write("wide.py", HELLO.replace("Says hello.", "Says 日本."))
    env = {"PYTHONIOENCODING": "latin-1"}
    done = process("ir", "wide.py", cwd=cli.folder, env=env)
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: the output's encoding, latin-1, has no U+65E5; set PYTHONIOENCODING=utf-8\n"
    )


def on_a_terminal(*words: str, cwd: Path, env: dict[str, str]) -> str:
    """What the command writes to a terminal, both streams."""
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [EXECUTABLE, *words],
            cwd=cwd,
            env={**os.environ, "TERM": "xterm", **env},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        ) as running:
            os.close(theirs)
            theirs = -1
            text = b""
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:  # how a terminal says that the other side is gone
                    break
                if not piece:
                    break
                text += piece
            running.wait(60)
    finally:
        os.close(ours)
        if theirs >= 0:
            os.close(theirs)
    return text.decode()


@pytest.mark.parametrize(
    "words",
    [["check", "broken.py"], ["check", "gone.py"], ["graph", "hello.py"], ["explain", "PS101"]],
    ids=" ".join,
)
def test_colour_is_for_terminals_that_want_it(
    words: list[str], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b[" in on_a_terminal(*words, cwd=cli.folder, env={})
    assert "\x1b" not in on_a_terminal(*words, cwd=cli.folder, env={"NO_COLOR": "1"})
    piped = cli(*words)
    assert "\x1b" not in piped.out + piped.err
    monkeypatch.setenv("FORCE_COLOR", "1")
    forced = cli(*words)
    assert "\x1b[" in forced.out + forced.err


def test_a_dumb_terminal_gets_no_colour(cli: Cli) -> None:
    shown = on_a_terminal("check", "broken.py", cwd=cli.folder, env={"TERM": "dumb"})
    assert "\x1b" not in shown


@pytest.mark.parametrize("words", [["backends"], ["ir", "hello.py"], ["explain"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_failure(words: list[str], cli: Cli) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [EXECUTABLE, *words],
            cwd=cli.folder,
            stdout=writing,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_output_may_be_closed(cli: Cli) -> None:
    done = process(
        "-c", 'exec "$0" check hello.py >&-', EXECUTABLE, cwd=cli.folder, command=("sh",)
    )
    assert "Traceback" not in done.err


def test_ctrl_c_is_one_word_and_130(cli: Cli) -> None:
    cli.write("slow.py", "import pathlib, time\npathlib.Path('on').touch()\ntime.sleep(60)\n")
    with subprocess.Popen(
        [EXECUTABLE, "check", "slow.py"],
        cwd=cli.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        for _ in range(1200):
            if (cli.folder / "on").exists():
                break
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err.decode().split()) == (130, b"", ["stopped"])
