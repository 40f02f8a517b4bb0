"""Two S3 servers on loopback: moto minds conditional writes, `rclone serve s3` ignores them."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_KEY, _SECRET = "testing-key", "testing-secret"


@dataclass(frozen=True)
class Server:
    """A running server; each test takes buckets of its own."""

    kind: str
    port: int
    folder: Path

    @property
    def endpoint(self) -> str:
        """Its URL, as AWS_ENDPOINT_URL takes it."""
        return f"http://127.0.0.1:{self.port}"


def environment(endpoint: str) -> dict[str, str]:
    """The variables by which a process finds a server."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": _KEY,
        "AWS_SECRET_ACCESS_KEY": _SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def point_to(patch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Make this process and its children use a server."""
    for name, value in environment(endpoint).items():
        patch.setenv(name, value)


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(kind: str) -> Generator[Server]:
    """A server, until the end of the block. A port that is taken meanwhile costs one more try."""
    folder = Path(tempfile.mkdtemp(prefix="penstock-s3-"))
    process: subprocess.Popen[bytes] | None = None
    try:
        for _ in range(3):
            server = Server(kind, free_port(), folder)
            with open(folder.with_suffix(".log"), "wb") as log:
                process = subprocess.Popen(_command(server), stdout=log, stderr=log)
            if _ready(server, process):
                break
        else:
            raise RuntimeError(folder.with_suffix(".log").read_text("utf-8", "replace"))
        yield server
    finally:
        if process is not None:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".log").unlink(missing_ok=True)


@pytest.fixture(scope="session")
def moto_server() -> Iterator[Server]:
    """The server that minds conditional writes."""
    with serving("moto") as server:
        yield server


@pytest.fixture(scope="session")
def rclone_server() -> Iterator[Server]:
    """The server that ignores conditional writes."""
    with serving("rclone") as server:
        yield server


def _command(server: Server) -> list[str]:
    if server.kind == "moto":
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(server.port)]
    return [
        str(Path(sys.executable).with_name("rclone")),
        *("serve", "s3", "--config", os.devnull, "--addr", f"127.0.0.1:{server.port}"),
        *("--auth-key", f"{_KEY},{_SECRET}", str(server.folder)),
    ]


def _ready(server: Server, process: subprocess.Popen[bytes]) -> bool:
    for _ in range(600):
        if process.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    process.kill()
    return False
