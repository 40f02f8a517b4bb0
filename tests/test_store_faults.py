"""The local store on a disk that is full or read-only, and under many writers at once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock_runtime.opening import open_store
from penstock_runtime.records import RunRecords

PROGRAM = Path(__file__).with_name("small_disk.py")


def own_namespace() -> list[str]:
    """The command that gives a program mounts of its own; none where the machine forbids it."""
    for options in (["-m"], ["-rm"]):
        try:
            done = subprocess.run(
                ["unshare", *options, "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            return []
        if done.returncode == 0:
            return ["unshare", *options]
    return []


@pytest.mark.parametrize("scenario", ["blocks", "inodes", "readonly"])
def test_a_disk_that_cannot_be_written(tmp_path: Path, scenario: str) -> None:
    unshare = own_namespace()
    if not unshare:
        missing = "this machine lets nobody mount a small file system"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    (tmp_path / "disk").mkdir()
    done = subprocess.run(
        [*unshare, sys.executable, str(PROGRAM), str(tmp_path / "disk"), scenario],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


_RUNS = """
import sys
from penstock_runtime.records import RunRecords
from penstock_runtime.run_id import new_run_id
from penstock_runtime.opening import open_store
store = open_store(sys.argv[1])
for _ in range(int(sys.argv[2])):
    run = new_run_id()
    records = RunRecords(store, run)
    assert records.start({"pipeline": "p"})
    for step in ("a", "b", "c"):
        assert records.commit(step, {"step": step, "output": store.put_bytes(run.encode()).digest})
    assert records.end({"status": "succeeded"})
    print(run)
"""


def test_16_processes_write_runs_at_once(tmp_path: Path) -> None:
    root = str(tmp_path / "store")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _RUNS, root, "6"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(16)
    ]
    told = [writer.communicate(timeout=100) for writer in writers]
    assert [errors for _, errors in told] == [""] * 16
    runs = [run for out, _ in told for run in out.split()]
    assert len(set(runs)) == 96
    store = open_store(root, create=False)
    for run in runs:
        records = RunRecords(store, run)
        assert records.started()
        assert records.ended()
        commit = records.committed("b")
        assert commit is not None
        assert store.read_bytes(commit["output"]) == run.encode()
    assert os.listdir(Path(root, "tmp")) == []
