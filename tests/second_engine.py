"""Another Docker engine, empty and without a network, for what must not depend on which one builds.

It has mounts and a network of its own: two engines in one network take each other's bridge away.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

NEEDED = ("dockerd", "setpriv", "unshare")


def why_no_second_engine() -> str | None:
    """What is missing to start one; None when nothing is."""
    if os.geteuid() != 0:
        return "only root can start a second engine"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    return f"{', '.join(missing)} cannot be found" if missing else None


@contextmanager
def second_engine() -> Generator[str]:
    """The DOCKER_HOST of an engine of its own, until the end of the block."""
    # Not in the temporary folder of the machine: that may be in memory, or an overlay itself.
    folder = Path(tempfile.mkdtemp(prefix="penstock-engine-", dir="/var/tmp"))
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(_command(folder), stdout=log, stderr=log, cwd="/")
    try:
        _wait(folder, process)
        yield f"unix://{folder / 'socket'}"
    finally:
        # It stops its containers and its containerd first, and only then can the folder go.
        process.terminate()
        try:
            process.wait(timeout=30)
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(folder)


def _command(folder: Path) -> list[str]:
    return [
        # It must not outlive a test run that is killed.
        *("setpriv", "--pdeathsig", "TERM", "unshare", "--mount", "--net", "dockerd"),
        *("--data-root", f"{folder / 'data'}", "--exec-root", f"{folder / 'exec'}"),
        *("--pidfile", f"{folder / 'pid'}", "--host", f"unix://{folder / 'socket'}"),
        # The rules of the kernel's firewall are nobody's in an empty network.
        *("--iptables=false", "--ip6tables=false"),
    ]


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if _answers(folder / "socket"):
            return
        time.sleep(0.05)
    raise RuntimeError(f"no second engine:\n{(folder / 'log').read_text('utf-8', 'replace')}")


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(str(path))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.0 200")
        except OSError:
            return False
