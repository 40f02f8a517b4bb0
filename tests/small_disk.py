"""A program: a store on a tiny file system of its own, full at each point in turn, then read-only.

It runs in a mount namespace: `unshare -rm python small_disk.py FOLDER blocks|inodes|readonly`.
"""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from penstock_runtime.curves import read_points
from penstock_runtime.errors import StoreError, StoreFull
from penstock_runtime.folders import put_folder
from penstock_runtime.hashing import hash_file
from penstock_runtime.opening import open_store
from penstock_runtime.records import RunRecords
from penstock_runtime.run_id import new_run_id
from penstock_runtime.sealing import read_record
from penstock_runtime.store import Store

PAGE = 4096


def main() -> None:
    """Run one scenario on a new file system, and print what was seen."""
    disk, scenario = Path(sys.argv[1]), sys.argv[2]
    options = "size=2m,nr_inodes=400"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    subprocess.run(mount, check=True)
    if scenario == "readonly":
        read_only(disk)
        return
    full = 0
    for room in range(60):
        full += one_round(disk, scenario, room)
    print(f"{full} of 60 rounds met a full disk")
    assert full > 12, "it was too large to get full at every point"
    assert full < 60, "in the last rounds all fits"


def one_round(disk: Path, scenario: str, room: int) -> bool:
    """A run on a disk with so much room left; then, with room again, the same run to its end."""
    root, run = disk / "store", new_run_id()
    steps = work(str(root), run, disk)
    full = False
    fill(disk, scenario, room)
    done = 0
    try:
        for step in steps:
            step()
            done += 1
    except StoreFull as error:
        full = True
        text = str(error)
        assert str(root) in text, text
        assert " bytes" in text or "a new name" in text, text
        check(root)
    for filler in disk.glob("filler*"):
        filler.unlink()
    for step in steps[done:]:
        step()
    check(root)
    records = RunRecords(open_store(str(root)), run)
    assert (records.ended() or {}).get("status") == "succeeded"
    assert (records.committed("fit") or {}).get("step") == "fit"
    shutil.rmtree(root)
    return full


def work(url: str, run: str, disk: Path) -> list[Callable[[], object]]:
    """What a run writes, one point after the other; each opens the store anew."""
    data = os.urandom(3 * PAGE)
    (disk.parent / "user").mkdir(exist_ok=True)
    (disk.parent / "user" / "file").write_bytes(data[::-1])

    def store() -> Store:
        return open_store(url)

    def owned() -> None:
        with store().scratch() as scratch:
            try:
                (scratch / "out").write_bytes(data[1:])
            except OSError as error:
                assert error.errno == errno.ENOSPC
                raise StoreFull(f"{len(data)} bytes of the step's own at {scratch}") from error
            store().put_file(scratch / "out", owned=True)

    return [
        store,
        lambda: RunRecords(store(), run).start({"pipeline": "p", "text": "x" * 2000}),
        lambda: store().put_bytes(data),
        lambda: store().put_file(disk.parent / "user" / "file"),
        owned,
        lambda: put_folder(disk.parent / "user", store()),
        lambda: RunRecords(store(), run).step_started("fit", 1, {"step": "fit"}),
        lambda: RunRecords(store(), run).curve("fit", 1, 0, [{"key": "loss", "value": 1}]),
        lambda: RunRecords(store(), run).commit("fit", {"step": "fit", "text": "y" * PAGE}),
        lambda: RunRecords(store(), run).end({"status": "succeeded"}),
    ]


def fill(disk: Path, scenario: str, room: int) -> None:
    """Leave room for so many blocks or files."""
    if scenario == "inodes":
        number = 0
        with suppress(OSError):
            for number in range(10**6):
                (disk / f"filler{number}").touch()
        for one in range(max(0, number - room), number):
            (disk / f"filler{one}").unlink()
        return
    blocks = os.statvfs(disk).f_bavail - room
    with open(disk / "filler", "wb") as file:
        file.write(bytes(blocks * PAGE))
    assert os.statvfs(disk).f_bavail == room


def check(root: Path) -> None:
    """Everything under a final name is whole, nothing lies about, and all of it can be read."""
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if not path.is_file():
            continue
        assert not name.startswith("tmp/"), f"{name} was left behind"
        if name.startswith("cas/"):
            assert hash_file(path).digest == f"sha256:{path.parent.name}{path.name}", name
        elif name.startswith("runs/"):
            reader = read_points if name.endswith(".jsonl") else read_record
            assert reader(open_store(str(root), create=False), name) is not None


def read_only(disk: Path) -> None:
    """A store that cannot be written to is read as ever, and says what it cannot do."""
    root, run = disk / "store", new_run_id()
    for step in work(str(root), run, disk):
        step()
    blob = open_store(str(root)).put_bytes(b"known")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    store = open_store(str(root))
    records = RunRecords(store, run)
    assert (records.ended() or {}).get("status") == "succeeded"
    assert store.read_bytes(*blob) == b"known"
    assert store.fetch(blob.digest, disk.parent / "unused").read_bytes() == b"known"
    assert store.renew(*blob)
    assert store.put_bytes(b"known") == blob
    assert blob.digest in [one.digest for one in store.blobs()]
    assert store.leftovers(0) == (0, 0)
    age = store.age("penstock-store.json")
    assert age is not None
    assert age >= 0
    attempts: list[Callable[[], object]] = [
        lambda: store.put_bytes(b"new"),
        lambda: store.put_file(Path(__file__)),
        lambda: records.start({}) or records.commit("other", {"step": "other"}),
        lambda: store.scratch().__enter__(),
        lambda: open_store(str(disk / "another")),
    ]
    for attempt in attempts:
        try:
            attempt()
        except StoreError as error:
            print(error)
            assert "Read-only file system" in str(error)
            assert str(disk) in str(error)
        else:
            raise AssertionError("it could be written")


if __name__ == "__main__":
    main()
