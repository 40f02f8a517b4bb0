"""Containers that a killed runner left behind: found by their labels, and removed.

They end by themselves, as nobody watches them any more; what is left is their names and a layer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from penstock_local.engine_api import EngineApi
from penstock_runtime.processes import lives, this_process

_STORE = "io.penstock.store"
_RUNNER = "io.penstock.runner."


def runner_labels(store: str) -> dict[str, str]:
    """Which store a container works for, and which process watches it."""
    process = {f"{_RUNNER}{name}": str(value) for name, value in this_process().items()}
    return {_STORE: store, **process}


class Leftovers:
    """Removes them while other work is done; those of other stores and of living runners stay."""

    def __init__(self, api: EngineApi, labels: Mapping[str, str]) -> None:
        self._api = api
        self._store = labels[_STORE]
        self._thread = threading.Thread(target=self._remove, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Until they are gone, but no longer."""
        self._thread.join(seconds)

    def _remove(self) -> None:
        from docker.errors import DockerException

        with suppress(DockerException, OSError):  # the next run tries again
            label = f"{_STORE}={self._store}"
            for one in self._api.containers(all=True, filters={"label": label}):
                if _runner_is_gone(one):
                    with suppress(DockerException):  # another run was faster
                        self._api.remove_container(one["Id"], v=True, force=True)


def _runner_is_gone(container: Mapping[str, Any]) -> bool:
    labels: Mapping[str, str] = container.get("Labels") or {}
    host, pid, boot = (labels.get(_RUNNER + name, "") for name in ("host", "pid", "boot"))
    if not pid.isdecimal():
        return False
    # The container's own process numbers say nothing; only the runner's count.
    age = max(time.time() - float(container.get("Created") or 0), 0.0)
    return lives(host, int(pid), boot, age) is False
