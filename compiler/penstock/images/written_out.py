"""Writes what a notebook defines as a module, which can be imported where a step runs.

Imports, functions and classes go over, and the assignments that they need; what only looks at
data or draws stays in the notebook. Source: the notebook format, version 4,
https://nbformat.readthedocs.io/en/latest/format_description.html
"""

from __future__ import annotations

import ast
import json
import keyword
import os
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from penstock.images.needed_statements import DEFINITIONS, needed
from penstock.images.notebook_cells import MARK, python_of

_LARGEST = 64 << 20
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
    if not notebook.stem.isidentifier() or keyword.iskeyword(notebook.stem):
        raise NotANotebook(
            f"{notebook.name} cannot be imported as a module; rename it to letters, digits and `_`"
        )
    target = notebook.with_suffix(".py")
    head = _HEAD.format(name=notebook.name)
    text = head + "\n" + module_text(_cells(notebook), notebook.name)
    before = target.read_text(encoding="utf-8", errors="replace") if target.exists() else None
    if before is not None and not before.startswith(head):
        raise NotANotebook(f"{target} is not written out from {notebook.name}; rename one of them")
    if before != text:
        _write(target, text)
    return target


def _write(file: Path, text: str) -> None:
    """All of it, or nothing."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, file)
    except OSError as error:
        raise NotANotebook(f"{file} cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)


def module_text(cells: list[str], name: str) -> str:
    """The module that the cells define, in their order; raises `NotANotebook`."""
    text = "\n\n".join(map(python_of, cells))
    try:
        tree = ast.parse(text)
        chosen = needed(tree.body)
    except (SyntaxError, ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, SyntaxError) else str(error)
        where = f": {_line(error, text)}" if isinstance(error, SyntaxError) else ""
        raise NotANotebook(f"{name} cannot be read as Python: {why}{where}") from None
    shared = _shared_lines(tree.body)
    lines = text.split("\n")
    parts: list[str] = []
    for node in chosen:
        _refuse_orders(node, name)
        space = "\n\n" if isinstance(node, DEFINITIONS) else ""
        first, last = _lines(node)
        if shared & {first, last}:
            parts.append(space + (ast.get_source_segment(text, node) or ast.unparse(node)))
        else:
            parts.append(space + "\n".join(lines[first - 1 : last]))
    return "\n".join(parts).lstrip("\n") + "\n"


def _lines(node: ast.stmt) -> tuple[int, int]:
    """Its first line, that of a decorator included, and its last one."""
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    return first, node.end_lineno or node.lineno


def _shared_lines(body: list[ast.stmt]) -> set[int]:
    """The lines on which one statement ends and another begins, as in `a = 1; b = 2`."""
    pairs = pairwise(body)
    return {_lines(one)[1] for one, after in pairs if _lines(one)[1] == _lines(after)[0]}


def _refuse_orders(node: ast.stmt, name: str) -> None:
    for one in ast.walk(node):
        match one:
            case ast.Call(func=ast.Name(id=called), args=[ast.Constant(value=str() as order)]) if (
                called == MARK
            ):
                raise NotANotebook(
                    f"{name}: steps need {order.strip()!r}, which only a notebook can run"
                )
            case _:
                pass


def _line(error: SyntaxError, text: str) -> str:
    lines = text.split("\n")
    line = error.lineno or 0
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""


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
