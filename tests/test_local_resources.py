"""What steps ask of the machine, beside what the machine has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from local_project import Project

from penstock.backend import check_pipeline
from penstock.cli.targets import load_target
from penstock.ir.nodes import PipelineIR
from penstock.runner import RunStarted
from penstock_local import LocalBackend, machine
from penstock_local.unenforced import unenforced

ASKING = """
@step(resources=Resources(cpu=4, memory="2Gi", disk="1Mi"))
def small() -> int:
    return 1

@step(resources=Resources(cpu="8500m", memory="64Gi", disk="5000T", gpu=2))
def large(n: int) -> int:
    return n

@step(resources=Resources(gpu=1, gpu_type="amd.com/gpu"))
def other(n: int) -> None: ...

@pipeline
def asking():
    other(large(small()))
"""
PRESENT = [
    "cpu, memory and disk are not limited or reserved: small, large",
    "gpus are not reserved: large, other",
]


@pytest.fixture
def asking(tmp_path: Path) -> PipelineIR:
    target = load_target(str(Project(tmp_path).write(ASKING)))
    return check_pipeline(target.ir, LocalBackend()).lowered


def has(patch: pytest.MonkeyPatch, cpus: float, memory: int | None, disk: int, gpus: int) -> None:
    """Makes the machine one that has so much."""
    patch.setattr(machine, "cpus", lambda: cpus)
    patch.setattr(machine, "memory", lambda: memory)

    def free(store: str) -> int:
        return disk

    patch.setattr(machine, "disk", free)
    patch.setattr(machine, "gpus", lambda: gpus)


@pytest.mark.parametrize("memory", [64 * 2**30, None])
def test_nothing_is_said_of_a_machine_that_has_enough(
    asking: PipelineIR, monkeypatch: pytest.MonkeyPatch, memory: int | None
) -> None:
    has(monkeypatch, 8.5, memory, 5 * 10**15, 2)
    assert [*unenforced(asking, "process")] == PRESENT


def test_each_shortage_names_the_machine_the_steps_and_what_they_ask(
    asking: PipelineIR, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(monkeypatch, 1.5, 8_000_000_000, 10**9, 0)
    assert [*unenforced(asking, "process")] == [
        "too little cpu, 1.5 on this machine: small asks for 4, large asks for 8.5",
        "too little memory, 7.451Gi on this machine: large asks for 64Gi",
        "too little disk, 953.7Mi on this machine: large asks for 4547Ti",
        "too little gpus, 0 on this machine: large asks for 2",
        *PRESENT,
    ]


def test_a_run_says_so(tmp_path: Path) -> None:
    ran = Project(tmp_path).run(ASKING)
    (started,) = ran.told(RunStarted)
    assert ran.result.state == "succeeded"
    assert any("large asks for 8.5" in note for note in started.notes) == (machine.cpus() < 8.5)
    assert any("too little disk" in note for note in started.notes)
    assert list(started.notes) == ran.record("00-start.json")["notes"]


def test_the_machine_is_what_the_system_tells() -> None:
    assert 0 < machine.cpus() <= len(os.sched_getaffinity(0))
    with open("/proc/meminfo") as file:
        total = int(file.readline().split()[1]) * 1024
    assert 0 < (machine.memory() or 0) <= total
    assert machine.disk("/no/such/folder/yet") > 0
    assert machine.disk("s3://bucket/store") > 0


@pytest.mark.parametrize(
    ("files", "cpus", "memory"),
    [
        # Version 2: limits stand in the group or in one around it.
        (
            {
                "proc/self/cgroup": "0::/user/job\n",
                "sys/fs/cgroup/user/job/cpu.max": "max 100000\n",
                "sys/fs/cgroup/user/cpu.max": "50000 100000\n",
                "sys/fs/cgroup/user/memory.max": "1000000\n",
                "sys/fs/cgroup/user/job/memory.max": "max\n",
            },
            0.5,
            1_000_000,
        ),
        # In a container its own group is the top one.
        (
            {
                "proc/self/cgroup": "0::/\n",
                "sys/fs/cgroup/cpu.max": "20000 100000\n",
                "sys/fs/cgroup/memory.max": "2000000\n",
            },
            0.2,
            2_000_000,
        ),
        # Version 1, whose paths tell the host's names.
        (
            {
                "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n",
                "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "30000\n",
                "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "3000000\n",
            },
            0.3,
            3_000_000,
        ),
    ],
)
def test_a_container_may_have_less(
    tmp_path: Path, files: dict[str, str], cpus: float, memory: int
) -> None:
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert machine.cpus(tmp_path) == cpus
    assert machine.memory(tmp_path) == memory


def test_no_limit_and_no_groups_are_the_whole_machine(tmp_path: Path) -> None:
    whole = machine.cpus(tmp_path)
    assert whole == len(os.sched_getaffinity(0))
    quota = tmp_path / "sys/fs/cgroup/cpu/cpu.cfs_quota_us"
    quota.parent.mkdir(parents=True)
    quota.write_text("-1\n")
    quota.with_name("cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("4:cpu:/\n")
    assert machine.cpus(tmp_path) == whole
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"):
        (tmp_path / "dev" / name).touch()
    assert machine.gpus(tmp_path) == 2
