"""Gets the source lines that a diagnostic shows, if they are to be had."""

from __future__ import annotations

import io
import linecache
import re
import tokenize
from pathlib import Path

from penstock.diagnostics.model import Span


class Sources:
    """Reads source files below one folder, each once; a file outside of it is never opened."""

    def __init__(self, root: Path | None) -> None:
        self._root = root
        self._lines: dict[str, list[str]] = {}

    def line(self, file: str, number: int) -> str | None:
        """The line without its end, tabs as spaces; None where there is no source."""
        lines = self._lines.get(file)
        if lines is None:
            lines = self._lines[file] = self._read(file)
        if not 0 < number <= len(lines):
            return None
        return lines[number - 1].rstrip("\r\n").replace("\t", " ")

    def column(self, span: Span, column: int, line: int) -> int:
        """The 1-based column in characters; Python counts in bytes of UTF-8."""
        text = self.line(span.file, line)
        if text is None or text.isascii():
            return column
        return len(text.encode()[: column - 1].decode(errors="ignore")) + 1

    def _read(self, file: str) -> list[str]:
        if file.startswith("<"):
            return linecache.getlines(file)
        if self._root is None or Path(file).is_absolute() or ".." in Path(file).parts:
            return []
        root = self._root.resolve()
        try:
            path = (root / file).resolve()
            if not path.is_relative_to(root) or not path.is_file():
                return []
            if path.stat().st_size > _LARGEST:
                return []
            data = path.read_bytes()
            text = data.decode(_encoding(data), errors="replace")
        except (OSError, RuntimeError, ValueError, LookupError):
            return []
        return _LINE_END.split(text)


_LARGEST = 16 * 1024 * 1024
_LINE_END = re.compile("\r\n|\r|\n")


def _encoding(data: bytes) -> str:
    """The encoding that Python reads the file in: a mark or a comment on top may say so."""
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:
        return "utf-8"
