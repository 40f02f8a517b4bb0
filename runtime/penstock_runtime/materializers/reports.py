"""Reports as HTML and as Markdown."""

from html import escape
from pathlib import Path
from typing import Any, ClassVar

from penstock_runtime.hints import Hint
from penstock_runtime.materializers.cells import shortened
from penstock_runtime.values import HTML, Markdown

_HEAD_TEXT = 2000


class HTMLReportMaterializer:
    """A page of HTML, as UTF-8. Its preview shows the source, never the page."""

    name: ClassVar[str] = "html"
    media: ClassVar[str] = "text/html; charset=utf-8"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and kind is HTML

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: HTML, path: Path) -> None:
        _write(value, path)

    def load(self, path: Path, hint: Hint) -> HTML:
        return HTML(_read(path))

    def preview(self, value: HTML) -> dict[str, Any]:
        return _preview("html", value)


class MarkdownReportMaterializer:
    """A page of Markdown, as UTF-8. Its preview shows the source, never the page."""

    name: ClassVar[str] = "markdown"
    media: ClassVar[str] = "text/markdown; charset=utf-8"
    unsafe: ClassVar[bool] = False

    def claims(self, kind: type, exact: bool) -> bool:
        return exact and kind is Markdown

    def handles(self, value: Any) -> bool:
        return True

    def save(self, value: Markdown, path: Path) -> None:
        _write(value, path)

    def load(self, path: Path, hint: Hint) -> Markdown:
        return Markdown(_read(path))

    def preview(self, value: Markdown) -> dict[str, Any]:
        return _preview("markdown", value)


def _write(text: str, path: Path) -> None:
    # A lone surrogate is no UTF-8, yet Python texts (file names) may hold one.
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


def _read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogatepass")


def _preview(kind: str, text: str) -> dict[str, Any]:
    """Escaped, so that even a reader that forgets to do so shows a text and runs nothing."""
    head = escape(shortened(text, _HEAD_TEXT))
    return {"kind": kind, "length": len(text), "head": head}
