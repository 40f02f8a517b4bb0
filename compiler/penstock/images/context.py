"""What an engine is sent to build an image of, as one tar that every machine makes alike."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MODIFIED = 1_700_000_000
"""The time of every file; a fixed one, because a layer's digest holds it."""

_BLOCK = tarfile.BLOCKSIZE
_PIECE = 1 << 18


class ContextError(ValueError):
    """A context cannot be sent; the message is one sentence."""


@dataclass(frozen=True)
class File:
    """A file of a context: its bytes, or where they lie on this machine."""

    content: bytes | Path
    executable: bool = False


Context = Mapping[str, File]
"""Files by relative path, with "/"; the `Dockerfile` is among them."""


def packed(context: Context) -> io.BufferedReader:
    """A context as a tar that can be read several times, without a copy of it anywhere.

    The same files give the same bytes, in whatever order they come. Raises `ContextError`, when
    reading too: for a file that was written since `packed` was called.
    """
    return io.BufferedReader(_Packed(tuple(_segments(context))), _PIECE)


def context_digest(context: Context) -> str:
    """The digest of the very bytes that are sent; raises `ContextError`."""
    with packed(context) as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


@dataclass(frozen=True)
class _Piece:
    """Bytes that the tar holds as they are."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)


@dataclass(frozen=True)
class _Stored:
    """A file on this machine, as it was when the tar was begun."""

    path: Path
    size: int
    modified: int

    def opened(self) -> io.FileIO:
        try:
            return io.FileIO(self.path)
        except OSError as error:
            raise ContextError(f"{self.path} cannot be read: {error.strerror}") from None

    def check(self, file: io.FileIO) -> None:
        """Raise `ContextError` if the file was written meanwhile."""
        now = os.fstat(file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.size, self.modified):
            raise ContextError(f"{self.path} was written while it was being sent; build again")


_Segment = _Piece | _Stored


def _segments(context: Context) -> Iterator[_Segment]:
    total = 0
    for name, file in _entries(context):
        for one in _entry(name, file):
            total += one.size
            yield one
    # Two empty blocks end a tar.
    yield _Piece(bytes(2 * _BLOCK + -(total + 2 * _BLOCK) % tarfile.RECORDSIZE))


def _entries(context: Context) -> Iterator[tuple[str, File | None]]:
    """Every file, and every folder as None, each folder before what is in it."""
    entries: dict[str, File | None] = {}
    for name in sorted(context):
        parts = name.split("/")
        if not all(parts) or {".", ".."} & set(parts) or "\0" in name or not _is_unicode(name):
            raise ContextError(f"{name!r} is no path inside a context")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if entries.setdefault(folder, None) is not None:
                raise ContextError(f"{folder!r} is a file and a folder in one context")
        entries[name] = context[name]
    yield from sorted(entries.items(), key=lambda entry: entry[0].split("/"))


def _entry(name: str, file: File | None) -> Iterator[_Segment]:
    info = tarfile.TarInfo(name)
    info.mtime = MODIFIED
    if file is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
        yield _header(info)
        return
    info.mode = 0o755 if file.executable else 0o644
    content = _stored(file.content) if isinstance(file.content, Path) else _Piece(file.content)
    info.size = content.size
    yield _header(info)
    yield content
    yield _Piece(bytes(-content.size % _BLOCK))


def _header(info: tarfile.TarInfo) -> _Piece:
    return _Piece(info.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict"))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _stored(path: Path) -> _Stored:
    try:
        status = path.stat()
    except OSError as error:
        raise ContextError(f"{path} cannot be read: {error.strerror}") from None
    if not path.is_file():
        raise ContextError(f"{path} is no file")
    return _Stored(path, status.st_size, status.st_mtime_ns)


class _Packed(io.RawIOBase):
    """Reads segments one after another; at most one file is open."""

    def __init__(self, segments: tuple[_Segment, ...]) -> None:
        super().__init__()
        self._segments = segments
        self._size = sum(one.size for one in segments)
        self._at: int = 0
        self._next: int = 0
        self._inside: int = 0
        """How much of the segment has been read."""
        self._file: io.FileIO | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise ValueError(f"there is nothing at {start + offset}")
        self._leave()
        self._at = self._inside = start + offset
        self._next = 0
        for one in self._segments:
            if self._inside < one.size:
                break
            self._inside -= one.size
            self._next += 1
        return self._at

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        room = memoryview(buffer).cast("B")
        done = 0
        while done < len(room) and self._next < len(self._segments):
            one = self._segments[self._next]
            read = self._read(one, room[done : done + one.size - self._inside])
            done += read
            self._at += read
            self._inside += read
            if self._inside == one.size:
                self._leave()
                self._next += 1
                self._inside = 0
        return done

    def close(self) -> None:
        self._leave()
        super().close()

    def _read(self, segment: _Segment, room: memoryview) -> int:
        if isinstance(segment, _Piece):
            room[:] = segment.content[self._inside : self._inside + len(room)]
            return len(room)
        if self._file is None:
            self._file = segment.opened()
            segment.check(self._file)
            self._file.seek(self._inside)
        read: int = self._file.readinto(room)
        if not read and room:
            segment.check(self._file)
            raise ContextError(f"{segment.path} ended before it was sent; build again")
        if self._inside + read == segment.size:
            segment.check(self._file)
        return read

    def _leave(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
