"""What certainly cannot be stored is known from its class, and nothing else is refused."""

import array
import collections
import contextvars
import csv
import datetime
import decimal
import fractions
import functools
import hashlib
import io
import ipaddress
import itertools
import mmap
import pickle
import queue
import random
import re
import socket
import sqlite3
import ssl
import threading
import types
import typing
import uuid
import weakref
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Annotated, Any, NewType, Protocol, TextIO

import pytest

from penstock_runtime.artifacts import write_value
from penstock_runtime.materializers import LAST_RESORT, materializer_for_type
from penstock_runtime.unstorable import refusal

np: Any = import_module("numpy")
pd: Any = import_module("pandas")
pl: Any = import_module("polars")
pa: Any = import_module("pyarrow")
Forest: Any = import_module("sklearn.ensemble").RandomForestClassifier


class Plain:
    def __init__(self) -> None:
        self.x = 1


class Slotted:
    __slots__ = ("x", "y")


class Numbers(list[int]):
    """A subclass of a class of C."""


class Refusing:
    def __reduce__(self) -> Any:
        raise TypeError("not me")


class RefusingState:
    def __getstate__(self) -> Any:
        message = "nor me"
        raise TypeError(message)


class Off:
    __reduce_ex__ = None  # type: ignore[assignment]  # how a class says no


class Reduced(threading.local):
    """A class of C that knows how to be pickled all the same."""

    def __reduce__(self) -> Any:
        return (dict, ())


class Countdown(Iterator[int]):
    """An iterator whose state can be pickled."""

    def __next__(self) -> int:
        raise StopIteration


class Walks(Protocol):
    def walk(self) -> None: ...


@dataclass
class Point:
    x: int


Handle = NewType("Handle", socket.socket)

STORED: list[Any] = [
    *(Plain(), Slotted(), Numbers([1]), Point(1), Countdown(), Any, object, int, str),
    *(decimal.Decimal(1), fractions.Fraction(1), datetime.datetime(2026, 1, 1), uuid.UUID(int=1)),
    *(collections.deque([1]), collections.Counter("a"), collections.defaultdict(int)),
    *(collections.ChainMap({}), random.Random(1), array.array("i", [1]), re.compile("a")),
    *(itertools.count(), functools.partial(int), io.BytesIO(b"x"), io.StringIO("x"), 1j),
    *(range(3), slice(1), bytearray(b"x"), types.SimpleNamespace(a=1), ValueError("x"), len),
    *(ipaddress.ip_address("127.0.0.1"), datetime.UTC, decimal.Context()),
    *(np.random.default_rng(0), np.dtype("i4"), pd.Timestamp(0), pd.Index([1]), pl.col("x")),
    *(pa.schema([]), pa.array([1]), pa.py_buffer(b"x"), Forest()),
]

NOT_STORED: list[Callable[[], Any]] = [
    *(threading.Lock, threading.RLock, threading.Event, threading.Thread, threading.local),
    *(threading.Condition, queue.Queue, hashlib.sha256, zlib.compressobj, Refusing, RefusingState),
    *(Off, lambda: (i for i in [1]), lambda: io.FileIO(__file__), lambda: memoryview(b"")),
    *(
        lambda: sqlite3.connect(":memory:"),
        socket.socket,
        lambda: csv.reader([]),
        contextvars.Context,
    ),
    *(lambda: mmap.mmap(-1, 1), lambda: re.match("a", "a"), lambda: weakref.ref(Plain)),
    *(
        lambda: types,
        lambda: types.MappingProxyType({"a": 1}),
        ssl.create_default_context,
    ),
]


def closed(value: Any) -> Any:
    if hasattr(value, "close"):
        value.close()
    return value


@pytest.mark.parametrize("value", STORED, ids=lambda value: type(value).__name__)
def test_what_pickle_can_hold_is_not_refused(value: Any) -> None:
    if not isinstance(value, type) and value is not Any:
        pickle.dumps(value)
    assert refusal(value if isinstance(value, type) else type(value)) is None


@pytest.mark.parametrize("make", NOT_STORED)
def test_what_is_refused_really_cannot_be_stored(make: Callable[[], Any], tmp_path: Path) -> None:
    value = make()
    try:
        found = refusal(type(value))
        with pytest.raises((TypeError, pickle.PicklingError)):
            write_value(value, tmp_path / "value")
    finally:
        closed(value)
    assert found is not None
    assert found.hint
    assert materializer_for_type(type(value)) == LAST_RESORT.name


REFUSED: list[Any] = [
    *(Iterator[int], Generator[int, None, None], AsyncIterator[int], Awaitable[int]),
    *(TextIO, IO[bytes], io.TextIOWrapper, list[threading.Event], dict[str, socket.socket]),
    *(threading.Event | None, Annotated[socket.socket, "x"], Handle, tuple[int, socket.socket]),
    *(pl.LazyFrame, pa.RecordBatchReader, socket.socket | threading.Event),
]
LEFT_OPEN: list[Any] = [
    *(Iterable[int], Callable[[int], int], socket.socket | int, type[int], Walks, Any, None),
    *(list[Any], dict[str, list[int]], tuple[int, ...], typing.TypeVar("T"), "later", np.ndarray),
]


@pytest.mark.parametrize("hint", REFUSED, ids=str)
def test_an_annotation_is_refused(hint: Any) -> None:
    assert refusal(hint) is not None


@pytest.mark.parametrize("hint", LEFT_OPEN, ids=str)
def test_what_is_not_certain_is_left_open(hint: Any) -> None:
    assert refusal(hint) is None


def test_a_plan_of_polars_is_refused_with_what_to_write(tmp_path: Path) -> None:
    found = refusal(pl.LazyFrame)
    assert found is not None and ".collect()" in found.hint
    with pytest.raises(TypeError, match=r"\.collect\(\)"):
        write_value(pl.LazyFrame({"a": [1]}), tmp_path / "value")


def test_a_class_that_only_one_function_knows() -> None:
    class Local:
        pass

    @dataclass
    class LocalPoint:
        x: int

    found = refusal(Local)
    assert found is not None and found.type == "Local"
    assert refusal(LocalPoint) is None, "its fields are stored, and its consumer says the class"
