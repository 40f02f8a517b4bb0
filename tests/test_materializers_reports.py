"""Pictures and pages come back as they were; their previews run nothing."""

from __future__ import annotations

import struct
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import pytest
from stored_values import figure
from trips import Trips

import penstock
from penstock_runtime import HTML, Markdown
from penstock_runtime.errors import LibraryMissing

# matplotlib is mostly untyped.
np: Any = import_module("numpy")
Figure: Any = import_module("matplotlib.figure").Figure
imread: Any = import_module("matplotlib.image").imread

HOSTILE = "<script>alert(1)</script>\r\n& é \ud800" + "x" * 5000


@pytest.fixture
def trips(tmp_path: Path) -> Trips:
    return Trips(tmp_path)


def test_the_front_door_has_them() -> None:
    assert (penstock.HTML, penstock.Markdown) == (HTML, Markdown)
    assert isinstance(HTML("x"), str)


@pytest.mark.parametrize(("kind", "name"), [(HTML, "html"), (Markdown, "markdown")])
def test_a_report(trips: Trips, kind: type[str], name: str) -> None:
    for hint in (kind, str, Any):
        ref, again = trips.there_and_back(kind(HOSTILE), hint)
        assert (type(again), again) == (kind, HOSTILE)
    assert (ref.materializer, ref.unsafe) == (name, False)
    assert ref.media == f"text/{name}; charset=utf-8"
    assert trips.blob(ref).read_bytes().startswith(b"<script>"), "the file is the page itself"
    shown = trips.preview(ref)
    assert (shown["kind"], shown["length"]) == (name, len(HOSTILE))
    assert "<" not in shown["head"]
    assert len(shown["head"]) < 3000
    assert trips.save(kind("short")).preview is not None, "a page is never its own preview"


def test_a_figure_is_a_picture(trips: Trips, tmp_path: Path) -> None:
    ref, data = trips.there_and_back(figure(), bytes)
    assert (ref.materializer, ref.unsafe, ref.media) == ("figure", False, "image/png")
    assert data.startswith(b"\x89PNG")
    assert b"matplotlib" not in data.lower()
    file = trips.load(ref, Path)
    assert (file.suffix, file.read_bytes()) == (".png", data)
    file.write_bytes(b"a copy of its own")
    assert trips.load(ref, bytes) == data
    shown = trips.preview(ref)
    assert (shown["width"], shown["height"]) == struct.unpack(">II", data[16:24])
    assert shown["titles"] == ["A <title>"]


@pytest.mark.parametrize("dpi", [100, 72, 144])
@pytest.mark.parametrize(
    ("colour", "apart"),
    # Drawing what is half transparent a second time rounds a second time.
    [("white", 0), ("none", 0), ((0.2, 0.4, 0.6, 0.5), 1 / 254)],
)
def test_a_loaded_figure_shows_the_same_pixels(
    trips: Trips, dpi: int, colour: Any, apart: float
) -> None:
    made = figure()
    made.set_dpi(dpi)
    made.set_facecolor(colour)
    ref, again = trips.there_and_back(made, Figure)
    assert type(again) is Figure
    second = trips.save(again)
    pixels = [imread(trips.blob(one)) for one in (ref, second)]
    np.testing.assert_allclose(*pixels, rtol=0, atol=apart)


def test_without_matplotlib_the_bytes_are_still_there(
    trips: Trips, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = trips.save(figure())
    for name in ("matplotlib", "matplotlib.image", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, name, cast(Any, None))
    assert trips.load(ref, bytes)[:4] == b"\x89PNG"
    with pytest.raises(LibraryMissing, match="a figure of matplotlib needs"):
        trips.load(ref)
