"""Steps that run against a bucket: the same program, records and artifacts as in a folder."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from local_project import Project, Ran
from stores_support import SERVED, Place, new_place

from penstock.backend import check_pipeline
from penstock.cli.targets import load_target
from penstock.runner import Event, RunOptions
from penstock_local import LocalBackend
from penstock_runtime.artifacts import load_value
from penstock_runtime.execute import execute
from penstock_runtime.records import RunRecords
from penstock_runtime.reference import Artifact, Constant, parse_value
from penstock_runtime.request import request_from
from penstock_runtime.run_id import new_run_id, run_folder

FIXTURES = str(Path(__file__).parent / "runtime_fixtures")


@pytest.fixture(params=SERVED)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Place:
    return new_place(request.param, request, monkeypatch)


def asked(place: Place, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    facts = {"format": 1, "run": new_run_id(), "step": name, "attempt": 1, "store": place.url}
    return {**facts, "code": f"runtime_steps:{name}", "path": [FIXTURES], "inputs": dict(inputs)}


def test_steps_hand_on_values_and_folders(place: Place, tmp_path: Path) -> None:
    wrote = asked(place, "writes_folder", {"work": {"value": str(tmp_path)}})
    made = execute(request_from(wrote)).to_json()["outputs"]["value"]
    read = execute(request_from(asked(place, "reads_folder", {"folder": made})))
    assert read.to_json()["outputs"]["value"] == {"value": ["a.txt", "sub", "sub/run.sh"]}
    store = place.open()
    commit = RunRecords(store, wrote["run"]).committed("writes_folder")
    assert commit is not None
    assert commit["outputs"]["value"] == made
    value = parse_value(made, "made")
    assert isinstance(value, Artifact)
    with store.scratch() as scratch:
        folder = load_value(value.ref, Path, store, scratch / "v")
        assert (folder / "a.txt").read_text() == "a", "the reader changed a copy of its own"
        assert os.access(folder / "sub" / "run.sh", os.X_OK)
    assert execute(request_from(wrote)).to_json()["outputs"]["value"] == made, "it is adopted"


def test_a_failed_step_leaves_its_record(place: Place) -> None:
    request = asked(place, "fails", {"secret": {"value": "x"}})
    done = subprocess.run(
        [sys.executable, "-m", "penstock_runtime"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.endswith("penstock: step 'fails' raised ValueError: no x\n")
    store = place.open()
    names = store.names(f"{run_folder(request['run'])}/steps/fails/1")
    assert [name.partition("-")[0] for name in names] == ["fail", "start"]
    assert RunRecords(store, request["run"]).committed("fails") is None


def test_of_racing_processes_one_commits_and_the_others_adopt(place: Place) -> None:
    place.open()
    for _ in range(2):
        request = json.dumps(asked(place, "draws", {}))
        racers = [
            subprocess.Popen(
                [sys.executable, "-m", "penstock_runtime"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write(request)
            racer.stdin.flush()
        told = [racer.communicate(timeout=100) for racer in racers]
        assert [racer.returncode for racer in racers] == [0, 0], told
        first, second = (json.loads(out)["outputs"]["value"] for out, _ in told)
        assert first == second, "both tell what was committed"
        commit = RunRecords(place.open(), json.loads(request)["run"]).committed("draws")
        assert commit is not None
        assert commit["outputs"]["value"] == first


_FLOW = """
@step
def made(n: int) -> bytes:
    return b"x" * n

@step
def longer(data: bytes, by: int) -> int:
    log_metric("by", by)
    return len(data) + by

@pipeline
def flow(n: int = 1000) -> list[int]:
    data = made(n)
    with each([1, 2, 3], parallel=2) as by:
        size = longer(data, by)
    return gather(size)
"""


def test_a_whole_run_in_a_bucket(place: Place, tmp_path: Path) -> None:
    project = Project(tmp_path)
    target = load_target(str(project.write(_FLOW)))
    backend = LocalBackend()
    checked = check_pipeline(target.ir, backend)
    path = (str(target.import_root),)
    ran: list[Ran] = []
    for executor in ("inline", "process"):
        options = RunOptions(
            store=place.url,
            root=target.root,
            path=path,
            executor=executor,
            jobs=2,
            written=checked.written,
            cache=False,
        )
        events: list[Event] = []
        ran.append(Ran(backend.run(checked.lowered, {}, options, events.append), events))
    for one in ran:
        assert one.result.state == "succeeded"
        assert one.result.outputs == {"value": Constant([1001, 1002, 1003])}
        records = RunRecords(place.open(), one.result.run)
        assert (records.ended() or {}).get("status") == "succeeded"
        assert (records.committed("longer.1") or {})["metrics"] == {"by": 2}
    assert ran[0].digests == ran[1].digests
    assert place.open().leftovers(0) == (0, 0)
