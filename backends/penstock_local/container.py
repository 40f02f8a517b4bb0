"""One attempt at a step in a container of its own, from a thread of its own."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from penstock_local import container_end as end
from penstock_local import engine_errors
from penstock_local.answers import told_by
from penstock_local.engine_api import EngineApi
from penstock_local.executors import GRACE_SECONDS, Failed, Job, Line, Told
from penstock_local.lines import Lines

_STDOUT = 1
_COMMAND = ("python3", "-m", "penstock_runtime", "watched")
_ENVIRONMENT = {"HOME": "/tmp", "USER": "step"}  # noqa: S108 - inside the container
_END_SECONDS = 10
_LAST_LINES = 20
_READ_ONLY = "Read-only file system"


@dataclass(frozen=True)
class Order:
    """What to run: `message` is told to the step, all else to the engine, which shows it."""

    image: str
    message: bytes
    host: Mapping[str, Any]
    labels: Mapping[str, str]
    user: str
    hostname: str | None
    volumes: tuple[str, ...] = ()
    memory: str | None = None


class Container:
    """Runs a job; tells its lines and, last, how it ended; then nothing is left of it."""

    def __init__(
        self, api: EngineApi, job: Job, order: Order, tell: Callable[[Container, Told], None]
    ) -> None:
        self.job = job
        self.deadline: float | None = None
        self._api = api
        self._order = order
        self._tell = tell
        self._id: str | None = None
        self._started = self._began = self._timed_out = self._stopped = False
        self._answer: dict[str, Any] | None = None
        self._said: deque[str] = deque(maxlen=_LAST_LINES)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tells the step to end; one that has not begun has nothing to clean up."""
        self._signal("SIGTERM" if self._began else "SIGKILL")

    def kill(self) -> None:
        """Ends the container and all that is in it."""
        self._signal("SIGKILL")

    def out_of_time(self) -> None:
        """The deadline is over: of the step, of its clean-up, or of Python after the answer."""
        if self._timed_out or self._answer is not None:
            self.deadline = None
            self.kill()
        else:
            self._timed_out = True
            self.deadline = time.monotonic() + GRACE_SECONDS
            self.stop()

    def gone(self, seconds: float) -> bool:
        """Whether nothing is left, waiting at most so long."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _signal(self, name: str) -> None:
        self._stopped = True
        if self._started:
            # Aside: an engine that hangs must not keep the runner from hearing Ctrl-C.
            threading.Thread(target=self._send, args=(name,), daemon=True).start()

    def _send(self, name: str) -> None:
        from docker.errors import DockerException

        with suppress(DockerException, OSError):  # it is over, or so is the engine
            self._api.kill(cast(str, self._id), name)

    def _run(self) -> None:
        from docker.errors import DockerException

        step, image = self.job.request.step, self._order.image
        try:
            ended = self._ran()
        except (DockerException, OSError) as error:  # those of requests are among the latter
            blame, message = engine_errors.told(error, step, image)
            ended = Failed(self.job, blame, message, recorded=False)
        except Exception as error:  # of ours; the thread's end would otherwise be silent
            message = f"the container of step {step!r} was lost: {type(error).__name__}: {error}"
            ended = Failed(self.job, "request", message, recorded=False)
        self._tell(self, ended)
        if self._id is not None:
            with suppress(DockerException, OSError):  # who runs next removes it
                self._api.remove_container(self._id, v=True, force=True)

    def _ran(self) -> Told:
        self._id = self._created()
        attached: Any = self._api.attach_socket(
            self._id, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        )
        socket: Any = getattr(attached, "_sock", attached)
        socket.settimeout(None)
        try:
            if not self._stopped:
                self._api.start(self._id)
                self._started = True
            if self._stopped:  # while the engine was at it
                self._send("SIGKILL")
            else:
                with suppress(OSError):  # it has ended already; its answer tells why
                    socket.sendall(self._order.message)
            self._listen(attached)
        finally:
            # For a step that still runs this is the sign that nobody watches any more.
            attached.close()
            socket.close()
        return self._ended(self._id)

    def _created(self) -> str:
        order, api = self._order, self._api
        request = self.job.request
        created = api.create_container(
            order.image,
            entrypoint=list(_COMMAND),
            command=[],
            name=f"penstock-{request.run[-12:]}-{request.step}-{secrets.token_hex(3)}",
            user=order.user,
            hostname=order.hostname,
            environment=dict(_ENVIRONMENT),
            labels=dict(order.labels),
            stdin_open=True,
            volumes=list(order.volumes),
            host_config=api.create_host_config(**order.host),
            use_config_proxy=False,  # it may hold a password, and would be shown
        )
        return str(created["Id"])

    def _listen(self, attached: Any) -> None:
        from docker.utils import socket as frames

        lines, answers = Lines(), b""
        with suppress(OSError):  # the engine went away: that is seen at once
            found: Iterator[tuple[int, bytes]] = cast(Any, frames).frames_iter(attached, tty=False)
            for stream, piece in found:
                if stream != _STDOUT:
                    self._say(lines.add(piece))
                    continue
                *whole, answers = (answers + piece).split(b"\n")
                for one in whole:
                    self._hear(json.loads(one))
        self._say(lines.last())

    def _say(self, texts: list[str]) -> None:
        for text in texts:
            self._said.append(text)
            self._tell(self, Line(self.job, text))

    def _hear(self, answer: dict[str, Any]) -> None:
        if "began" not in answer:
            self._answer = answer
            # Python may wait for threads of the step, but not for ever.
            self.deadline = time.monotonic() + GRACE_SECONDS
            return
        self._began = True
        if self.job.timeout is not None:
            self.deadline = time.monotonic() + self.job.timeout

    def _ended(self, name: str) -> Told:
        if self._answer is None:
            return self._without_answer(name)
        told = told_by(self.job, self._answer)
        if isinstance(told, Failed) and told.blame == "step":
            return self._with_hints(name, told)
        return told

    def _without_answer(self, name: str) -> Failed:
        if not self._started:
            return Failed(self.job, "step", "it was stopped before it began", recorded=False)
        state = self._state(name)
        if not self._began and not self._stopped and not end.out_of_memory(state):
            return end.never_began(self.job, state, self._order.image, self._said)
        return end.lost(self.job, state, self._order.memory, timed_out=self._timed_out)

    def _with_hints(self, name: str, told: Failed) -> Failed:
        """What the step cannot know: that its container is the cause."""
        state, message = self._state(name), told.message
        if end.out_of_memory(state):
            message += f" ({end.needed_more(told.job.request.step, self._order.memory)})"
        elif _READ_ONLY in message:
            message += " (in a container only /tmp can be written to)"
        return Failed(told.job, told.blame, message, told.trace, told.recorded)

    def _state(self, name: str) -> Mapping[str, Any]:
        """What the engine says of a container that has ended."""
        self._api.wait(name, timeout=_END_SECONDS)
        state: Mapping[str, Any] = self._api.inspect_container(name)["State"]
        return state
