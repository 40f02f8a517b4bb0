"""What a large file costs on its way through a store: memory above all."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from benchmarks.processes import python, told
from benchmarks.report import Figure

MEGABYTES = 64.0
QUICK, FULL = 256 << 20, 8 << 30
LARGEST_SERVED = 1 << 30  # the server keeps what is not complete in its own memory
_FILLED, _HOLE = 1 << 20, 31 << 20
_KEY, _SECRET, _BUCKET = "measuring", "measuring-too", "bench"


def figures(root: Path, quick: bool) -> list[Figure]:
    """A file through a folder, and through a bucket of a server on this machine."""
    size = QUICK if quick else FULL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < 3 * size:
            print(f"no room for {3 * size >> 20} MB in {folder}: skipped", file=sys.stderr)
            return []
        source = folder / "source"
        _write(source, size)
        hashing = _hashing(source)
        script = root / "benchmarks" / "big_file_one.py"
        copy = folder / "copy"
        local = told(python(script, folder / "store", source, copy))
        found = _figures("a folder", size, local, hashing)
        shutil.rmtree(folder / "store")
        rclone = Path(sys.executable).with_name("rclone")
        if not rclone.exists():
            print("no rclone beside this Python: the bucket is skipped", file=sys.stderr)
            return found
        if size > LARGEST_SERVED:
            size = LARGEST_SERVED
            os.truncate(source, size)
            hashing = _hashing(source)
        with (
            _bucket(rclone, folder / "served") as environment,
            mock.patch.dict(os.environ, environment),
        ):
            remote = told(python(script, f"s3://{_BUCKET}/store", source, copy))
        return found + _figures("a bucket", size, remote, hashing)


def _figures(where: str, size: int, told: dict[str, float], hashing: float) -> list[Figure]:
    name = f"{size >> 20} MB through {where}"
    memory = Figure(f"{name}: memory", "MB", "peak", told["memory"], MEGABYTES)
    times = [
        Figure(f"{name}: {work}", "s", "wall", told[work], None, limit=hashing, against="sha256")
        for work in ("put", "copy", "fetch")
    ]
    return [memory, *times]


def _write(path: Path, size: int) -> None:
    """A file with random parts and holes: it takes little room, and is read as any other."""
    with open(path, "wb") as file:
        for start in range(0, size, _FILLED + _HOLE):
            file.seek(start)
            file.write(os.urandom(_FILLED))
        file.truncate(size)


def _hashing(path: Path) -> float:
    """Seconds to read the file and hash it: the least that any store needs."""
    began = time.perf_counter()
    with open(path, "rb") as file:
        hashlib.file_digest(file, "sha256")
    return time.perf_counter() - began


@contextmanager
def _bucket(rclone: Path, served: Path) -> Generator[dict[str, str]]:
    """The variables that lead to a bucket in a folder."""
    (served / _BUCKET).mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{probe.getsockname()[1]}"
    command: list[str | Path] = [rclone, "serve", "s3", "--config", os.devnull, "--addr", place]
    command += ["--auth-key", f"{_KEY},{_SECRET}", served]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            host, _, port = place.partition(":")
            for _ in range(200):
                try:
                    socket.create_connection((host, int(port)), timeout=1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield {
                "AWS_ENDPOINT_URL": f"http://{place}",
                "AWS_ACCESS_KEY_ID": _KEY,
                "AWS_SECRET_ACCESS_KEY": _SECRET,
                "AWS_DEFAULT_REGION": "us-east-1",
            }
        finally:
            server.kill()
