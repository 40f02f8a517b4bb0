"""uv installing a lock in a plain container: what a Dockerfile written by hand would do."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from penstock.images.engine import Engine
from penstock.images.index_settings import IndexSettings
from penstock.images.uv import find_uv
from penstock.images.uv_environment import uv_environment

BASE = f"penstock-test-base:{sys.version_info.major}.{sys.version_info.minor}"
_KEPT = re.compile(
    r"UV_(?:DEFAULT_|EXTRA_)?INDEX|UV_FIND_LINKS|UV_INDEX_URL|SSL_CERT_|.*PROXY", re.I
)


def seconds_of_uv(lock: str, *, compiled: bool) -> float:
    """From the start of the container to its end; its cache is empty."""
    with uv_environment(IndexSettings()) as around:
        environment = {name: text for name, text in around.items() if _KEPT.match(name)}
    mounts = {find_uv(): "/uv", lock: "/lock.txt"}
    for text in environment.values():
        for place in map(Path, re.findall(r"(?:file://)?(/[^\s]+)", text)):
            if place.is_dir():  # an index in a folder may name files beside it
                mounts[f"/{place.parts[1]}"] = f"/{place.parts[1]}"
            elif place.exists():
                mounts[str(place)] = str(place)
    command = [*("/uv", "pip", "install", "--system", "--break-system-packages", "--quiet")]
    command += ["--require-hashes", "--no-deps", "--target", "/site", "-r", "/lock.txt"]
    client = Engine().client
    container = client.containers.create(
        BASE,
        [*command, *(["--compile-bytecode"] if compiled else [])],
        environment={**environment, "UV_INDEX_STRATEGY": "unsafe-best-match"},
        volumes={place: {"bind": inside, "mode": "ro"} for place, inside in mounts.items()},
    )
    try:
        began = time.perf_counter()
        container.start()
        code = int(container.wait()["StatusCode"])
        seconds = time.perf_counter() - began
        if code:
            raise RuntimeError(container.logs().decode(errors="replace"))
        return seconds
    finally:
        container.remove(force=True)
