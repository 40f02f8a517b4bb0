"""Signs of life of long steps, and curves of steps that are tried again."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from penstock_runtime.errors import StoreError
from penstock_runtime.heartbeat import beating
from penstock_runtime.local import LocalStore
from penstock_runtime.records import RunRecords
from penstock_runtime.run_id import new_run_id, run_folder


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


def until(true: object, patience: float = 10.0) -> None:
    """Waits until something is true; fails when patience is over."""
    assert callable(true)
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.01)


def test_a_long_step_gives_signs_of_life_each_in_place_of_the_last(store: LocalStore) -> None:
    run = new_run_id()
    folder = f"{run_folder(run)}/steps/fit/2/hb"
    with beating(RunRecords(store, run), "fit", 2, seconds=0.05):
        until(lambda: store.names(folder) and int(store.names(folder)[-1].split(".")[0]) >= 3)
        assert len(store.names(folder)) <= 2
        assert json.loads(store.read(f"{folder}/{store.names(folder)[-1]}") or b"")["run"] == run
    until(lambda: not store.names(folder))


def test_a_short_step_leaves_no_trace(store: LocalStore) -> None:
    run = new_run_id()
    threads = threading.active_count()
    with beating(RunRecords(store, run), "fit", 1):
        pass
    assert store.names(f"{run_folder(run)}/steps") == []
    until(lambda: threading.active_count() == threads)


def test_a_store_that_fails_does_not_fail_the_step(store: LocalStore) -> None:
    came = threading.Event()

    class Failing(RunRecords):
        def heartbeat(self, step: str, attempt: int, number: int) -> None:
            came.set()
            raise StoreError("gone")

    with beating(Failing(store, new_run_id()), "fit", 1, seconds=0.01):
        assert came.wait(10)


def test_no_point_of_a_curve_is_lost_to_another_runner(store: LocalStore) -> None:
    records = RunRecords(store, new_run_id())
    assert records.curve("fit", 1, 0, [{"key": "a", "value": 1.0}])
    assert not records.curve("fit", 1, 0, [{"key": "a", "value": 2.0}])
    assert records.curve("fit", 1, 1, [{"key": "a", "value": 2.0}])
