"""Tables and columns of pandas, as Arrow IPC."""

from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint, full_name
from penstock_runtime.materializers.arrow_files import MEDIA, read_table, write_table
from penstock_runtime.materializers.cells import HEAD_ROWS, MOST_COLUMNS, cell, cells
from penstock_runtime.materializers.codec import NotPlain, decode, encode
from penstock_runtime.materializers.frame_tables import frame_of, table_of, told_beside
from penstock_runtime.materializers.protocol import NotHeld

# pandas moved its classes' home from pandas.core to pandas in version 3.
_FRAMES = ("pandas.DataFrame", "pandas.core.frame.DataFrame")
_SERIES = ("pandas.Series", "pandas.core.series.Series")
_COLUMN = "__series__"
_PURPOSE = "a table of pandas"


class FrameMaterializer:
    """A pandas DataFrame, its index and its dtypes included."""

    name: ClassVar[str] = "pandas"
    media: ClassVar[str] = MEDIA
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        # A subclass (geopandas) keeps more than Arrow would: it needs its own materializer.
        return exact and full_name(kind) in _FRAMES

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        write_table(table_of(value, {}, _PURPOSE), path, _PURPOSE)

    def load(self, path: Path, hint: Hint) -> Any:
        return frame_of(read_table(path, _PURPOSE))

    def preview(self, value: Any) -> dict[str, Any]:
        columns = [value.iloc[:, i] for i in range(min(value.shape[1], MOST_COLUMNS))]
        head = value.iloc[:HEAD_ROWS, :MOST_COLUMNS]
        return {
            "kind": "table",
            "rows": int(value.shape[0]),
            "columns": int(value.shape[1]),
            "schema": [_described(column) for column in columns],
            "head": [cells(row) for row in head.itertuples(index=False, name=None)],
        }


class SeriesMaterializer:
    """A pandas Series, its index, dtype and name included."""

    name: ClassVar[str] = "pandas-series"
    media: ClassVar[str] = MEDIA
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and full_name(kind) in _SERIES

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        try:
            beside = {"name": encode(value.name)}
        except NotPlain as error:
            raise NotHeld(f"the name of the Series: {error}") from error
        write_table(table_of(value.to_frame(_COLUMN), beside, _PURPOSE), path, _PURPOSE)

    def load(self, path: Path, hint: Hint) -> Any:
        table = read_table(path, _PURPOSE)
        beside = told_beside(table)
        series = frame_of(table).iloc[:, 0]
        if "name" in beside:
            return series.rename(decode(beside["name"]))
        # As penstock wrote columns before.
        return series.rename(None) if series.name == _COLUMN else series

    def preview(self, value: Any) -> dict[str, Any]:
        return {
            "kind": "column",
            "rows": len(value),
            "schema": [_described(value)],
            "head": [[item] for item in cells(value.iloc[:HEAD_ROWS])],
        }


def _described(column: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": str(column.name),
        "type": str(column.dtype),
        "nulls": int(column.isna().sum()),
    }
    if getattr(column.dtype, "kind", "") in "iuf" and found["nulls"] < len(column):
        found |= {key: cell(getattr(column, key)()) for key in ("min", "max", "mean")}
    return found
