"""What steps print is recorded alike by both executors, and a debugger still works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest
from local_project import Project, Ran, penstock

from penstock_runtime.opening import open_store

BOTH = pytest.mark.parametrize("executor", ["inline", "process"])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def log_of(ran: Ran, step: str) -> str:
    """What the record keeps of what a step wrote."""
    digest = ran.record("99-end.json")["steps"][step]["log"]
    return open_store(ran.result.store).read_bytes(digest).decode()


@BOTH
def test_both_streams_are_kept_in_their_order(project: Project, executor: str) -> None:
    ran = project.run(
        """
        @step
        def speak() -> int:
            print("one")
            print("two", file=sys.stderr)
            for percent in range(3):
                print(f"\\r{percent} %", end="")
            print()
            print("no end of line", end="")
            return 1

        @step
        def silent(n: int) -> int:
            return n

        @pipeline
        def flow() -> int:
            return silent(speak())
        """,
        executor,
    )
    assert ran.result.state == "succeeded"
    assert log_of(ran, "speak") == "one\ntwo\n2 %\nno end of line\n"
    assert "log" not in ran.record("99-end.json")["steps"]["silent"]


@BOTH
def test_of_a_very_long_log_the_end_is_kept(project: Project, executor: str) -> None:
    ran = project.run(
        """
        @step
        def chatter() -> int:
            for number in range(60_000):
                print(f"{number:06} " + "x" * 60)
            return 1

        @pipeline
        def flow() -> int:
            return chatter()
        """,
        executor,
    )
    log = log_of(ran, "chatter")
    assert len(log) == 1 << 20
    assert log.splitlines()[-1].startswith("059999 ")


@BOTH
def test_what_a_failing_step_wrote_is_kept_too(project: Project, executor: str) -> None:
    ran = project.run(
        """
        @step(retries=1)
        def fails() -> int:
            print("about to fail")
            raise ValueError("no")

        @pipeline
        def flow() -> int:
            return fails()
        """,
        executor,
    )
    assert ran.result.state == "failed"
    assert log_of(ran, "fails") == "about to fail\nabout to fail\n"


def test_a_debugger_works_inline(project: Project) -> None:
    project.write(
        """
        @step
        def stop(n: int) -> int:
            breakpoint()
            return n

        @pipeline
        def flow(n: int = 41) -> int:
            return stop(n)
        """,
        "flow",
    )
    parent, child = os.openpty()
    running = subprocess.Popen(
        penstock("run", "flow.py", "--executor", "inline"),
        cwd=project.folder,
        env={**os.environ, "TERM": "dumb"},
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    seen = _until(parent, b"", rb"\(Pdb\) $")
    os.write(parent, b"p n + 1\n")
    seen = _until(parent, seen, rb"42\r\n\(Pdb\) $")
    os.write(parent, b"c\n")
    seen = _until(parent, seen, rb"flow succeeded")
    os.close(parent)
    running.terminate()
    running.wait(30)


def _until(terminal: int, seen: bytes, pattern: bytes) -> bytes:
    """Reads until the screen shows a pattern."""
    end = time.monotonic() + 30
    while re.search(pattern, seen) is None:
        assert time.monotonic() < end, seen
        try:
            seen += os.read(terminal, 4096)
        except OSError:
            pytest.fail(f"the command ended without {pattern!r}: {seen!r}")
    return seen


def test_a_run_goes_on_when_nobody_reads_its_output(project: Project) -> None:
    project.write(
        """
        @step
        def slow() -> int:
            time.sleep(0.5)
            return 1

        @step
        def fails(n: int) -> int:
            raise ValueError("no")

        @pipeline
        def flow() -> int:
            return fails(slow())
        """,
        "flow",
    )
    with subprocess.Popen(
        penstock("run", "flow.py", "--executor", "inline"),
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr is not None
        assert running.stderr.read() == b""
    assert running.returncode == 1
    folder = project.last_run(project.folder / ".penstock")
    end = json.loads((folder / "99-end.json").read_bytes())
    assert end["status"] == "failed"
    # A step that failed tells what it was given, and why it ran.
    assert end["steps"]["fails"]["inputs"] == {"n": {"value": 1}}
    assert end["steps"]["fails"]["cache"]["state"] == "miss"
    assert '    inputs:\n      "n": 1\n' in (folder / "run.yaml").read_text()
