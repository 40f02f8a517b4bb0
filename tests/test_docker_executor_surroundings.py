"""What a container may do and see: little; and what of a step may be seen from outside: nothing."""

from __future__ import annotations

import json
import os
import stat
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
from containers_support import (
    client,
    containers,
    engine,
    executor_for,
    image_with,
    run_in_containers,
)
from local_project import Project
from s3_servers import Server, point_to

from penstock.backend import check_pipeline
from penstock.cli.targets import load_target
from penstock.ir.nodes import Resources
from penstock.runner import CannotRun, StepFailed
from penstock_local import LocalBackend
from penstock_local.container_limits import Machine, limits
from penstock_local.container_store import access_to
from penstock_local.executors import Done, Line
from penstock_local.unenforced import unenforced
from penstock_runtime.errors import StoreError
from penstock_runtime.opening import open_store
from penstock_runtime.records import RunRecords
from penstock_runtime.reference import Constant

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("engine")

GIB = 1 << 30


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


LOOKING = """
def written(place: str) -> str:
    try:
        Path(place).write_text("x")
    except OSError as error:
        return error.strerror
    return "written"

def read(*places: str) -> str:
    for place in places:
        if Path(place).exists():
            return Path(place).read_text().strip()
    return ""

@step(resources=Resources(cpu="500m", memory="256Mi"), env={"COLOUR": "green"})
def looks() -> dict[str, Any]:
    import getpass, socket, tempfile
    status = dict(line.split(":\\t", 1) for line in read("/proc/self/status").splitlines())
    quota = read("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
    most = read("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
    with tempfile.NamedTemporaryFile("w", suffix=".sh") as script:
        script.write("#!/bin/sh\\nexit 3\\n")
    return {
        "user": [os.geteuid(), os.getegid(), getpass.getuser()],
        "capabilities": [status[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")],
        "new privileges": status["NoNewPrivs"],
        "files": {place: written(place) for place in (
            "/app/x", "/x", "/usr/x", "/tmp/x", "/dev/shm/x", "x",
        )},
        "temporary": tempfile.gettempdir(),
        "home": [os.environ["HOME"], str(Path.home())],
        "host": socket.gethostname(),
        "cpu": int(quota.split()[0]),
        "memory": int(most),
        "shared": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
        "colour": os.environ["COLOUR"],
        "stdin": sys.stdin.read(),
        "modules": [name for name in sys.modules if "site-packages" in str(
            getattr(sys.modules[name], "__file__", ""))],
        "umask": os.umask(0),
        "path": sys.path,
    }

@step
def makes(place: str) -> bytes:
    return b"some bytes"

@pipeline
def main() -> dict[str, Any]:
    makes("x")
    return looks()
"""


def test_a_container_may_do_little(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "not inside")
    before = os.umask(0o027)
    try:
        ran = run_in_containers(project, LOOKING)
    finally:
        os.umask(before)
    seen = ran.value("looks")
    assert seen["user"] == [os.geteuid(), os.getegid(), "step"]
    assert {int(one, 16) for one in seen["capabilities"]} == {0}
    assert seen["new privileges"] == "1"
    read_only = "Read-only file system"
    assert seen["files"] == {
        "/app/x": read_only,
        "/x": read_only,
        "/usr/x": read_only,
        "/tmp/x": "written",
        "/dev/shm/x": "written",
        "x": read_only,
    }
    assert seen["temporary"] == "/tmp"
    assert seen["home"] == ["/tmp", "/tmp"]
    assert seen["host"] == os.uname().nodename
    assert seen["cpu"] == 50_000
    assert seen["memory"] == seen["shared"] == 256 << 20
    assert seen["colour"] == "green"
    assert seen["stdin"] == ""
    assert seen["modules"] == []  # no package at all, and the step runs
    assert seen["umask"] == 0o027
    assert str(project.folder) not in seen["path"]  # the code of the image runs, whatever is here
    for file in (*ran.folder.rglob("*"), *(project.store / "cas").rglob("*")):
        found = file.lstat()
        assert (found.st_uid, found.st_gid) == (os.geteuid(), os.getegid()), file
        assert stat.S_IMODE(found.st_mode) & 0o007 == 0 or file.is_file()
    assert not list((project.store / "tmp").iterdir())


SECRET = """
@step(secrets=[Secret("db", key="token", env="DB_TOKEN")], env={"PLAIN": "a visible value"})
def only() -> int:
    print("begins")
    while not (Path(os.environ["PLACE"]) if "PLACE" in os.environ else Path("/tmp/go")).exists():
        time.sleep(0.05)
    return len(os.environ["DB_TOKEN"])

@pipeline
def main() -> int:
    return only()
"""
TOKEN = "tok-1f6b2c"


def test_no_value_of_a_step_can_be_seen_from_outside(project: Project) -> None:
    file = project.write(SECRET)
    image = image_with({file.stem: file.read_text()})
    with executor_for(project, file, image) as (executor, job):
        asked = {"env": {"DB_TOKEN": TOKEN, "PLAIN": "a visible value"}, "secrets": ("DB_TOKEN",)}
        executor.start(_with(job, asked))
        (line,) = executor.wait(None)
        assert isinstance(line, Line)
        (one,) = containers(store=str(project.store))
        told = json.dumps(one.attrs) + json.dumps(one.top())
        assert TOKEN not in told
        assert "a visible value" not in told
        assert one.attrs["HostConfig"]["LogConfig"]["Type"] == "none"
        assert one.attrs["Config"]["Entrypoint"] == ["python3", "-m", "penstock_runtime", "watched"]
        assert one.attrs["Config"]["Labels"]["io.penstock.step"] == "only"
        one.exec_run(["python3", "-c", "open('/tmp/go', 'w')"])
        (done,) = executor.wait(None)
        assert isinstance(done, Done), done
    assert containers(store=str(project.store)) == []


def _with(job: Any, changed: dict[str, Any]) -> Any:
    from dataclasses import replace

    return replace(job, request=replace(job.request, **changed))


def test_a_step_needs_no_network(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(asked: Resources | None, machine: Machine) -> dict[str, Any]:
        return {**limits(asked, machine), "network_mode": "none"}

    monkeypatch.setattr("penstock_local.containers.limits", offline)
    text = """
    @step
    def only() -> dict[str, Any]:
        import socket
        return {"interfaces": [name for _, name in socket.if_nameindex()]}

    @pipeline
    def main() -> dict[str, Any]:
        return only()
    """
    ran = run_in_containers(project, text)
    assert ran.value("only") == {"interfaces": ["lo"]}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (None, {"pids_limit": 4096, "shm_size": 4 * GIB}),
        ({"memory": "4Gi"}, {"mem_limit": 4 * GIB, "memswap_limit": 4 * GIB, "shm_size": 4 * GIB}),
        ({"memory": "512M"}, {"mem_limit": 512 * 10**6}),
        ({"cpu": "500m"}, {"nano_cpus": 500_000_000}),
        ({"cpu": 1.5}, {"nano_cpus": 1_500_000_000}),
        ({"cpu": 64}, {"nano_cpus": 4_000_000_000}),
        ({"cpu": "1m"}, {"nano_cpus": 10_000_000}),
        ({"gpu": 2}, {"device_requests": [{"Count": 2, "Capabilities": [["gpu"]]}]}),
    ],
)
def test_limits_are_what_a_step_asks_for(
    asked: dict[str, Any] | None, found: dict[str, Any]
) -> None:
    resources = Resources.model_validate(asked) if asked is not None else None
    made = limits(resources, Machine(cores=4, memory=8 * GIB))
    assert {name: made[name] for name in found} == found
    assert made["read_only"] is True
    assert made["cap_drop"] == ["ALL"]
    assert "no-new-privileges" in made["security_opt"]


def test_who_asks_for_disk_has_tmp_on_the_disk(project: Project) -> None:
    text = """
    @step(resources=Resources(disk="10Gi"))
    def only() -> str:
        Path("/tmp/x").write_text("x")
        with open("/proc/mounts") as mounts:
            return next(line.split()[2] for line in mounts if line.split()[1] == "/tmp")

    @pipeline
    def main() -> str:
        return only()
    """
    before = {one.name for one in client().volumes.list()}
    file = project.write(text)
    ran = run_in_containers(project, file)
    assert ran.value("only") != "tmpfs"
    assert {one.name for one in client().volumes.list()} == before
    ir = check_pipeline(load_target(str(file)).ir, LocalBackend()).lowered
    assert "disk is not limited or reserved: only" in unenforced(ir, "docker")


def test_only_what_is_not_kept_is_said(project: Project) -> None:
    text = """
    @step(image="x:1", packages=["git"], resources=Resources(cpu="1m", memory="1Mi", gpu=1))
    def only() -> None: ...

    @pipeline
    def main():
        only()
    """
    ir = check_pipeline(load_target(str(project.write(text))).ir, LocalBackend()).lowered
    assert any("images" in one for one in unenforced(ir, "process"))
    assert [one for one in unenforced(ir, "docker") if "too little" not in one] == []


def test_a_store_is_mounted_at_its_own_place(tmp_path: Path) -> None:
    found = access_to(f"file://{tmp_path}/a%20store")
    assert (found.store, found.folder) == (f"{tmp_path}/a store", f"{tmp_path}/a store")
    assert access_to("/tmp").store == "/store"  # what is there in an image must stay in sight
    with pytest.raises(CannotRun, match="in a folder or in S3, not gs://bucket/runs"):
        access_to("gs://bucket/runs")


def test_a_store_in_s3_is_reached_with_the_callers_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(
        "[profile team]\nregion = eu-north-1\nendpoint_url = http://127.0.0.1:9000\n"
        "aws_access_key_id = its-key\naws_secret_access_key = its-secret\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_PROFILE", "team")
    found = access_to("s3://bucket/runs")
    assert found.store == "s3://bucket/runs"
    assert found.folder is None
    assert dict(found.environment()) == {
        "AWS_ACCESS_KEY_ID": "its-key",
        "AWS_SECRET_ACCESS_KEY": "its-secret",
        "AWS_DEFAULT_REGION": "eu-north-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9000",
    }
    assert found.on_this_machine
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.example.org")
    assert not access_to("s3://bucket/runs").on_this_machine
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(StoreError, match="no credentials for s3://bucket/runs: The config profile"):
        access_to("s3://bucket/runs")


IN_A_BUCKET = """
@step
def made(n: int) -> bytes:
    return b"x" * n

@step
def size(data: bytes) -> int:
    return len(data)

@pipeline
def main() -> int:
    return size(made(100_000))
"""


def test_a_run_in_a_bucket(
    project: Project, moto_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server listens on this machine only: then its steps share this machine's network."""
    point_to(monkeypatch, moto_server.endpoint)
    bucket = f"containers-{os.getpid()}"
    import_module("s3fs").S3FileSystem(skip_instance_cache=True).mkdir(bucket)
    file = project.write(IN_A_BUCKET)
    image = image_with({file.stem: file.read_text()}, s3=True)
    project.store = cast(Path, f"s3://{bucket}/runs")  # a store is a text to who runs
    ran = run_in_containers(project, file, image=image)
    assert ran.result.outputs == {"value": Constant(100_000)}, ran.events
    records = RunRecords(open_store(ran.result.store), ran.result.run)
    assert (records.committed("size") or {})["outputs"] == {"value": {"value": 100_000}}


def test_an_image_without_the_library_of_buckets_is_told(
    project: Project, moto_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    point_to(monkeypatch, moto_server.endpoint)
    bucket = f"none-{os.getpid()}"
    import_module("s3fs").S3FileSystem(skip_instance_cache=True).mkdir(bucket)
    project.store = cast(Path, f"s3://{bucket}/runs")
    ran = run_in_containers(project, IN_A_BUCKET)
    (told,) = ran.told(StepFailed)
    assert "s3fs" in told.message
