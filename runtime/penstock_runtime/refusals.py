"""Types whose values are of no use in another process, known by name; no library is imported."""

import typing

from penstock_runtime.hints import full_name

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
PICKLED_SPECIALLY = (
    *(
        "builtins.object",
        "builtins.type",
        "builtins.function",
        "builtins.builtin_function_or_method",
    ),
    *("_io.BytesIO", "_io.StringIO"),
)


class Refusal(typing.NamedTuple):
    """Why values of a type cannot be stored, and what to do."""

    type: str
    reason: str
    hint: str


def known_refusal(kind: type) -> Refusal | None:
    """Why values of a class, or of a base of it, are of no use elsewhere, pickled or not."""
    if full_name(kind) in PICKLED_SPECIALLY:
        return None
    for base in kind.__mro__:
        name = full_name(base)
        # What a class promises by an abstract base says nothing of how it can be stored.
        if name in _KNOWN and (base is kind or not name.startswith("collections.abc.")):
            return Refusal(kind.__qualname__, *_KNOWN[name])
    return None
