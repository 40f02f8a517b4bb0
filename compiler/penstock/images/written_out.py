"""Writes what a notebook defines as a module, which can be imported where a step runs.

Imports, functions and classes go over, and the assignments that they need; what only looks at
data or draws stays in the notebook. Source: the notebook format, version 4,
https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from penstock.images.actions import root

_LARGEST = 64 << 20
_MAGIC = ("%", "!", "?")
_PLAIN_CELLS = ("%%time", "%%timeit", "%%capture")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_WORD = re.compile(r"[A-Za-z_]\w*")
_HEAD = "# Written out from {name} by penstock; edit the notebook.\n"


class NotANotebook(ValueError):
    """The file is no notebook that can be written out; the message is one sentence."""


class _Cell(BaseModel):
    model_config = ConfigDict(extra="ignore")
    cell_type: str
    source: str | list[str] = ""


class _Notebook(BaseModel):
    model_config = ConfigDict(extra="ignore")
    nbformat: Literal[4]
    cells: Annotated[list[_Cell], Field(max_length=100_000)]


def write_out(notebook: Path) -> Path:
    """Writes `churn.ipynb` as `churn.py` beside it, if that is needed; the module's file.

    Raises `NotANotebook`, also where another `churn.py` is in the way, and OSError.
    """
    target = notebook.with_suffix(".py")
    head = _HEAD.format(name=notebook.name)
    text = head + "\n" + module_text(_cells(notebook), notebook.name)
    before = target.read_text(encoding="utf-8", errors="replace") if target.exists() else None
    if before is not None and not before.startswith(head):
        raise NotANotebook(f"{target} is not written out from {notebook.name}; rename one of them")
    if before != text:
        target.write_text(text, encoding="utf-8")
    return target


def module_text(cells: list[str], name: str) -> str:
    """The module that the cells define, in their order; raises `NotANotebook`."""
    text = "\n\n".join(_without_magics(one) for one in cells)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError) as error:
        where = _line(error, text)
        raise NotANotebook(f"{name} cannot be read as Python: {error.args[0]}: {where}") from None
    needed = _needed(tree.body)
    lines = text.splitlines()
    parts: list[str] = []
    for node in needed:
        start = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        space = "\n\n" if isinstance(node, _DEFINITIONS) else ""
        parts.append(space + "\n".join(lines[start - 1 : node.end_lineno]))
    return "\n".join(parts).lstrip("\n") + "\n"


def _line(error: BaseException, text: str) -> str:
    line = getattr(error, "lineno", None)
    lines = text.splitlines()
    return lines[line - 1].strip() if isinstance(line, int) and 0 < line <= len(lines) else ""


def _needed(body: list[ast.stmt]) -> list[ast.stmt]:
    """Imports, functions, classes, and what binds the names that they use."""
    chosen = [isinstance(one, (*_DEFINITIONS, ast.Import, ast.ImportFrom)) for one in body]
    wanted = {name for one, kept in zip(body, chosen, strict=True) if kept for name in _used(one)}
    grown = True
    while grown:
        grown = False
        for place, one in enumerate(body):
            if not chosen[place] and not wanted.isdisjoint(_bound(one)):
                chosen[place] = grown = True
                wanted |= _used(one)
    return [one for one, kept in zip(body, chosen, strict=True) if kept]


def _used(node: ast.AST) -> set[str]:
    """Every name in it, those in types that are written as text included."""
    names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    texts = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
    return names | {one for text in texts if isinstance(text, str) for one in _WORD.findall(text)}


def _bound(node: ast.stmt) -> set[str]:
    """The names that a statement makes or changes: `a`, also for `a.x = 1` and `a[0] = 1`."""
    found: set[str] = set()
    for one in ast.walk(node):
        match one:
            case ast.Name(ctx=ast.Store()) | ast.Attribute(ctx=ast.Store()):
                found.add(root(one))
            case ast.Subscript(ctx=ast.Store()):
                found.add(root(one))
            case _:
                pass
    return found


def _cells(file: Path) -> list[str]:
    if file.stat().st_size > _LARGEST:
        raise NotANotebook(f"{file} is larger than 64 MiB; clear its outputs")
    try:
        found = _Notebook.model_validate(json.loads(file.read_bytes()))
    except (ValueError, ValidationError, RecursionError):
        raise NotANotebook(f"{file} is no notebook of format 4") from None
    return [
        one.source if isinstance(one.source, str) else "".join(one.source)
        for one in found.cells
        if one.cell_type == "code"
    ]


def _without_magics(cell: str) -> str:
    """The Python of a cell; lines for the notebook itself become comments."""
    first = cell.lstrip().splitlines()[:1]
    if first and first[0].startswith("%%") and not first[0].startswith(_PLAIN_CELLS):
        return ""
    lines: list[str] = []
    for line in cell.splitlines():
        bare = line.lstrip()
        is_magic = bare.startswith(_MAGIC) or bare.rstrip().endswith("?")
        indent = line[: len(line) - len(bare)]
        lines.append(f"{indent}pass  # {bare}" if is_magic and indent else line)
        if is_magic and not indent:
            lines[-1] = f"# {bare}"
    return "\n".join(lines)
