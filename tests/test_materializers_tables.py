"""Tables of pandas, polars and Arrow come back as they were, in the same bytes, free to change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from stored_values import VALUES, frame, polars_frame, table
from trips import Trips

from penstock_runtime.artifacts import LARGEST_PREVIEW
from penstock_runtime.errors import LibraryMissing
from penstock_runtime.reference import ArtifactRef

# What these libraries return is mostly untyped.
np: Any = import_module("numpy")
pd: Any = import_module("pandas")
pl: Any = import_module("polars")
pl_testing: Any = import_module("polars.testing")
pa: Any = import_module("pyarrow")


@pytest.fixture
def trips(tmp_path: Path) -> Trips:
    return Trips(tmp_path)


FRAMES: dict[str, Callable[[], Any]] = {
    **{name: VALUES[name] for name in ("frame", "indexed", "daily", "long")},
    "row_labels": lambda: pd.DataFrame({"a": [1.5, None]}, index=pd.Index(["r", "s"], name="key")),
    "every_other": lambda: pd.DataFrame({"a": pd.Categorical(["x", "y", "x"])}).iloc[::2],
    "levels": lambda: frame().set_index(["zoned", "categories"])[["ints", "texts"]],
    "levels_above": lambda: pd.DataFrame(
        [[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["x", None])
    ),
    "numbered": lambda: pd.DataFrame({0: [1], 1: [2]}),
    "dated": lambda: pd.DataFrame([[1, 2]], columns=pd.to_datetime(["2026-01-01", "2026-02-03"])),
    "no_rows": lambda: frame().iloc[:0],
    "no_columns": lambda: pd.DataFrame(index=[3, 4]),
    "nothing": lambda: pd.DataFrame(),
    "hourly": lambda: pd.DataFrame({"a": [1, 2]}, index=pd.timedelta_range(0, periods=2, freq="h")),
    "dates": lambda: pd.DataFrame({"a": pd.Series([pd.Timestamp(0).date(), None], dtype=object)}),
    "only_missing": lambda: pd.DataFrame({"a": pd.Series([None, None], dtype=object)}),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_keep_their_index_and_dtypes(trips: Trips, name: str) -> None:
    value = FRAMES[name]()
    ref, again = trips.there_and_back(value, pd.DataFrame)
    pd.testing.assert_frame_equal(again, value, check_freq=True)
    assert (ref.materializer, ref.unsafe) == ("pandas", False)
    assert trips.save(again).digest == ref.digest, "same value, same bytes"


def test_missing_objects_stay_what_they_were(trips: Trips) -> None:
    _, again = trips.there_and_back(frame())
    assert again["objects"].tolist() == ["x", None]
    assert again["nan_objects"].tolist()[1] is not None
    assert again["lists"].tolist() == [[1, 2], None]


def test_notes_about_a_frame_are_kept(trips: Trips) -> None:
    value = pd.DataFrame({"a": [1]})
    value.attrs["source"] = {"year": 2026}
    assert trips.there_and_back(value)[1].attrs == {"source": {"year": 2026}}


ODD: dict[str, Callable[[], Any]] = {
    "twice": VALUES["odd_frame"],
    "mixed": lambda: pd.DataFrame({"a": [1, "x"]}),
    "sets": lambda: pd.DataFrame({"a": [{1}, {2}]}),
    "arrays": lambda: pd.DataFrame({"a": [np.arange(2), np.arange(3)]}),
    "structs": lambda: pd.DataFrame({"a": [{"x": 1}, {"y": 2}]}),
    "two_missing": lambda: pd.DataFrame({"a": pd.Series(["x", None, float("nan")], dtype=object)}),
    "complex": lambda: pd.DataFrame({"a": [1j]}),
    "sparse": lambda: pd.DataFrame({"a": pd.arrays.SparseArray([0, 1])}),
    "labels": lambda: pd.DataFrame([[1, 2]], columns=[1, "b"]),
    "index_name": lambda: pd.DataFrame({"a": [1]}, index=pd.Index([1], name=5)),
    "attrs": lambda: pd.DataFrame({"a": [1]}).pipe(_with_attrs),
}


def _with_attrs(value: Any) -> Any:
    value.attrs["seen"] = {1, 2}
    return value


@pytest.mark.parametrize("name", ODD)
@pytest.mark.filterwarnings("ignore:Could not serialize")  # pyarrow about attrs; we keep them
def test_what_arrow_would_lose_is_pickled_and_says_so(trips: Trips, name: str) -> None:
    value = ODD[name]()
    ref, again = trips.there_and_back(value, trusted=True)
    assert (ref.materializer, ref.unsafe) == ("pickle", True)
    pd.testing.assert_frame_equal(again, value)
    assert again.attrs == value.attrs


@pytest.mark.parametrize("rows", [2, 70_000])
def test_a_loaded_frame_is_free_to_be_changed(trips: Trips, rows: int) -> None:
    value = frame().iloc[[0, 1] * (rows // 2)].reset_index(drop=True)
    ref, again = trips.there_and_back(value)
    for name in again:
        again.loc[0, name] = value[name].iloc[1]
        again.iloc[1, again.columns.get_loc(name)] = value[name].iloc[0]
    again["ints"] += 1
    again["new"] = again["floats"] * 2
    del again["texts"]
    pd.testing.assert_frame_equal(trips.load(ref), value)  # verified, and unchanged


SERIES: dict[str, Callable[[], Any]] = {
    "named": lambda: pd.Series([1, 2], name="y", index=[5, 6]),
    "nameless": lambda: pd.Series(["a", None], name=None),
    "named_as_an_index": lambda: pd.Series([True], name="__index_level_0__"),
    "named_as_its_index": lambda: pd.Series([1], index=pd.Index([2], name="a"), name="a"),
    "tuple": VALUES["series"],
    "numbered": lambda: pd.Series([1], name=3),
    "daily": lambda: pd.Series([1, 2], index=pd.date_range("2026", periods=2)),
    "categories": lambda: pd.Series(pd.Categorical(["a"], categories=["b", "a"]), name="c"),
}


@pytest.mark.parametrize("name", SERIES)
def test_series_keep_name_and_index(trips: Trips, name: str) -> None:
    value = SERIES[name]()
    ref, again = trips.there_and_back(value, pd.Series)
    pd.testing.assert_series_equal(again, value)
    assert ref.materializer == "pandas-series"
    assert trips.save(again).digest == ref.digest


def test_tables_that_were_stored_as_parquet_are_still_read(trips: Trips, tmp_path: Path) -> None:
    """As penstock wrote them until now."""
    media = "application/vnd.apache.parquet"
    for number, (name, hint) in enumerate([("pandas", pd.DataFrame), ("pandas-series", pd.Series)]):
        value = pd.DataFrame({"__series__": [1, 2]}, index=pd.Index(["r", "s"]))
        path = tmp_path / f"{number}.parquet"
        value.to_parquet(path, compression="zstd")
        blob = trips.store.put_file(path)
        again = trips.load(ArtifactRef(*blob, "pandas:DataFrame", name, media), hint)
        if name == "pandas":
            pd.testing.assert_frame_equal(again, value)
        else:
            pd.testing.assert_series_equal(again, value["__series__"].rename(None))


def test_how_a_table_lies_in_memory_does_not_count(trips: Trips) -> None:
    column = pa.chunked_array([[1, None], [3]])
    whole = pa.table({"a": pa.array([1, None, 3])})
    assert trips.save(pa.table({"a": column})).digest == trips.save(whole).digest
    known, values = pa.array([1, None, 3]).buffers()[0], pa.array([1, 99, 3]).buffers()[1]
    rubbish = pa.Array.from_buffers(pa.int64(), 3, [known, values])
    hidden = pa.table({"a": rubbish})
    assert hidden == whole
    assert trips.save(hidden).digest == trips.save(whole).digest
    longer = pa.table({"a": pa.array([7, 1, None, 3, 8])})
    assert trips.save(longer.slice(1, 3)).digest == trips.save(whole).digest
    text = pd.DataFrame({"a": ["x", "yy"]})
    pieces = pd.concat([text.iloc[:1], text.iloc[1:]])
    assert trips.save(pieces).digest == trips.save(text).digest


def test_polars_frames(trips: Trips) -> None:
    ref, again = trips.there_and_back(polars_frame(), pl.DataFrame)
    pl_testing.assert_frame_equal(again, polars_frame())
    assert again.schema == polars_frame().schema
    assert (ref.materializer, ref.unsafe) == ("polars", False)
    assert trips.save(again).digest == ref.digest
    again[0, "ints"] = 9
    pl_testing.assert_frame_equal(trips.load(ref), polars_frame())
    pieces = pl.concat([polars_frame()[:1], polars_frame()[1:]], rechunk=False)
    assert pieces.n_chunks() > 1
    cut = pl.concat([polars_frame(), polars_frame()])[3:]
    for same in (pieces, cut):
        assert trips.save(same).digest == ref.digest, "how it lies in memory does not count"
    for empty in (pl.DataFrame(), polars_frame().clear()):
        pl_testing.assert_frame_equal(trips.there_and_back(empty)[1], empty)


def test_polars_series(trips: Trips) -> None:
    for value in (pl.Series("s", ["x", None]), pl.Series([1.5]), pl.Series("e", [], pl.Int8)):
        ref, again = trips.there_and_back(value, pl.Series)
        pl_testing.assert_series_equal(again, value)
        assert ref.materializer == "polars-series"


def test_arrow_tables(trips: Trips) -> None:
    ref, again = trips.there_and_back(table(), pa.Table)
    assert again.schema.equals(table().schema, check_metadata=True)
    assert again.to_pylist() == table().to_pylist()
    again.validate(full=True)
    assert (ref.materializer, ref.unsafe) == ("arrow", False)
    assert trips.save(again).digest == ref.digest
    for empty in (table().slice(0, 0), pa.table({}), pa.table({"a": pa.array([], pa.bool_())})):
        assert trips.there_and_back(empty)[1].equals(empty, check_metadata=True)


def test_arrow_batches(trips: Trips) -> None:
    large = pa.RecordBatch.from_pydict({"a": np.arange(70_000)})
    for batch in (large, large.slice(0, 0), VALUES["batch"]()):
        ref, again = trips.there_and_back(batch, pa.RecordBatch)
        assert again.equals(batch, check_metadata=True)
        assert ref.materializer == "arrow-batch"


def test_the_same_value_has_the_same_bytes_in_every_process() -> None:
    """Digests feed the cache. All kinds of values, not tables alone."""
    script = Path(__file__).with_name("stored_values.py")
    digests: list[dict[str, str]] = []
    for seed in ("1", "2"):
        surroundings = {"PYTHONHASHSEED": seed, "PADDING": "x" * int(seed) * 500}
        done = subprocess.run(
            [sys.executable, script],
            env=os.environ | surroundings,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.append(json.loads(done.stdout))
    assert list(digests[0]) == list(VALUES)
    assert digests[0] == digests[1]


def test_previews_show_schema_head_and_statistics(trips: Trips) -> None:
    value = pd.DataFrame({"a": [1, 2, None], "b": ["x" * 500, "<script>", None]})
    numbers = {"nulls": 1, "min": 1.0, "max": 2.0, "mean": 1.5}
    expected = {"pandas": "float64", "polars": "Float64", "arrow": "double"}
    values = (value, pl.from_pandas(value), pa.Table.from_pandas(value))
    for one, (name, kind) in zip(values, expected.items(), strict=True):
        ref = trips.save(one)
        assert ref.materializer == name
        shown = trips.preview(ref)
        assert (shown["kind"], shown["rows"], shown["columns"]) == ("table", 3, 2)
        assert shown["schema"][0] == {"name": "a", "type": kind, **numbers}
        assert len(shown["head"][0][1]) == 80
    shown = trips.preview(trips.save(value["a"]))
    assert (shown["kind"], shown["head"][0]) == ("column", [1.0])
    assert trips.preview(trips.save(pl.Series("a", [1, 2])))["schema"][0]["mean"] == 1.5
    assert trips.preview(trips.save(VALUES["batch"]()))["schema"][0]["nulls"] == 1


def test_the_preview_of_a_wide_table_is_small(trips: Trips) -> None:
    wide = {f"column {number}": ["x" * 1000] for number in range(2000)}
    for value in (pd.DataFrame(wide), pl.DataFrame(wide), pa.table(wide)):
        ref = trips.save(value)
        shown = trips.preview(ref)
        assert shown["columns"] == 2000
        assert len(shown["schema"]) == 200
        assert len(json.dumps(shown)) < LARGEST_PREVIEW


WITHOUT_PYARROW = """
import sys
sys.modules["pyarrow"] = None
import pandas as pd
from penstock import pipeline, step

@step
def load() -> pd.DataFrame:
    return pd.DataFrame({"a": [1]})

@pipeline
def p() -> None:
    load()
"""


def test_a_run_without_the_library_ends_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "p.py").write_text(WITHOUT_PYARROW)
    done = subprocess.run(
        [Path(sys.executable).parent / "penstock", "run", "p.py", "--executor", "inline"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        "output 'value' of step 'load' (DataFrame) cannot be stored: a table of pandas needs the "
        "package 'pyarrow', which is not installed here; add it to the step: requires=[\"pyarrow\"]"
    ) in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stdout + done.stderr


def test_a_missing_library_is_named(trips: Trips, monkeypatch: pytest.MonkeyPatch) -> None:
    value = pd.DataFrame({"a": [1]})
    ref = trips.save(value)
    for name in ("pyarrow", "pyarrow.ipc"):
        monkeypatch.setitem(sys.modules, name, None)
    for attempt in (lambda: trips.save(value), lambda: trips.load(ref)):
        with pytest.raises(LibraryMissing, match="a table of pandas needs the package 'pyarrow'"):
            attempt()
