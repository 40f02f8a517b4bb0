"""Figures of matplotlib, as PNG pictures."""

from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint, asks_for, full_name
from penstock_runtime.materializers.libraries import library

_PURPOSE = "a figure of matplotlib"
_DPI = 100.0


class FigureMaterializer:
    """A figure as a picture: its consumer gets a new Figure that shows it, the bytes or a Path."""

    name: ClassVar[str] = "figure"
    media: ClassVar[str] = "image/png"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return full_name(kind) == "matplotlib.figure.Figure"

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Any, path: Path) -> None:
        with open(path, "xb") as stream:
            _draw(value, stream)

    def load(self, path: Path, hint: Hint) -> Any:
        if asks_for(hint, bytes):
            return path.read_bytes()
        if asks_for(hint, Path):
            return path
        pixels = library("matplotlib.image", _PURPOSE).imread(BytesIO(path.read_bytes()))
        height, width = pixels.shape[:2]
        figure = library("matplotlib.figure", _PURPOSE).Figure(
            figsize=(width / _DPI, height / _DPI), dpi=_DPI, frameon=False
        )
        figure.figimage(pixels)
        return figure

    def preview(self, value: Any) -> dict[str, Any]:
        width, height = (int(length) for length in value.canvas.get_width_height())
        titles = [axes.get_title() for axes in value.axes]
        return {
            "kind": "picture",
            "media": self.media,
            "width": width,
            "height": height,
            "titles": [title for title in titles if title],
        }


def _draw(figure: Any, stream: Any) -> None:
    # Without the name and version of the program, which matplotlib writes by itself.
    figure.savefig(stream, format="png", dpi=figure.dpi, metadata={"Software": None})
