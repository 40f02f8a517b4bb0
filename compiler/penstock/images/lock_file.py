"""Reads a lock file: exact versions with the digests of their files, and nothing else.

A person may edit it. What would let uv install something else than what is read here is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from penstock.images.requirement_errors import BadLock

_PIN = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*==\s*"
    r"(?P<version>[^\s;,*]+)(?P<rest>\s.*)?"
)
_DIGEST = re.compile(r"--hash[=\s](?P<digest>[a-z0-9]+:[0-9a-f]+)")
_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}


@dataclass(frozen=True)
class Pin:
    """One package of a lock: its normalised name, its version, and digests as `sha256:…`."""

    name: str
    version: str
    digests: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.name}=={self.version}", *(f"--hash={one}" for one in self.digests)]
        return " \\\n    ".join(lines)


def pins(text: str) -> Mapping[str, str]:
    """The version of each package of a lock file, by normalised name; or `BadLock`."""
    return {one.name: one.version for one in read_lock(text)}


def read_lock(text: str) -> tuple[Pin, ...]:
    """All packages of a lock file by name; or `BadLock`, which names the line."""
    found: dict[str, Pin] = {}
    for number, line in _lines(text):
        pin = _pin(number, line)
        if pin.name in found:
            raise BadLock(f"line {number} of the lock names {pin.name} again")
        found[pin.name] = pin
    return tuple(found[name] for name in sorted(found))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Each logical line with the number of its first one, without comments."""
    start, parts = 0, list[str]()
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#.*$", "", raw).strip()
        if not parts:
            start = number
        goes_on = line.endswith("\\")
        if line:
            parts.append(line.removesuffix("\\").strip())
        if not goes_on and parts:
            yield start, " ".join(parts).strip()
            parts = []
    if parts:
        raise BadLock(f"line {start} of the lock ends in the middle")


def _pin(number: int, line: str) -> Pin:
    found = _PIN.fullmatch(line)
    if found is None:
        said = line if len(line) <= 60 else f"{line[:60]}…"
        raise BadLock(f"line {number} of the lock is no `name==version --hash=sha256:…`: {said}")
    name, version = canonicalize_name(found["name"]), found["version"]
    rest = found["rest"] or ""
    try:
        Version(version)
    except InvalidVersion:
        raise BadLock(f"line {number} of the lock: {version!r} is no version") from None
    digests = [one["digest"] for one in _DIGEST.finditer(rest)]
    left = _DIGEST.sub("", rest).strip()
    if left:
        raise BadLock(
            f"line {number} of the lock: {left!r} has no place there; "
            "a lock is for one platform and one Python, and holds versions and digests only"
        )
    if not digests:
        raise BadLock(f"line {number} of the lock: {name} has no digest; renew the lock")
    for one in digests:
        kind, _, digits = one.partition(":")
        if len(digits) != _LENGTHS.get(kind):
            raise BadLock(f"line {number} of the lock: {one[:20]!r} is no SHA-256 digest")
    return Pin(name, version, tuple(sorted(set(digests))))
