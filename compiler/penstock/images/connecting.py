"""Finds the engine: by DOCKER_HOST, by the docker client's context, else where it usually is."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from penstock.images.engine_errors import EngineError, one_line, reason, system_error

if TYPE_CHECKING:
    from docker import DockerClient

USUAL = "unix:///var/run/docker.sock"
_SECONDS = 60
"""How long an engine may take for an answer that should come at once."""


def connect() -> tuple[DockerClient, str]:
    """The engine and its address; raises `EngineError`."""
    try:
        import docker
    except ImportError:
        raise EngineError("images need the Docker SDK: `pip install 'penstock[docker]'`") from None
    from docker.errors import DockerException

    address, options = _address()
    try:
        _knock(address)
        if "DOCKER_HOST" in os.environ:
            client = docker.from_env(timeout=_SECONDS)
        else:
            client = docker.DockerClient(base_url=address, timeout=_SECONDS, **options)
    except (DockerException, OSError) as error:
        raise EngineError(_unreachable(address, error)) from None
    except ValueError as error:
        why = one_line(str(error))
        raise EngineError(f"the docker client's config.json cannot be used: {why}") from None
    return client, address


def _address() -> tuple[str, dict[str, Any]]:
    """Where the engine is, and what else is needed to reach it."""
    if host := os.environ.get("DOCKER_HOST"):
        return host, {}
    from docker.context import ContextAPI
    from docker.errors import DockerException

    name = os.environ.get("DOCKER_CONTEXT") or None
    try:
        found: Any = cast(Any, ContextAPI).get_context(name)
    except (DockerException, OSError, ValueError, KeyError) as error:
        raise EngineError(f"the docker context cannot be read: {one_line(str(error))}") from None
    if found is None:
        known = f"{name!r} " if name else ""
        raise EngineError(
            f"the docker context {known}does not exist; `docker context ls` shows those that do"
        )
    if found.name == "default":
        return USUAL, {}
    options = {"tls": found.TLSConfig} if found.TLSConfig is not None else {}
    return str(found.Host), options


def _knock(address: str) -> None:
    """Raise the OSError of a socket that cannot be used; the SDK would leave it open."""
    kind, _, path = address.partition("://")
    if kind == "unix":
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(_SECONDS)
            knocking.connect(path)


def _unreachable(address: str, error: Exception) -> str:
    match system_error(error):
        case PermissionError():
            return (
                f"you may not use the Docker engine at {address}: join its group "
                "(`sudo usermod -aG docker $USER`, then log in again)"
            )
        case FileNotFoundError() | ConnectionRefusedError():
            return f"no Docker engine answers at {address}: is it started?{_another()}"
        case found:
            why = reason(error) if found is None else found.strerror or str(found)
            return f"the Docker engine at {address} does not answer: {one_line(why)}"


def _another() -> str:
    """An engine of the user's own that could be meant."""
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if "DOCKER_HOST" in os.environ or not folder:
        return ""
    for name in ("docker.sock", "podman/podman.sock"):
        if (found := Path(folder, name)).is_socket():
            return f" (there is one at DOCKER_HOST=unix://{found})"
    return ""
