"""Tests the engine, registry and base of the tests, and what is said where there is none."""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import docker
import docker.errors
import pytest
from base_image import BASE, base_archive, make_base
from engine_support import REGISTRY, engine_or_skip, own_images, registry_or_skip

ROOT = Path(__file__).resolve().parents[1]
NOWHERE = "unix:///nowhere/docker.sock"
PROGRAM = """\
import ctypes, os, socket, sqlite3, ssl
print(ssl.create_default_context().cert_store_stats()["x509_ca"] > 50)
print(socket.gethostbyname("localhost"), sqlite3.connect(":memory:").execute("select 1").fetchone())
print(*sorted(os.listdir("/usr/local/bin")), *sorted(os.listdir("/bin")))
"""


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    engine_or_skip()
    with closing(docker.from_env()) as client:
        yield client


def test_the_base_is_the_same_bytes_each_time(client: docker.DockerClient) -> None:
    make_base()  # A package that was installed since `make test` may have brought another library.
    layer = f"sha256:{hashlib.sha256(base_archive()).hexdigest()}"
    assert client.images.get(BASE).attrs["RootFS"]["Layers"] == [layer]
    assert make_base() is False


def test_the_base_holds_a_whole_python_and_nothing_else(client: docker.DockerClient) -> None:
    command = ["sh", "-c", 'exec python3 -c "$0"', PROGRAM]
    said: object = client.containers.run(BASE, command, remove=True, network_mode="none")
    assert isinstance(said, bytes)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    programs = f"python python3 {version} dash sh"
    assert said.decode() == f"True\n127.0.0.1 (1,)\n{programs}\n"
    assert client.images.get(BASE).attrs["Size"] < 60_000_000


def test_what_a_test_has_made_goes(client: docker.DockerClient) -> None:
    with own_images() as prefix:
        client.images.get(BASE).tag(f"{prefix}-a")
        client.containers.create(f"{prefix}-a", name=prefix)
        assert client.images.get(f"{prefix}-a").tags
    with pytest.raises(docker.errors.ImageNotFound):
        client.images.get(f"{prefix}-a")
    with pytest.raises(docker.errors.NotFound):
        client.containers.get(prefix)
    assert client.images.get(BASE).tags


def test_the_registry_can_delete(client: docker.DockerClient) -> None:
    registry_or_skip()
    with own_images() as prefix:
        client.images.get(BASE).tag(f"{REGISTRY}/{prefix}")
        cast(Any, client.images).push(f"{REGISTRY}/{prefix}")
        (pushed,) = client.images.get(f"{REGISTRY}/{prefix}").attrs["RepoDigests"]
        place = f"http://{REGISTRY}/v2/{prefix}/manifests/{pushed.partition('@')[2]}"
        with urllib.request.urlopen(urllib.request.Request(place, method="DELETE")) as answer:
            assert answer.status == 202


@pytest.mark.parametrize(("needed", "outcome"), [("", "1 skipped"), ("1", "1 error")])
def test_without_an_engine_tests_are_skipped_by_name(
    tmp_path: Path, needed: str, outcome: str
) -> None:
    shutil.copytree(ROOT / "tests", tmp_path / "tests", ignore=shutil.ignore_patterns("goldens"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    test = "tests/test_engine_setup.py::test_the_base_is_the_same_bytes_each_time"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", test],
        env={**os.environ, "DOCKER_HOST": NOWHERE, "PENSTOCK_NEEDS_ENGINE": needed},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout, done.stdout + done.stderr
    assert "no Docker engine: " in done.stdout
    assert "`make engine` starts one" in done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Another checkout with the environment of this one."""
    for folder in ("scripts", "tests"):
        (tmp_path / folder).mkdir()
    for name in ("scripts/engine.sh", "tests/engine_ready.py", "tests/base_image.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def engine(checkout: Path, *arguments: str, **env: str) -> tuple[int, str, str]:
    """How `scripts/engine.sh` ends, what it says, and what it leaves for the tests."""
    done = subprocess.run(
        [checkout / "scripts/engine.sh", *arguments],
        env={**os.environ, "PENSTOCK_ENGINE_PLACE": str(checkout / "place"), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    left = checkout / ".envs/engine/environment"
    return done.returncode, done.stdout + done.stderr, left.read_text() if left.exists() else ""


def test_what_answers_already_is_used(client: docker.DockerClient, checkout: Path) -> None:
    registry_or_skip()
    engine(checkout)  # makes the base, where it is not the newest
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    for _ in range(2):
        assert engine(checkout) == (0, "", f"DOCKER_HOST={host}\n")
    assert engine(checkout, "stop") == (0, "", "")
    assert engine(checkout, "remove") == (0, "", "")
    assert client.ping()


@pytest.mark.parametrize("needed", [False, True])
def test_why_no_engine_runs_is_told(checkout: Path, needed: bool) -> None:
    env = {"DOCKER_HOST": NOWHERE, "PENSTOCK_NEEDS_ENGINE": "1" * needed}
    code, said, left = engine(checkout, **env)
    assert code == int(needed)
    assert said.count("\n") == 1 + needed
    assert f"nothing answers at {NOWHERE}" in said
    assert left.startswith(f"DOCKER_HOST={NOWHERE}\nNO_ENGINE=nothing answers at {NOWHERE}")


def test_only_the_engine_of_this_checkout_is_stopped(checkout: Path) -> None:
    program, place = checkout / "dockerd", checkout / "place"
    shutil.copy(shutil.which("sleep") or "", program)
    process = subprocess.Popen([program, "60"])
    try:
        place.mkdir()
        (place / "pid").write_text(f"{process.pid}\n")
        (place / "pid.owner").write_text(f"{ROOT}\n")
        for command in ("stop", "remove"):
            code, said, _ = engine(checkout, command)
            assert (code, process.poll()) == (0, None)
            assert "was not started by this checkout" in said
        assert place.exists()
        (place / "pid.owner").write_text(f"{checkout}\n")
        reaper = threading.Thread(target=process.wait)
        reaper.start()
        assert engine(checkout, "remove")[:2] == (0, "penstock: stopped dockerd\n")
        reaper.join()
        assert not place.exists()
    finally:
        process.kill()
        process.wait()
