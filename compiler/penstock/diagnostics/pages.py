"""The documentation page of each code: `PSnnn.md` beside this file."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable


def _folder() -> Traversable:
    return files("penstock.diagnostics")


def page(code: str) -> str:
    """The page of a code as Markdown; raises `FileNotFoundError` if there is none."""
    return (_folder() / f"{code}.md").read_text(encoding="utf-8")


def titles() -> dict[str, str]:
    """The headline of every code, in order."""
    names = sorted(one.name for one in _folder().iterdir() if one.name.endswith(".md"))
    return {
        name.removesuffix(".md"): page(name.removesuffix(".md")).splitlines()[0].partition(": ")[2]
        for name in names
    }
