"""Tables of Arrow as files, the same bytes for the same table.

The form is Arrow IPC with LZ4: it keeps every type, and is written and read several times as
fast as Parquet.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from penstock_runtime.materializers.libraries import library

MEDIA = "application/vnd.apache.arrow.file"
BATCH_ROWS = 1 << 16
"""How many rows are written together, however the table lies in memory."""

_PARQUET = b"PAR1"


def write_table(table: Any, path: Path, purpose: str) -> None:
    """Write a table of Arrow to a new file."""
    ipc = library("pyarrow.ipc", purpose)
    options = ipc.IpcWriteOptions(compression="lz4")
    with open(path, "xb") as stream, ipc.new_file(stream, table.schema, options=options) as out:
        if table.num_rows:
            out.write_table(_canonical(table), max_chunksize=BATCH_ROWS)
        else:  # no batch is written by itself, and so no dictionary of categories
            out.write_batch(_empty_batch(table))
    release_memory()


def read_table(path: Path, purpose: str) -> Any:
    """Read a table, all of it into memory: what follows no longer depends on the file."""
    with open(path, "rb") as stream:
        parquet = stream.read(len(_PARQUET)) == _PARQUET
    if parquet:  # as penstock wrote tables before
        return library("pyarrow.parquet", purpose).ParquetFile(path).read()
    arrow = library("pyarrow", purpose)
    release_memory()
    with arrow.OSFile(str(path)) as stream:
        table = library("pyarrow.ipc", purpose).open_file(stream).read_all()
    release_memory()
    return table


def release_memory() -> None:
    """Give back what Arrow has freed: by itself it keeps as much as its largest table needed."""
    library("pyarrow", "").default_memory_pool().release_unused()


def _empty_batch(table: Any) -> Any:
    arrow = library("pyarrow", "")
    columns = [
        column.chunk(0) if column.num_chunks else arrow.array([], column.type)
        for column in table.columns
    ]
    return arrow.RecordBatch.from_arrays(columns, schema=table.schema)


def _canonical(table: Any) -> Any:
    """The table in one piece, without what lies under its nulls and behind its last bit.

    Both depend on how a table was made, and are no part of its value.
    """
    arrow, compute = library("pyarrow", ""), library("pyarrow.compute", "")
    if any(column.num_chunks > 1 for column in table.columns):
        table = table.combine_chunks()
    rows = None
    for number, column in enumerate(table.columns):
        kind = column.type
        if not (column.null_count or arrow.types.is_boolean(kind) or arrow.types.is_nested(kind)):
            continue
        if rows is None:
            rows = _count_to(table.num_rows)
        with suppress(arrow.ArrowNotImplementedError):  # views of texts have no such function
            fresh = compute.take(column, rows, boundscheck=False)
            table = table.set_column(number, table.schema.field(number), fresh)
    return table


def _count_to(rows: int) -> Any:
    compute = library("pyarrow.compute", "")
    ones = library("pyarrow", "").repeat(1, rows)
    return compute.subtract(compute.cumulative_sum(ones), 1)
