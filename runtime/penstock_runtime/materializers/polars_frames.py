"""Tables and columns of polars, as Arrow IPC; polars writes and reads them itself."""

from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint, full_name
from penstock_runtime.materializers.arrow_files import BATCH_ROWS, MEDIA
from penstock_runtime.materializers.cells import HEAD_ROWS, MOST_COLUMNS, cell, cells
from penstock_runtime.materializers.libraries import library
from penstock_runtime.materializers.protocol import NotHeld

_PURPOSE = "a table of polars"


class PolarsFrameMaterializer:
    """A polars DataFrame, its schema included."""

    name: ClassVar[str] = "polars"
    media: ClassVar[str] = MEDIA
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and full_name(kind) == "polars.dataframe.frame.DataFrame"

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        _check_schema(value)
        with open(path, "xb") as stream:
            _write(value, stream)

    def load(self, path: Path, hint: Hint) -> Any:
        return _read(path.read_bytes())

    def preview(self, value: Any) -> dict[str, Any]:
        shown = value[:, :MOST_COLUMNS]
        return {
            "kind": "table",
            "rows": value.height,
            "columns": value.width,
            "schema": [_described(column) for column in shown.get_columns()],
            "head": [cells(row) for row in shown.head(HEAD_ROWS).iter_rows()],
        }


class PolarsSeriesMaterializer:
    """A polars Series, as a table of one column."""

    name: ClassVar[str] = "polars-series"
    media: ClassVar[str] = MEDIA
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and full_name(kind) == "polars.series.series.Series"

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        PolarsFrameMaterializer().save(value.to_frame(), path)

    def load(self, path: Path, hint: Hint) -> Any:
        return _read(path.read_bytes()).to_series()

    def preview(self, value: Any) -> dict[str, Any]:
        return {
            "kind": "column",
            "rows": len(value),
            "schema": [_described(value)],
            "head": [[item] for item in cells(value.head(HEAD_ROWS))],
        }


def _write(frame: Any, stream: Any) -> None:
    # The oldest form of texts holds nothing but the texts; the newest keeps what was cut away.
    oldest = library("polars", _PURPOSE).CompatLevel.oldest()
    _canonical(frame).write_ipc(
        stream, compression="lz4", compat_level=oldest, record_batch_size=BATCH_ROWS
    )


def _canonical(frame: Any) -> Any:
    """The frame in one piece, without what lies under its nulls and behind its last bit.

    Both depend on how a frame was made, and are no part of its value.
    """
    polars = library("polars", _PURPOSE)
    frame = frame.rechunk()
    rows = polars.int_range(frame.height, eager=True)
    fresh = [
        column.gather(rows)
        for column in frame.get_columns()
        if column.null_count() or column.dtype == polars.Boolean or column.dtype.is_nested()
    ]
    return frame.with_columns(fresh) if fresh else frame


def _read(data: bytes) -> Any:
    # From memory: polars would map a file, and what it holds might change later.
    return library("polars", _PURPOSE).read_ipc(BytesIO(data))


def _check_schema(frame: Any) -> None:
    """Only a trial tells what becomes of a type. Raises NotHeld."""
    stream = BytesIO()
    try:
        _write(frame.clear(), stream)
        again = _read(stream.getvalue()).schema
    except library("polars.exceptions", _PURPOSE).PolarsError as error:
        raise NotHeld(f"polars cannot write it: {error}") from error
    if again != frame.schema:
        raise NotHeld("Arrow IPC does not keep its schema")


def _described(column: Any) -> dict[str, Any]:
    found = {"name": column.name, "type": str(column.dtype), "nulls": column.null_count()}
    if column.dtype.is_numeric() and column.null_count() < len(column):
        found |= {key: cell(getattr(column, key)()) for key in ("min", "max", "mean")}
    return found
