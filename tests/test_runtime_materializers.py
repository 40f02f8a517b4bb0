"""Every materializer gives back what it got, and nothing unsafe is loaded unasked."""

import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runtime_fixtures.runtime_steps import Bomb

from penstock_runtime import Metrics
from penstock_runtime.artifacts import load_value, save_value
from penstock_runtime.errors import ArtifactCorrupt, StoreError, UntrustedArtifact
from penstock_runtime.local import LocalStore
from penstock_runtime.materializers import BUILT_IN, materializer_for_type, materializers_for
from penstock_runtime.materializers.codec import NotPlain, decode, encode
from penstock_runtime.parameters import same
from penstock_runtime.reference import FOLDER_MEDIA, ArtifactRef
from penstock_runtime.store import canonical_json

# Without stubs to check against, these two libraries are untyped here.
pd: Any = import_module("pandas")
LogisticRegression: Any = import_module("sklearn.linear_model").LogisticRegression


class Colour(Enum):
    RED = "red"


@dataclass
class Inner:
    values: list[float]
    colour: Colour | None = None


@dataclass(frozen=True)
class Outer:
    name: str
    inner: dict[str, Inner]
    pair: tuple[int, ...] = ()
    metrics: Metrics = field(default_factory=Metrics)
    anything: Any = None


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


Trip = Callable[..., tuple[ArtifactRef, Any]]


@pytest.fixture
def trip(store: LocalStore, tmp_path: Path) -> Trip:
    """Save a value and load it again."""
    numbers = iter(range(10**6))

    def run(value: object, hint: Any = Any, trusted: bool = False) -> tuple[ArtifactRef, Any]:
        with store.scratch() as scratch:
            ref = save_value(value, store, scratch / "value")
        assert store.has(ref.digest)
        path = tmp_path / f"copy{next(numbers)}"
        return ref, load_value(ref, hint, store, path, trusted=trusted)

    return run


@pytest.mark.parametrize(
    ("value", "name", "hint"),
    [
        (None, "json", Any),
        ([1, 2.5, "x", None, {"a": (1, {2, 3})}], "json", Any),
        ({1: "int key", (1, 2): math.inf}, "json", Any),
        ({"$set": [1]}, "json", Any),
        (3, "json", Any),
        (Metrics(auc=0.5, loss=math.inf), "metrics", Metrics),
        (b"\0\xff", "bytes", bytes),
        ("é\r\n\ud800", "text", str),
        (Outer("n", {"a": Inner([1.0, math.nan], Colour.RED)}, (1, 2)), "dataclass", Outer),
        (Outer("n", {}, metrics=Metrics(a=1)), "dataclass", Annotated[Outer | None, "x"]),
    ],
)
def test_round_trips(trip: Trip, value: object, name: str, hint: Any) -> None:
    ref, again = trip(value, hint)
    assert same(again, value) or again == value
    assert type(again) is type(value)
    assert (ref.materializer, ref.unsafe) == (name, False)
    assert ref.type == f"{type(value).__module__}:{type(value).__qualname__}"


FRAMES = [
    pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.to_datetime(["2026-01-01", None])}),
    pd.DataFrame({"a": [1.5, None]}, index=pd.Index(["r", "s"], name="key")),
    pd.DataFrame({"a": pd.Categorical(["x", "y", "x"])}).iloc[::2],
    pd.DataFrame({"a": [1]}, index=pd.MultiIndex.from_tuples([("x", 1)], names=["k", None])),
    pd.DataFrame({0: [1], 1: [2]}),
    pd.DataFrame(),
]


@pytest.mark.parametrize("frame", FRAMES)
def test_frames_keep_their_index_and_dtypes(trip: Trip, frame: Any) -> None:
    ref, again = trip(frame, pd.DataFrame)
    pd.testing.assert_frame_equal(again, frame)
    assert ref.materializer == "pandas"
    assert trip(frame)[0].digest == ref.digest, "same value, same bytes"
    assert ref.preview is not None


def test_a_frame_that_arrow_cannot_hold_is_pickled(trip: Trip) -> None:
    ref, again = trip(pd.DataFrame({"a": [1, "x", {2}]}), trusted=True)
    assert (ref.materializer, ref.unsafe) == ("pickle", True)
    assert again["a"].tolist() == [1, "x", {2}]


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1, 2], name="y", index=[5, 6]),
        pd.Series(["a", None], name=None),
        pd.Series([True], name="__index_level_0__"),
    ],
)
def test_series_keep_name_and_index(trip: Trip, series: Any) -> None:
    ref, again = trip(series, pd.Series)
    pd.testing.assert_series_equal(again, series)
    assert ref.materializer == "pandas-series"


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.asfortranarray(np.ones((2, 2), dtype="f4")),
        np.array(["x", "yy"]),
        np.array([], dtype="M8[s]"),
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
    ],
)
def test_arrays(trip: Trip, array: Any) -> None:
    ref, again = trip(array, np.ndarray)
    np.testing.assert_array_equal(again, array)
    assert again.dtype == array.dtype
    assert (ref.materializer, ref.unsafe) == ("numpy", False)


def test_what_a_safe_form_would_lose_is_pickled_and_says_so(trip: Trip) -> None:
    masked: Any = np.ma.MaskedArray([1, 2], mask=[True, False])
    odd = Outer("n", {}, anything=Inner([]))  # nothing says that `anything` was a dataclass
    for value in (np.array([object()]), masked, odd, Colour.RED):
        ref, again = trip(value, trusted=True)
        assert (ref.materializer, ref.unsafe) == ("pickle", True)
        assert type(again) is type(value)


def test_a_number_of_numpy_becomes_a_number(trip: Trip) -> None:
    ref, again = trip([np.float64(0.5), np.int32(2), np.bool_(False)])
    assert ref.materializer == "json"
    assert repr(again) == "[0.5, 2, False]"
    assert trip(np.float32(0.5))[1] == 0.5


def test_a_dataclass_needs_an_annotation(trip: Trip) -> None:
    with pytest.raises(TypeError, match="does not say which"):
        trip(Inner([1.0]))
    assert trip(Inner([1.0]), dict)[1] == {"values": [1.0], "colour": None}


def test_files_keep_their_name(trip: Trip, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b\n")
    ref, again = trip(tmp_path / "data.csv", Path)
    assert again.name == "data.csv"
    assert again.read_text() == "a,b\n"
    assert again != tmp_path / "data.csv"
    again.write_text("changed")
    assert trip(tmp_path / "data.csv", Path)[0] == ref
    with pytest.raises(FileNotFoundError):
        trip(tmp_path / "none")


def test_folders(trip: Trip, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "deep" / "er" / "x.bin").write_bytes(b"x" * 100)
    (folder / "run").write_text("#!")
    (folder / "run").chmod(0o755)
    (folder / "linked").symlink_to(folder / "run")
    ref, again = trip(folder, Path)
    assert ref.media == FOLDER_MEDIA
    found = sorted(p.relative_to(again).as_posix() for p in again.rglob("*"))
    assert found == ["deep", "deep/er", "deep/er/x.bin", "empty", "linked", "run"]
    assert os.access(again / "run", os.X_OK)
    assert not os.access(again / "deep" / "er" / "x.bin", os.X_OK)
    assert trip(folder, Path)[0].digest == ref.digest
    (folder / "loop").symlink_to(folder)
    with pytest.raises(StoreError, match="links to a folder"):
        trip(folder)


@pytest.mark.parametrize(
    "name", ["../x", "/etc/x", "a/../../x", "", ".", "a//b", "a\\..\\x", "a\0", "a\n", 7]
)
def test_a_hostile_manifest_writes_nothing_outside(
    store: LocalStore, tmp_path: Path, name: object
) -> None:
    blob = store.put_bytes(b"evil")
    entry = {"name": name, "digest": blob.digest, "size": blob.size}
    manifest = store.put_bytes(canonical_json({"format": 1, "files": [entry], "folders": []}))
    ref = ArtifactRef(*manifest, "pathlib:PosixPath", "path", FOLDER_MEDIA)
    (tmp_path / "in").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError):
        load_value(ref, Path, store, tmp_path / "in" / "copy")
    assert sorted(set(tmp_path.rglob("*")) - set(before)) in ([], [tmp_path / "in" / "copy"])


def test_pickles_need_trust_and_the_right_digest(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "exploded"
    monkeypatch.setenv("PENSTOCK_TEST_BOMB", str(mark))
    with store.scratch() as scratch:
        ref = save_value(Bomb(), store, scratch / "v")
    assert ref.materializer == "pickle"
    attempts = [
        (ref, False),
        (replace(ref, unsafe=False), True),
        *((replace(ref, materializer=m.name), True) for m in BUILT_IN if m.name != "path"),
        (replace(ref, materializer="none"), True),
    ]
    for number, (attempt, trusted) in enumerate(attempts):
        with pytest.raises(Exception) as caught:
            load_value(attempt, Any, store, tmp_path / f"c{number}", trusted=trusted)
            raise AssertionError(f"{attempt.materializer} loaded it")
        assert not isinstance(caught.value, AssertionError) or attempt.materializer == "bytes"
        assert not mark.exists()
    with pytest.raises(UntrustedArtifact):
        load_value(ref, Any, store, tmp_path / "u")
    blob = Path(store.url) / "cas/sha256" / ref.digest[7:9] / ref.digest[9:]
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    with pytest.raises(ArtifactCorrupt):
        load_value(ref, Any, store, tmp_path / "v", trusted=True)
    assert not mark.exists()


def test_previews_are_small_safe_facts(store: LocalStore) -> None:
    frame: Any = pd.DataFrame({"a": [1, 2, None], "b": ["x" * 500, "<script>", None]})
    preview = next(materializers_for(frame)).preview(frame)
    assert preview["rows"] == 3
    assert preview["schema"][0] == {
        "name": "a", "type": "float64", "nulls": 1, "min": 1.0, "max": 2.0, "mean": 1.5,
    }  # fmt: skip
    assert len(preview["head"][0][1]) == 80
    array = next(materializers_for(np.arange(4))).preview(np.arange(4))
    assert (array["shape"], array["mean"]) == ([4], 1.5)
    for value in (frame, frame["a"], np.array([math.nan]), [math.nan, object], {1}, b"x", "y"):
        canonical_json(next(materializers_for(value)).preview(value))


def test_a_small_json_value_is_its_own_preview(trip: Trip) -> None:
    assert trip([1])[0].preview is None
    assert trip(list(range(5000)))[0].preview is not None


@pytest.mark.parametrize(
    ("hint", "name"),
    [
        (pd.DataFrame, "pandas"), (pd.Series, "pandas-series"), (np.ndarray, "numpy"),
        (np.typing.NDArray[np.float64], "numpy"), (Path, "path"), (bytes, "bytes"),
        (Outer, "dataclass"),
        (Metrics, "metrics"), (LogisticRegression, "skops"), (pd.DataFrame | None, "pandas"),
        (Annotated[Path, "x"], "path"), (str, "text"), (None, "json"),
        (Any, None), (object, None), (list[pd.DataFrame], None), (dict, None), (bytes | str, None),
    ],
)  # fmt: skip
def test_the_materializer_of_a_type(hint: Any, name: str | None) -> None:
    assert materializer_for_type(hint) == name


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner)
    | st.dictionaries(st.integers() | st.text(), inner) | st.frozensets(st.integers() | st.text()),
    max_leaves=12,
)  # fmt: skip


@given(_PLAIN)
def test_the_codec_loses_nothing(value: object) -> None:
    text = canonical_json(encode(value))
    assert same(decode(json.loads(text)), value)
    assert canonical_json(encode(decode(json.loads(text)))) == text


def test_the_codec_refuses_what_has_no_json_form() -> None:
    deep: list[Any] = []
    deep.append(deep)
    for value in (object(), [object()], deep, Colour.RED, 1j):
        with pytest.raises(NotPlain):
            encode(value)
