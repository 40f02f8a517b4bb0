"""Steps that do what no step should: the run goes on, and later steps do not notice."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from local_project import Project

BOTH = pytest.mark.parametrize("executor", ["inline", "process"])

ODD = """
import multiprocessing, signal, threading, warnings

HERE = os.getcwd()

@step
def binary() -> int:
    sys.stdout.buffer.write(bytes(range(256)) + b"\\xff\\xfe no newline")
    sys.stdout.flush()
    os.write(2, b"\\x80raw\\n")
    return 1

@step
def returns_in_a_fork() -> int:
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return 7

@step
def exits_in_a_fork() -> int:
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(3)

@step
def raises_in_a_fork() -> int:
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    raise RuntimeError("in the copy")

@step
def terminates_a_fork() -> int:
    if child := os.fork():
        os.kill(child, signal.SIGTERM)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    time.sleep(1000)
    return 0

@step
def pool() -> list[int]:
    for _ in range(20):  # each ends its workers by SIGTERM, at once
        with multiprocessing.get_context("fork").Pool(2) as workers:
            found = workers.map(abs, [-1, -2])
    return found

@step
def moves(folder: str) -> str:
    os.chdir(folder)
    os.umask(0o777)
    return os.getcwd()

@step
def loses(folder: str) -> None:
    os.chdir(folder)
    os.rmdir(folder)

@step
def is_here() -> bool:
    mask = os.umask(0o022)
    os.umask(mask)
    return os.getcwd() == HERE and mask != 0o777

@step
def ignores_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)

@step
def hears_signals() -> bool:
    return signal.SIG_IGN not in (signal.getsignal(signal.SIGTERM),)

@step
def closes_streams() -> None:
    sys.stdout.close()
    sys.stderr.close()

@step
def loses_streams() -> None:
    sys.stdout = sys.stderr = None

@step
def speaks(word: str) -> str:
    print(word)
    print(word, file=sys.stderr)
    return word

@step
def leaves_a_thread() -> None:
    def chatter() -> None:
        while True:
            print("chatter", flush=True)
            time.sleep(0.005)
    threading.Thread(target=chatter, daemon=True).start()

@step
def reads_stdin() -> str:
    return sys.stdin.read()

@step
def warns() -> int:
    warnings.warn("careful")
    warnings.simplefilter("error")
    return 1

@pipeline
def odd(folder: str, gone: str):
    steps = []
    def then(call):
        return call.options(after=[steps[-1]]) if steps else call
    steps.append(binary())
    for one in (returns_in_a_fork, exits_in_a_fork, raises_in_a_fork, terminates_a_fork, pool):
        steps.append(then(one)())
    steps.append(then(moves)(folder))
    steps.append(then(is_here)())
    steps.append(then(loses)(gone))
    steps.append(then(is_here)())
    steps.append(then(ignores_signals)())
    steps.append(then(hears_signals)())
    steps.append(then(closes_streams)())
    steps.append(then(speaks)("after closing"))
    steps.append(then(loses_streams)())
    steps.append(then(speaks)("after losing"))
    steps.append(then(reads_stdin)())
    steps.append(then(warns)())
    steps.append(then(leaves_a_thread)())
    steps.append(then(speaks)("at last"))
"""


@BOTH
def test_later_steps_do_not_notice(tmp_path: Path, executor: str) -> None:
    project = Project(tmp_path)
    project.write(ODD, "odd")
    folders = [tmp_path / "away", tmp_path / "gone"]
    for one in folders:
        one.mkdir()
    done = project.command(
        *("run", "odd.py", "--executor", executor, "-j1", "--format", "json"),
        *("-p", f"folder={folders[0]}", "-p", f"gone={folders[1]}"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    values = {
        one["step"]: one["outputs"]["value"]["value"]
        for one in events[-1]["steps"]
        if "value" in one["outputs"]
    }
    assert values == {
        "binary": 1,
        "returns_in_a_fork": 0,
        "exits_in_a_fork": 3,
        "raises_in_a_fork": 1,
        "terminates_a_fork": -signal.SIGTERM,
        "pool": [1, 2],
        "moves": str(folders[0]),
        "is_here": True,
        "is_here_2": True,
        "hears_signals": True,
        "speaks": "after closing",
        "speaks_2": "after losing",
        "reads_stdin": "",
        "warns": 1,
        "speaks_3": "at last",
    }
    said = done.stdout + done.stderr
    assert said.count("in the copy") >= 1
    for word in ("after closing", "after losing", "at last"):
        assert said.count(word) >= 2
    blobs = [*(tmp_path / ".penstock" / "cas").rglob("*")]
    assert all(one.stat().st_mode & 0o400 for one in blobs)


@BOTH
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("sys.exit(0)", "called sys.exit(0)"),
        ("raise Strange('odd')", "raised Strange: odd"),
        ("raise GeneratorExit", "raised GeneratorExit: "),
        ("raise Unspeakable", "raised Unspeakable: <its message cannot be shown>"),
        ("raise ValueError('half \\udcff')", "raised ValueError: half \\udcff"),
        ("return 10**5000", "is too large"),
        ("return [{'k\\udcff': 1}]", "'k\\udcff' holds half a character"),
        ("return float('nan')", "nan is not a number that JSON can hold"),
    ],
)
def test_a_failure_of_any_sort_is_the_steps_own(
    tmp_path: Path, executor: str, body: str, message: str
) -> None:
    project = Project(tmp_path)
    ran = project.run(
        f"""
        class Strange(BaseException): ...
        class Unspeakable(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        @step
        def fails() -> Any:
            {body}

        @step
        def fails_with_parameter() -> {"int" if "10**" in body else "list[dict[str, float]]"}:
            {body}

        @pipeline
        def failing():
            {"fails_with_parameter" if "return" in body and "nan" not in body else "number"}()

        @step
        def number() -> float:
            {body}
        """,
        executor,
    )
    assert ran.result.state == "failed"
    end: Any = ran.record("99-end.json")
    (error,) = [one["error"] for one in end["steps"].values()]
    assert message in error


def test_a_step_that_kills_its_worker_s_parent_is_a_stop(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(
        """
        import signal

        @step
        def kills() -> None:
            os.kill(os.getppid(), signal.SIGTERM)
            time.sleep(60)

        @pipeline
        def flow():
            kills()
        """,
        "flow",
    )
    assert project.command("run", "flow.py").returncode == 130
    assert os.listdir(tmp_path / ".penstock" / "tmp") == []
