"""Tables and record batches of pyarrow, as Arrow IPC."""

from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint, full_name
from penstock_runtime.materializers.arrow_files import MEDIA, read_table, write_table
from penstock_runtime.materializers.cells import HEAD_ROWS, MOST_COLUMNS, cell, cells
from penstock_runtime.materializers.libraries import library

_PURPOSE = "a table of Arrow"


class ArrowTableMaterializer:
    """A pyarrow Table, its schema and metadata included."""

    name: ClassVar[str] = "arrow"
    media: ClassVar[str] = MEDIA
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and full_name(kind) == "pyarrow.lib.Table"

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        write_table(value, path, _PURPOSE)

    def load(self, path: Path, hint: Hint) -> Any:
        return read_table(path, _PURPOSE)

    def preview(self, value: Any) -> dict[str, Any]:
        shown = value.select(list(range(min(value.num_columns, MOST_COLUMNS))))
        return {
            "kind": "table",
            "rows": value.num_rows,
            "columns": value.num_columns,
            "schema": [_described(*pair) for pair in zip(shown.schema, shown.columns, strict=True)],
            "head": _head(shown),
        }


class ArrowBatchMaterializer:
    """A pyarrow RecordBatch, as a table of one batch."""

    name: ClassVar[str] = "arrow-batch"
    media: ClassVar[str] = MEDIA
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and full_name(kind) == "pyarrow.lib.RecordBatch"

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        write_table(_table(value), path, _PURPOSE)

    def load(self, path: Path, hint: Hint) -> Any:
        table = read_table(path, _PURPOSE).combine_chunks()
        batches = table.to_batches()
        if batches:
            return batches[0]
        return library("pyarrow", _PURPOSE).RecordBatch.from_pylist([], schema=table.schema)

    def preview(self, value: Any) -> dict[str, Any]:
        return ArrowTableMaterializer().preview(_table(value))


def _table(batch: Any) -> Any:
    return library("pyarrow", _PURPOSE).Table.from_batches([batch])


def _head(table: Any) -> list[list[Any]]:
    columns = [column.slice(0, HEAD_ROWS).to_pylist() for column in table.columns]
    return [cells(row) for row in zip(*columns, strict=True)]


def _described(field: Any, column: Any) -> dict[str, Any]:
    types, compute = library("pyarrow.types", _PURPOSE), library("pyarrow.compute", _PURPOSE)
    found = {"name": field.name, "type": str(field.type), "nulls": int(column.null_count)}
    number = types.is_integer(field.type) or types.is_floating(field.type)
    if number and column.null_count < len(column):
        ends = compute.min_max(column).as_py()
        found |= {"min": cell(ends["min"]), "max": cell(ends["max"])}
        found["mean"] = cell(compute.mean(column).as_py())
    return found
