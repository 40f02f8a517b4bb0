"""Values of other people's libraries, each made in the same way every time.

As a program it stores them all and prints the digests as JSON, so that processes can be compared.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel

# What these libraries return is mostly untyped.
np: Any = import_module("numpy")
pd: Any = import_module("pandas")
pl: Any = import_module("polars")
pa: Any = import_module("pyarrow")


class Thresholds(BaseModel):
    names: set[str]
    limits: dict[str, float]


def frame() -> Any:
    """A frame with a column of every kind that pandas keeps in Arrow."""
    pair = {
        "floats": [1.5, None],
        "ints": [1, 2],
        "texts": ["x", None],
        "objects": pd.Series(["x", None], dtype=object),
        "nan_objects": pd.Series(["x", float("nan")], dtype=object),
        "bytes": pd.Series([b"x", None], dtype=object),
        "lists": pd.Series([[1, 2], None], dtype=object),
        "categories": pd.Categorical(["a", "b"], categories=["z", "a", "b"], ordered=True),
        "numbered": pd.Categorical([4, 3]),
        "times": pd.to_datetime(["2026-01-01", None]),
        "zoned": pd.to_datetime(["2026-01-01", None]).tz_localize("Europe/Paris"),
        "seconds": np.array(["2026-01-01", "2026-01-02"], dtype="M8[s]"),
        "spans": pd.to_timedelta([1, None], unit="s"),
        "periods": pd.period_range("2026-01", periods=2, freq="M"),
        "intervals": pd.interval_range(0, 2),
        "maybe_ints": pd.array([1, None], dtype="Int64"),
        "maybe_bools": pd.array([True, None], dtype="boolean"),
        "arrow": pd.array([1, None], dtype=pd.ArrowDtype(pa.int32())),
        "halves": np.array([0.5, 1], dtype="f2"),
    }
    return pd.DataFrame(pair)


def polars_frame() -> Any:
    """A frame with a column of every kind that polars has."""
    from datetime import date, datetime, time, timedelta
    from decimal import Decimal

    return pl.DataFrame(
        {
            "floats": [1.5, None, float("nan")],
            "ints": pl.Series([1, None, 3], dtype=pl.Int8),
            "texts": ["x", None, "yy" * 20],
            "bools": [True, None, False],
            "bytes": [b"x", None, b""],
            "dates": [date(2026, 1, 1), None, date(1969, 1, 1)],
            "moments": pl.Series(
                [datetime(2026, 1, 1), None, None], dtype=pl.Datetime("ns", "UTC")
            ),
            "times": [time(1, 2), None, None],
            "spans": [timedelta(1), None, None],
            "lists": [[1, 2], None, []],
            "structs": [{"a": 1}, {"a": None}, None],
            "categories": pl.Series(["b", "a", None], dtype=pl.Categorical),
            "enums": pl.Series(["b", "a", None], dtype=pl.Enum(["a", "b"])),
            "decimals": pl.Series([Decimal("1.50"), None, None], dtype=pl.Decimal(10, 2)),
            "arrays": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int64, 2)),
            "nothing": pl.Series([None, None, None], dtype=pl.Null),
        }
    )


def table() -> Any:
    """A table of Arrow in two pieces, with types that only Arrow has."""
    schema = pa.schema(
        [
            pa.field("seconds", pa.timestamp("s")),
            pa.field("words", pa.dictionary(pa.int16(), pa.string())),
            pa.field("views", pa.string_view()),
            pa.field("pairs", pa.map_(pa.string(), pa.int64())),
            pa.field("flags", pa.bool_(), metadata={"of": "whom"}),
        ],
        metadata={"made": "here"},
    )
    rows = [
        {"seconds": 0, "words": "b", "views": "x", "pairs": [("a", 1)], "flags": True},
        {"seconds": None, "words": None, "views": None, "pairs": None, "flags": None},
    ]
    return pa.concat_tables([pa.Table.from_pylist([row], schema=schema) for row in rows])


def _linear() -> Any:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3))
    model = import_module("sklearn.linear_model").LogisticRegression(class_weight={0: 1, 1: 2})
    scaler = import_module("sklearn.preprocessing").StandardScaler()
    return import_module("sklearn.pipeline").make_pipeline(scaler, model).fit(x, x[:, 0] > 0)


def _vectorizer() -> Any:
    module = import_module("sklearn.feature_extraction.text")
    return module.TfidfVectorizer(stop_words=["the", "a", "of"]).fit(["the cat", "a dog of mine"])


def _text_forest() -> Any:
    forest = import_module("sklearn.ensemble").RandomForestClassifier(3, random_state=0)
    texts = ["the cat", "a dog of mine"]
    return import_module("sklearn.pipeline").make_pipeline(_vectorizer(), forest).fit(texts, [0, 1])


def _forest() -> Any:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3))
    module = import_module("sklearn.ensemble")
    return module.RandomForestClassifier(3, random_state=0).fit(x, x[:, 0] > 0)


def figure() -> Any:
    """A figure that is drawn without any window."""
    made = import_module("matplotlib.figure").Figure(figsize=(3, 2))
    axes = made.subplots()
    axes.plot([1, 3, 2], label="y")
    axes.set_title("A <title>")
    axes.legend()
    return made


VALUES: dict[str, Callable[[], Any]] = {
    "frame": frame,
    "indexed": lambda: frame().set_index(["ints", "texts"])[["floats"]],
    "daily": lambda: pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2026", periods=2)),
    "long": lambda: pd.DataFrame({"a": np.arange(70_000) % 7, "b": ["x", "y"] * 35_000}),
    "odd_frame": lambda: pd.DataFrame([[1, "x"]], columns=["a", "a"]),
    "series": lambda: pd.Series(["x", None], name=("a", 1), dtype=object),
    "polars": polars_frame,
    "polars_series": lambda: pl.Series("s", ["x", None]),
    "table": table,
    "batch": lambda: pa.RecordBatch.from_pylist([{"a": 1}, {"a": None}]),
    "array": lambda: np.arange(6).reshape(2, 3),
    "model": lambda: Thresholds(names={"one", "two", "three"}, limits={"b": 1, "a": float("nan")}),
    "linear": _linear,
    "vectorizer": _vectorizer,
    "forest": _forest,
    "text_forest": _text_forest,
    "figure": figure,
}


def main() -> None:
    """Prints the digests of all values."""
    from trips import Trips

    with tempfile.TemporaryDirectory() as name:
        trips = Trips(Path(name))
        json.dump({key: trips.save(make()).digest for key, make in VALUES.items()}, sys.stdout)


if __name__ == "__main__":
    main()
