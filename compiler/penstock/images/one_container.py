"""Runs a command in an image, without any right that it need not have."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socket import SHUT_RDWR, SHUT_WR
from typing import TYPE_CHECKING, Any, cast

from penstock.images.engine_errors import EngineError, asking

if TYPE_CHECKING:
    from docker import DockerClient

LABEL = "io.penstock.container"
"""On every container that is made here, so that one whose maker was killed is known again."""

_ABANDONED = 3600.0
_MOST_OUTPUT = 1 << 20
_LOG = {"type": "json-file", "config": {"max-size": "8m", "max-file": "1"}}
_TMPFS = {"/tmp": "rw,nosuid,nodev,size=268435456"}  # noqa: S108 - a path in the container
_PODMAN_LIMITS = [
    {"name": "nofile", "soft": 1024, "hard": 1024},
    {"name": "nproc", "soft": 1024, "hard": 1024},
]
"""Podman's own would need a right that it may lack."""


@dataclass(frozen=True)
class Command:
    """What to run; output beyond the last MiB is dropped."""

    image: str
    words: Sequence[str]
    stdin: bytes | None
    network: bool
    seconds: float


def is_abandoned(container: Mapping[str, Any]) -> bool:
    """Whether a container, as the engine lists it, was made here by somebody who was killed."""
    labels: Mapping[str, str] = container.get("Labels") or {}
    age = time.time() - float(container.get("Created") or 0)
    return LABEL in labels and age > _ABANDONED


def run_command(client: DockerClient, command: Command, *, podman: bool) -> tuple[int, str]:
    """The exit code and the output; raises `EngineError`, also if it takes too long."""
    from docker.errors import DockerException

    api = cast(Any, client.api)
    with asking(f"the image {command.image} cannot be run"):
        identity = _created(api, command, podman)
        try:
            return _ran(api, identity, command)
        finally:
            with suppress(DockerException, OSError):  # what went wrong before must be told
                api.remove_container(identity, v=True, force=True)


def _created(api: Any, command: Command, podman: bool) -> str:
    host = api.create_host_config(
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        network_mode=None if command.network else "none",
        tmpfs=_TMPFS,
        log_config=_LOG,
        **({"ulimits": _PODMAN_LIMITS} if podman else {}),
    )
    created = api.create_container(
        command.image,
        entrypoint=list(command.words[:1]),
        command=list(command.words[1:]),
        name=f"penstock-{secrets.token_hex(6)}",
        user="10001:10001",
        stdin_open=command.stdin is not None,
        labels={LABEL: "check"},
        host_config=host,
        use_config_proxy=False,  # it may hold a password
    )
    return str(created["Id"])


def _ran(api: Any, identity: str, command: Command) -> tuple[int, str]:
    from requests.exceptions import ConnectionError as Broken
    from requests.exceptions import ReadTimeout

    end = time.monotonic() + command.seconds
    with _fed(api, identity, command.stdin):
        api.start(identity)
        try:
            code = int(api.wait(identity, timeout=max(1.0, end - time.monotonic()))["StatusCode"])
        except (ReadTimeout, Broken):
            if not _runs(api, identity):
                raise
            raise EngineError(
                f"{command.words[0]} in {command.image} did not end within "
                f"{command.seconds:g} seconds"
            ) from None
    output: bytes = api.logs(identity, stdout=True, stderr=True)
    return code, output[-_MOST_OUTPUT:].decode("utf-8", "replace")


@contextmanager
def _fed(api: Any, identity: str, stdin: bytes | None) -> Generator[None]:
    """Send the input of a container aside: one that does not read it ends all the same."""
    if stdin is None:
        yield
        return
    attached = api.attach_socket(identity, params={"stdin": 1, "stream": 1})
    socket: Any = getattr(attached, "_sock", attached)
    socket.settimeout(None)

    def send() -> None:
        with suppress(OSError):  # it ended without reading everything
            socket.sendall(stdin)
            socket.shutdown(SHUT_WR)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield
    finally:
        with suppress(OSError):
            socket.shutdown(SHUT_RDWR)
        thread.join()
        attached.close()
        socket.close()


def _runs(api: Any, identity: str) -> bool:
    return bool(api.inspect_container(identity)["State"]["Running"])
