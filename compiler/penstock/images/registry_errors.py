"""What registries refuse, told with what to do about it."""

from __future__ import annotations

import re

_ADVICE: tuple[tuple[str, str], ...] = (
    (
        r"toomanyrequests|rate limit",
        "the registry {host} limits what may be pulled; `docker login {host}` raises the limit",
    ),
    (
        r"server gave HTTP response to HTTPS client",
        "the registry {host} speaks plain HTTP; add it to insecure-registries of the engine",
    ),
    (
        r"x509|certificate",
        "the engine does not trust the certificate of {host}; give its machine the CA as "
        "/etc/docker/certs.d/{host}/ca.crt",
    ),
    (
        r"pull access denied|repository does not exist",
        "{host} has no such image, or not for you: is its name right? "
        "else `docker login {host}` first",
    ),
    (
        r"unauthorized|authentication required|no basic auth|access denied|access to the resource "
        r"is denied|denied:|forbidden|\b401\b|\b403\b",
        "{host} refuses it: `docker login {host}` first, with an account that may do this",
    ),
    (r"manifest unknown|not found|no such image", "{host} has no such image; is its name right?"),
    (
        r"no such host|connection refused|i/o timeout|timeout|no route to host"
        r"|network is unreachable|connection reset|dial tcp",
        "the registry {host} cannot be reached",
    ),
)


def registry_of(reference: str) -> str:
    """The host of the registry that a reference belongs to."""
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return first
    return "docker.io"


def explained(message: str, reference: str) -> str:
    """What a registry said, with advice before it where there is one."""
    for pattern, advice in _ADVICE:
        if re.search(pattern, message, re.IGNORECASE):
            return f"{advice.format(host=registry_of(reference))} ({message})"
    return message
