"""Where in the user's source something happens, to the column, from the running frame."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import CodeType, FrameType

from penstock.diagnostics import Span
from penstock.dsl.headers import Header, read_header

_OURS = str(Path(__file__).resolve().parent.parent) + os.sep
Position = tuple[int | None, int | None, int | None, int | None]


def user_frame() -> FrameType:
    """The innermost frame that is not penstock's own."""
    frame: FrameType | None = sys._getframe(1)  # pyright: ignore[reportPrivateUsage] - the one way
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        frame = frame.f_back
    return frame or sys._getframe(1)  # pyright: ignore[reportPrivateUsage] - as above


def project_root(file: str) -> Path:
    """What paths are told from: the nearest folder with a pyproject.toml, else `import_root`."""
    start = import_root(file)
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file():
            return folder
    return start


def import_root(file: str) -> Path:
    """The first folder above the file that is no package: what must be on `sys.path`."""
    folder = Path(file).resolve().parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


class Places:
    """Turns frames and code into spans; remembers what it looked up for one trace."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, str] = {}
        # By id, beside the code that keeps the id: hashing a code object reads all its constants.
        self._positions: dict[int, tuple[CodeType, list[Position]]] = {}
        self._headers: dict[int, tuple[CodeType, Header]] = {}

    def here(self, frame: FrameType | None = None) -> Span:
        """The expression that the frame (by default the user's innermost) is evaluating."""
        # `f_lineno` is left alone: finding it reads the code's line table from the start.
        frame = frame or user_frame()
        return self.at(frame.f_code, frame.f_lasti)

    def at(self, code: CodeType, offset: int) -> Span:
        """The expression of the instruction; only the line where Python keeps no columns."""
        positions = self._positions_of(code)
        index = offset // 2
        start, end, col, end_col = (
            positions[index] if 0 <= index < len(positions) else (None, None, None, None)
        )
        file = self.file(code.co_filename)
        if start is None or end is None or col is None or end_col is None:
            line = start or code.co_firstlineno
            return Span(file, line, 0, line, 0)
        # Python counts columns in bytes from 0; people count from 1. The renderer has the text.
        return Span(file, start, col + 1, end, end_col + 1)

    def _positions_of(self, code: CodeType) -> list[Position]:
        found = self._positions.get(id(code))
        if found is None:
            # An instruction and the cache slots behind it share one position: keep it once.
            once: dict[Position, Position] = {}
            positions = [once.setdefault(one, one) for one in code.co_positions()]
            found = self._positions[id(code)] = (code, positions)
        return found[1]

    def header(self, code: CodeType) -> Header:
        """Where a function's name and parameters stand."""
        found = self._headers.get(id(code))
        if found is None:
            header = read_header(code, self.file(code.co_filename))
            found = self._headers[id(code)] = (code, header)
        return found[1]

    def definition(self, code: CodeType) -> Span:
        """The name of a function, where it is defined."""
        return self.header(code).name

    def file(self, path: str) -> str:
        """The path from the project's root, with `/`; the bare name outside of it."""
        name = self._names.get(path)
        if name is None:
            name = self._names[path] = self._relative(path)
        return name

    def _relative(self, path: str) -> str:
        if path.startswith("<"):
            return path
        full = Path(path).resolve()
        if full.is_relative_to(self._root):
            return full.relative_to(self._root).as_posix()
        return full.name
