"""Runs each step in a container of its image, up to `jobs` at once."""

from __future__ import annotations

import json
import os
import queue
import selectors
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from penstock.ir.nodes import Options
from penstock_local.container import Container, Order
from penstock_local.container_limits import Machine, limits
from penstock_local.container_store import Access
from penstock_local.engine_api import EngineApi
from penstock_local.executors import GRACE_SECONDS, Job, Line, Told
from penstock_local.interrupts import Interrupts
from penstock_local.leftovers import Leftovers
from penstock_local.places import step_of

_MOST_WAITING = 10_000
"""Lines that nobody has heard yet; then a step that prints has to wait."""
_LOOK_AROUND_SECONDS = 0.1
_LAST_SECONDS = 30.0
"""So long an engine may take to end what it is told to end."""


@dataclass(frozen=True)
class Surroundings:
    """What the containers of a run have in common; `images` and `options` are by step."""

    images: Mapping[str, str]
    options: Mapping[str, Options]
    access: Access
    machine: Machine
    labels: Mapping[str, str]


class ContainerExecutor:
    """One container for each attempt; nothing of it is left afterwards."""

    def __init__(
        self, api: EngineApi, around: Surroundings, jobs: int, interrupts: Interrupts
    ) -> None:
        self.jobs = jobs
        self._api = api
        self._around = around
        self._interrupts = interrupts
        self._told: queue.Queue[tuple[Container, Told]] = queue.Queue(_MOST_WAITING)
        self._active: dict[int, Container] = {}
        self._ending: list[Container] = []
        self._closed = False
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._ear, self._mouth = os.pipe()
        for end in (self._ear, self._mouth):
            os.set_blocking(end, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._leftovers = Leftovers(api, around.labels)

    def start(self, job: Job) -> None:
        """Begins a container; what goes wrong is told by `wait`."""
        container = Container(self._api, job, self._order(job), self._hear)
        self._active[id(container)] = container

    def wait(self, seconds: float | None) -> list[Told]:
        """What the containers say, until one of them has something to say."""
        until = None if seconds is None else time.monotonic() + seconds
        while True:
            told = self._heard()
            if told or (until is not None and time.monotonic() >= until):
                return told
            pause = _LOOK_AROUND_SECONDS
            if until is not None:
                pause = min(pause, max(until - time.monotonic(), 0.0))
            with self._interrupts.allowed():
                self._selector.select(pause)
            self._look_at_clocks()

    def cancel(self) -> list[Told]:
        """Asks the busy containers to stop, then makes them."""
        for container in self._active.values():
            container.stop()
        told: list[Told] = []
        until, killed = time.monotonic() + GRACE_SECONDS, False
        while self._active and not (killed and time.monotonic() >= until):
            try:
                with self._interrupts.allowed():
                    self._selector.select(_LOOK_AROUND_SECONDS)
            except KeyboardInterrupt:
                until = 0.0 if not killed else until  # asked twice: no more patience
            told += self._heard()
            if not killed and time.monotonic() >= until:
                for container in self._active.values():
                    container.kill()
                until, killed = time.monotonic() + _LAST_SECONDS, True
        self._active.clear()
        return told

    def close(self) -> None:
        """Ends what runs, and waits until nothing is left of it."""
        self._closed = True
        for container in self._active.values():
            container.kill()
        last = time.monotonic() + _LAST_SECONDS
        for container in (*self._active.values(), *self._ending):
            while not container.gone(0.02) and time.monotonic() < last:
                self._heard()  # a full queue would hold it up
        self._leftovers.wait(max(last - time.monotonic(), 0.0))
        self._active.clear()
        self._ending.clear()
        self._api.close()
        self._selector.close()
        for end in (self._ear, self._mouth):
            os.close(end)

    def _order(self, job: Job) -> Order:
        around = self._around
        step = step_of(job.request.step, around.images)
        asked = around.options[step].resources
        host: dict[str, Any] = limits(asked, around.machine)
        access = around.access
        if access.folder is not None:
            bind = {"Type": "bind", "Source": access.folder, "Target": access.store}
            host["mounts"] = [bind]
        if access.on_this_machine:
            host["network_mode"] = "host"
        rootless = around.machine.rootless  # there root is who runs the engine: the caller
        user = "0:0" if rootless else f"{os.geteuid()}:{os.getegid()}"
        if not rootless:
            host["group_add"] = [str(group) for group in os.getgroups()]
        request = replace(job.request, store=access.store, path=())
        message = {
            "request": request.to_json(),
            "environment": dict(access.environment()),
            "umask": self._umask,
        }
        return Order(
            image=around.images[step],
            message=json.dumps(message).encode() + b"\n",
            host=host,
            labels={
                **around.labels,
                "io.penstock.run": request.run,
                "io.penstock.step": request.step,
            },
            user=user,
            hostname=None if access.on_this_machine else os.uname().nodename,
            volumes=() if "tmpfs" in host else ("/tmp",),  # noqa: S108 - inside the container
            memory=asked.memory if asked is not None else None,
        )

    def _hear(self, container: Container, told: Told) -> None:
        """Called by the thread of a container."""
        if self._closed:
            return
        self._told.put((container, told))
        with suppress(BlockingIOError, OSError):  # full: it has been woken already
            os.write(self._mouth, b"\0")

    def _heard(self) -> list[Told]:
        with suppress(BlockingIOError):
            os.read(self._ear, 1 << 16)
        found: list[Told] = []
        with suppress(queue.Empty):
            while len(found) < _MOST_WAITING:
                container, told = self._told.get_nowait()
                if not isinstance(told, Line) and id(container) in self._active:
                    self._ending.append(self._active.pop(id(container)))
                found.append(told)
        self._ending = [one for one in self._ending if not one.gone(0)]
        return found

    def _look_at_clocks(self) -> None:
        now = time.monotonic()
        for container in self._active.values():
            if container.deadline is not None and now >= container.deadline:
                container.out_of_time()
