"""Models come back as they were; what could execute code is asked for, never fallen back to."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from datetime import datetime
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from stored_values import VALUES, Thresholds
from trips import Trips

from penstock_runtime.errors import LibraryMissing, UntrustedArtifact
from penstock_runtime.materializers.skops_file import canonical
from penstock_runtime.reference import ArtifactRef

# scikit-learn and skops are mostly untyped.
np: Any = import_module("numpy")
linear: Any = import_module("sklearn.linear_model")
sklearn_pipeline: Any = import_module("sklearn.pipeline")
skops: Any = import_module("skops.io")


@pytest.fixture
def trips(tmp_path: Path) -> Trips:
    return Trips(tmp_path)


# -- pydantic


class Colour(Enum):
    RED = "red"


class Part(BaseModel):
    at: datetime
    colour: Colour


class Whole(BaseModel):
    id: UUID
    price: Decimal
    parts: list[Part]
    raw: bytes = b"\xff"
    rates: dict[int, float] = {1: float("nan")}
    path: Path = Path("x")
    pair: tuple[int, str] = (1, "x")
    words: frozenset[str] = frozenset({"a", "b", "c"})
    renamed: int = Field(default=1, alias="other")


class Wider(Part):
    more: int = 1


class Secretive(BaseModel):
    shown: int
    _hidden: int = PrivateAttr(default=0)


class Doubling(BaseModel):
    """A model that does not take what it gives."""

    model_config = ConfigDict(extra="allow")
    x: int

    def __init__(self, **given: Any) -> None:
        super().__init__(**{name: value * 2 for name, value in given.items()})


def whole() -> Whole:
    part = Part(at=datetime(2026, 1, 1), colour=Colour.RED)
    return Whole(id=UUID(int=1), price=Decimal("1.50"), parts=[part])


def shown(value: BaseModel) -> tuple[type, str]:
    """A model as text; nan is not itself, and the order of a set is chance."""
    fields: list[Any] = [
        (name, sorted(cast(Any, one)) if isinstance(one, frozenset) else one) for name, one in value
    ]
    return type(value), repr(fields)


def test_a_model_of_pydantic(trips: Trips) -> None:
    ref, again = trips.there_and_back(whole(), Whole)
    assert (ref.materializer, ref.unsafe, ref.media) == ("pydantic", False, "application/json")
    assert type(again) is Whole
    assert shown(again) == shown(whole())
    assert trips.save(again).digest == ref.digest
    assert shown(trips.load(ref, Whole | None)) == shown(whole())
    assert trips.load(ref, dict)["price"] == "1.50"
    json.loads(trips.blob(ref).read_bytes())


def test_a_model_needs_its_own_class(trips: Trips) -> None:
    ref = trips.save(Wider(at=datetime(2026, 1, 1), colour=Colour.RED))
    with pytest.raises(TypeError, match="does not say which"):
        trips.load(ref)
    with pytest.raises(TypeError, match="is not a Part"):
        trips.load(ref, Part)
    with pytest.raises(ValueError, match="Whole"):
        trips.load(ref, Whole)


def test_what_json_would_lose_of_a_model_is_pickled(trips: Trips) -> None:
    secretive = Secretive(shown=1)
    secretive._hidden = 2  # pyright: ignore[reportPrivateUsage]  # that is the point
    wider = whole()
    wider.parts.append(Wider(at=datetime(2026, 1, 1), colour=Colour.RED))
    for value in (secretive, wider, Doubling(x=1)):
        ref, again = trips.there_and_back(value, type(value), trusted=True)
        assert (ref.materializer, ref.unsafe) == ("pickle", True)
        assert shown(again) == shown(value)


def test_a_large_model_is_shown_by_its_fields(trips: Trips) -> None:
    limits = {f"name {number}": 1.0 for number in range(2000)}
    shown = trips.preview(trips.save(Thresholds(names={"a"}, limits=limits)))
    assert (shown["type"], list(shown["fields"])) == ("Thresholds", ["names", "limits"])


# -- scikit-learn


def test_a_model_of_scikit_learn_needs_no_trust(trips: Trips) -> None:
    model = VALUES["linear"]()
    ref, again = trips.there_and_back(model, type(model))
    assert (ref.materializer, ref.unsafe) == ("skops", False)
    data = np.arange(12).reshape(4, 3)
    np.testing.assert_array_equal(again.predict_proba(data), model.predict_proba(data))
    assert again[-1].class_weight == {0: 1, 1: 2}
    assert trips.save(again).digest == ref.digest
    shown = trips.preview(ref)
    assert (shown["type"], shown["features"]) == ("sklearn.pipeline.Pipeline", 3)


def test_a_vectorizer_with_a_vocabulary(trips: Trips) -> None:
    model = VALUES["vectorizer"]()
    ref, again = trips.there_and_back(model)
    assert ref.materializer == "skops"
    assert again.vocabulary_ == model.vocabulary_
    texts = ["a dog, a cat"]
    np.testing.assert_array_equal(
        again.transform(texts).toarray(), model.transform(texts).toarray()
    )


def test_what_a_model_has_once_it_has_once(trips: Trips) -> None:
    """Names are given anew, and each object still has one."""
    model = linear.LogisticRegression()
    model.extra_ = [np.arange(3), {"b", "a"}, b"bytes"]
    model.same_ = model.extra_
    model.equal_ = [np.arange(3), {"a", "b"}, b"bytes"]
    ref, again = trips.there_and_back(model)
    assert ref.materializer == "skops"
    assert again.same_ is again.extra_
    assert again.equal_ is not again.extra_
    assert again.extra_[1:] == [{"a", "b"}, b"bytes"]


def test_a_canonical_file_is_one_that_skops_reads() -> None:
    model = VALUES["linear"]()
    first, second = (canonical(skops.dumps(model)) for _ in range(2))
    assert first == second == canonical(first)
    assert skops.get_untrusted_types(data=first) == []
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
        assert archive.namelist()[0] == "0.npy"


# A class of the user's, of which type checkers would only see an untyped base.
Mine: Any = type("Mine", (linear.LogisticRegression,), {"__module__": __name__})


def test_what_skops_does_not_trust_is_pickled_and_says_so(trips: Trips) -> None:
    composed = sklearn_pipeline.make_pipeline(Mine())
    for value in (VALUES["forest"](), Mine(C=2.0), composed):
        ref, again = trips.there_and_back(value, trusted=True)
        assert (ref.materializer, ref.unsafe) == ("pickle", True)
        assert repr(again) == repr(value)
        assert trips.preview(ref)["kind"] == "model"
        with pytest.raises(UntrustedArtifact):
            trips.load(ref)


def test_a_hostile_file_of_skops_is_refused(trips: Trips) -> None:
    """A file that asks for trust, though the record calls it safe."""
    blob = trips.store.put_bytes(skops.dumps(Mine()))
    ref = ArtifactRef(*blob, "sklearn:LogisticRegression", "skops", "application/vnd.skops+zip")
    with pytest.raises(Exception, match="Untrusted types"):
        trips.load(ref, trusted=True)


def test_without_skops_a_model_is_pickled(trips: Trips, monkeypatch: pytest.MonkeyPatch) -> None:
    model = linear.LogisticRegression()
    stored = trips.save(model)
    for name in ("skops", "skops.io"):
        monkeypatch.setitem(sys.modules, name, cast(Any, None))
    assert trips.save(model).materializer == "pickle"
    with pytest.raises(LibraryMissing, match="'skops'"):
        trips.load(stored)
