"""Tables of Arrow as files, the same bytes for the same table.

The form is Arrow IPC with LZ4: it keeps every type, and is written and read several times as
fast as Parquet.
"""

from pathlib import Path
from typing import Any

from penstock_runtime.materializers.libraries import library

MEDIA = "application/vnd.apache.arrow.file"
BATCH_ROWS = 1 << 16
"""How many rows are written together, however the table lies in memory."""

_PARQUET = b"PAR1"
_BITS = (8, 16, 32, 64)


def write_table(table: Any, path: Path, purpose: str) -> None:
    """Write a table of Arrow to a new file."""
    ipc = library("pyarrow.ipc", purpose)
    options = ipc.IpcWriteOptions(compression="lz4")
    with open(path, "xb") as stream, ipc.new_file(stream, table.schema, options=options) as out:
        out.write_table(_canonical(table), max_chunksize=BATCH_ROWS)
    release_memory()


def read_table(path: Path, purpose: str) -> Any:
    """Read a table, all of it into memory: what follows no longer depends on the file."""
    with open(path, "rb") as stream:
        parquet = stream.read(len(_PARQUET)) == _PARQUET
    if parquet:  # as penstock wrote tables before
        return library("pyarrow.parquet", purpose).ParquetFile(path).read()
    release_memory()
    with library("pyarrow", purpose).OSFile(str(path)) as stream:
        table = library("pyarrow.ipc", purpose).open_file(stream).read_all()
    release_memory()
    return table


def release_memory() -> None:
    """Give back what Arrow has freed: by itself it keeps as much as its largest table needed."""
    library("pyarrow", "").default_memory_pool().release_unused()


def _canonical(table: Any) -> Any:
    """The table in one piece, with zeros where a value is missing.

    How a table is cut into chunks, and what lies under its nulls, depends on how it was made.
    """
    if any(column.num_chunks > 1 for column in table.columns):
        table = table.combine_chunks()
    for number, column in enumerate(table.columns):
        if column.null_count and column.num_chunks == 1:
            cleaned = _cleaned(column.chunk(0))
            if cleaned is not None:
                table = table.set_column(number, table.schema.field(number), cleaned)
    return table


def _cleaned(array: Any) -> Any:
    """A column of numbers or times with zeros under its nulls; None for other types."""
    arrow, compute = library("pyarrow", ""), library("pyarrow.compute", "")
    kind = array.type
    if not arrow.types.is_primitive(kind):
        return None
    bits = array if kind.bit_width not in _BITS else array.view(f"int{kind.bit_width}")
    if kind.bit_width not in _BITS and not arrow.types.is_boolean(kind):
        return None
    zero = arrow.scalar(0).cast(bits.type)
    values = compute.fill_null(bits, zero).buffers()[1]
    known = compute.is_valid(array).buffers()[1]
    return arrow.Array.from_buffers(kind, len(array), [known, values], array.null_count)
