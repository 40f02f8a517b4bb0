"""Tables and columns of pandas, as Parquet."""

from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint
from penstock_runtime.materializers.cells import cell, cells
from penstock_runtime.materializers.protocol import full_name

# pandas moved its classes' home from pandas.core to pandas in version 3.
_FRAMES = ("pandas.DataFrame", "pandas.core.frame.DataFrame")
_SERIES = ("pandas.Series", "pandas.core.series.Series")
_COLUMN = "__series__"
_HEAD_ROWS, _MOST_COLUMNS = 5, 200


class FrameMaterializer:
    """A pandas DataFrame, its index and its dtypes included."""

    name: ClassVar[str] = "pandas"
    media: ClassVar[str] = "application/vnd.apache.parquet"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        # A subclass (geopandas) keeps more than Parquet would: it needs its own materializer.
        return exact and full_name(kind) in _FRAMES

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        value.to_parquet(path, engine="pyarrow", compression="zstd")

    def load(self, path: Path, hint: Hint) -> Any:
        return import_module("pandas").read_parquet(path, engine="pyarrow")

    def preview(self, value: Any) -> dict[str, Any]:
        columns = [value.iloc[:, i] for i in range(min(value.shape[1], _MOST_COLUMNS))]
        head = value.iloc[:_HEAD_ROWS, :_MOST_COLUMNS]
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
    media: ClassVar[str] = "application/vnd.apache.parquet"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and full_name(kind) in _SERIES

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        if value.name is not None and not isinstance(value.name, str):
            raise TypeError(f"the name of the Series must be a str, not {value.name!r}")
        frame = value.to_frame(_COLUMN if value.name is None else value.name)
        frame.to_parquet(path, engine="pyarrow", compression="zstd")

    def load(self, path: Path, hint: Hint) -> Any:
        frame = import_module("pandas").read_parquet(path, engine="pyarrow")
        series = frame.iloc[:, 0]
        return series.rename(None) if series.name == _COLUMN else series

    def preview(self, value: Any) -> dict[str, Any]:
        return {
            "kind": "column",
            "rows": len(value),
            "schema": [_described(value)],
            "head": [[item] for item in cells(value.iloc[:_HEAD_ROWS])],
        }


def _described(column: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": str(column.name),
        "type": str(column.dtype),
        "nulls": int(column.isna().sum()),
    }
    if getattr(column.dtype, "kind", "") in "iuf" and column.notna().any():
        found |= {key: cell(getattr(column, key)()) for key in ("min", "max", "mean")}
    return found
