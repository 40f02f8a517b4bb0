"""Types whose values certainly cannot be stored, found out from the class alone.

A step that promises such a value would fail after its work is done; the language asks here
before anything runs. What is not certain is left to the run.
"""

import copyreg
import typing
from collections.abc import Callable
from types import FunctionType
from typing import Any

from penstock_runtime.hints import Hint, class_name, full_name, is_union, origin_of, plain

_FILE = "an open file belongs to the process that opened it"
_HERE = "it exists in one process only"
_LAZY = "it is a plan, not yet a table"
_CONNECTION = "a connection belongs to the process that opened it"
_ONCE = "it can be gone through only once"

_KNOWN: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            *("collections.abc.Generator", "collections.abc.AsyncGenerator"),
            *("collections.abc.Iterator", "collections.abc.AsyncIterator"),
            *("builtins.generator", "builtins.async_generator"),
        ),
        (_ONCE, "return a list"),
    ),
    **dict.fromkeys(
        ("collections.abc.Awaitable", "builtins.coroutine", "asyncio.futures.Future"),
        (_HERE, "wait for it in the step and return its result"),
    ),
    **dict.fromkeys(
        ("io.IOBase", "_io._IOBase", "typing.IO", "tempfile._TemporaryFileWrapper"),
        (_FILE, "write the file, close it and return its `Path`"),
    ),
    **dict.fromkeys(
        (
            *("sqlite3.Connection", "sqlite3.Cursor", "sqlalchemy.engine.base.Connection"),
            *("sqlalchemy.engine.base.Engine", "sqlalchemy.orm.session.Session"),
            *("psycopg2.extensions.connection", "psycopg.BaseConnection", "socket.socket"),
            *("duckdb.duckdb.DuckDBPyConnection", "_duckdb.DuckDBPyConnection"),
            *("pyspark.sql.session.SparkSession",),
        ),
        (_CONNECTION, "open it in the step that uses it, and return what was read"),
    ),
    **dict.fromkeys(
        (
            *("threading.Thread", "threading.Event", "threading.Condition", "threading.Barrier"),
            *("threading.Semaphore", "_thread.lock", "_thread.RLock", "_thread._local"),
            *("multiprocessing.process.BaseProcess", "subprocess.Popen", "builtins.module"),
            *("concurrent.futures._base.Executor", "concurrent.futures._base.Future"),
            *("queue.Queue", "zipfile.ZipFile"),
            *("weakref.ReferenceType", "contextvars.Context", "contextvars.ContextVar"),
        ),
        (_HERE, "make it in the step that uses it"),
    ),
    **dict.fromkeys(
        ("polars.lazyframe.frame.LazyFrame", "polars.lazyframe.group_by.LazyGroupBy"),
        (_LAZY, "return `.collect()` of it, annotated `polars.DataFrame`"),
    ),
    "pyspark.sql.dataframe.DataFrame": (_LAZY, "return `.toPandas()` of it, or write files"),
    "dask.dataframe.dask_expr._collection.DataFrame": (_LAZY, "return `.compute()` of it"),
    "pyarrow.lib.RecordBatchReader": (_ONCE, "return `.read_all()` of it"),
    "h5py._hl.files.File": (_FILE, "write the file, close it and return its `Path`"),
}
_PICKLED_SPECIALLY = (
    *(
        "builtins.object",
        "builtins.type",
        "builtins.function",
        "builtins.builtin_function_or_method",
    ),
    *("_io.BytesIO", "_io.StringIO"),
)
_DATA = "return its data instead, as a dict or a dataclass"
_DEEPEST = 16


class Refusal(typing.NamedTuple):
    """Why values of a type cannot be stored, and what to do."""

    type: str
    reason: str
    hint: str


def refusal(hint: Hint, depth: int = _DEEPEST) -> Refusal | None:
    """Why no value of this annotation can be stored; None where one can, or where it is open."""
    hint = plain(hint)
    if depth == 0 or isinstance(hint, typing.TypeVar | str):
        return None
    if is_union(hint):
        # `X | None` means X; of several others one may do.
        found = [refusal(one, depth - 1) for one in typing.get_args(hint) if not _is_none(one)]
        return found[0] if found and None not in found else None
    origin = origin_of(hint)
    if origin in (list, dict, tuple, set, frozenset):
        inside = (refusal(one, depth - 1) for one in typing.get_args(hint) if one is not ...)
        return next((one for one in inside if one is not None), None)
    kind = hint if origin is None else origin
    return _of_class(kind) if isinstance(kind, type) else None


def known_refusal(kind: type) -> Refusal | None:
    """Why values of a class, or of a base of it, are of no use elsewhere, pickled or not."""
    if full_name(kind) in _PICKLED_SPECIALLY:
        return None
    for base in kind.__mro__:
        name = full_name(base)
        # What a class promises by an abstract base says nothing of how it can be stored.
        if name in _KNOWN and (base is kind or not name.startswith("collections.abc.")):
            return Refusal(kind.__qualname__, *_KNOWN[name])
    return None


def _of_class(kind: type) -> Refusal | None:
    found = known_refusal(kind) or _told_by_class(kind)
    return None if found is None or _has_materializer(kind) else found


def _told_by_class(kind: type) -> Refusal | None:
    if full_name(kind) in _PICKLED_SPECIALLY:
        return None
    if getattr(kind, "_is_protocol", False) or getattr(kind, "__abstractmethods__", None):
        return None  # its values are of other classes
    if "<locals>" in kind.__qualname__:
        return Refusal(
            kind.__qualname__.rpartition(".")[2],
            "its class is defined inside a function, where no other process finds it",
            "define the class at the top of a module",
        )
    if _refuses(kind) or _is_opaque(kind):
        return Refusal(kind.__qualname__, "its class refuses to be pickled", _DATA)
    return None


def _has_materializer(kind: type) -> bool:
    # Late: most steps return what needs no such question, and compiling shall stay quick.
    from penstock_runtime.materializers import LAST_RESORT, materializer_for_type

    return materializer_for_type(kind) != LAST_RESORT.name


def _is_none(hint: Hint) -> bool:
    return plain(hint) is type(None)


def _refuses(kind: type) -> bool:
    """Whether the class says no: with None in place of a method, or one that always raises."""
    if kind in copyreg.dispatch_table:
        return False
    for name in ("__reduce_ex__", "__reduce__", "__getstate__"):
        found: Any = getattr(kind, name, None)
        if found is None and hasattr(kind, name):
            return True
        if found is not getattr(object, name, None):
            return isinstance(found, FunctionType) and _only_raises(found)
    return False


def _only_raises(function: Callable[..., Any]) -> bool:
    import dis  # it is rare that a class has such a method

    return not any(
        one.opname.startswith(("RETURN_VALUE", "RETURN_CONST"))
        for one in dis.get_instructions(function)
    )


def _is_opaque(kind: Any) -> bool:
    """Whether a class of C keeps what Python cannot see, by the rule of `object.__reduce__`."""
    if kind in copyreg.dispatch_table:
        return False
    for name in ("__reduce__", "__reduce_ex__", "__getstate__"):
        if getattr(kind, name, None) is not getattr(object, name, None):
            return False
    if any(hasattr(kind, name) for name in ("__getnewargs__", "__getnewargs_ex__")):
        return False
    if issubclass(kind, list | dict):
        return False
    pointer = tuple.__itemsize__
    fields = _slots(kind) + (kind.__dictoffset__ != 0) + (kind.__weakrefoffset__ > 0)
    return bool(kind.__basicsize__ > object.__basicsize__ + pointer * fields)


def _slots(kind: type[object]) -> int:
    members: list[object] = []
    for base in kind.__mro__:
        members += vars(base).values()
    return sum(class_name(one) == "builtins.member_descriptor" for one in members)
