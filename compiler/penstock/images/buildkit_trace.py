"""Decodes BuildKit's account of a build, which is a protocol buffer.

Of its message `StatusResponse` these fields are read: 1 vertexes (1 digest, 3 name, 4 cached,
5 started, 7 error) and 3 logs (1 vertex, 4 text).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_MOST_BITS = 70
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class TraceError(ValueError):
    """The bytes are no trace."""


@dataclass(frozen=True)
class Vertex:
    """A part of the build."""

    digest: str
    name: str = ""
    cached: bool = False
    started: bool = False
    error: str = ""


@dataclass(frozen=True)
class Log:
    """What a part of the build wrote."""

    vertex: str
    text: bytes


def decoded(trace: bytes) -> Iterator[Vertex | Log]:
    """What a trace tells, in its order; raises `TraceError`."""
    for field, value in _fields(trace):
        if isinstance(value, bytes):
            if field == 1:
                yield _vertex(value)
            elif field == 3:
                yield _log(value)


def _vertex(message: bytes) -> Vertex:
    found = dict(_fields(message))
    return Vertex(
        digest=_text(found.get(1)),
        name=_text(found.get(3)),
        cached=bool(found.get(4)),
        started=5 in found,
        error=_text(found.get(7)),
    )


def _log(message: bytes) -> Log:
    found = dict(_fields(message))
    text = found.get(4, b"")
    return Log(_text(found.get(1)), text if isinstance(text, bytes) else b"")


def _text(value: int | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else ""


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _number(message, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _number(message, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise TraceError(f"there is no kind of field {kind}")
        if at + size > len(message):
            raise TraceError("a field ends after its message")
        yield key >> 3, message[at : at + size]
        at += size


def _number(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, _MOST_BITS, 7):
        if at >= len(message):
            raise TraceError("a number ends after its message")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise TraceError("a number is too long")
