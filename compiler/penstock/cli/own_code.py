"""Makes sure that a pipeline read from YAML runs only code of the project it lies in.

`module:qualname` in a document is an invitation to import anything. What is named must be a
function or class that a module of the project itself defines; this is found out by parsing the
module, so that nothing is imported on the way.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from penstock.cli.failures import Failure
from penstock.ir.nodes import PipelineIR

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def import_root(ir: PipelineIR, folder: Path) -> Path:
    """The folder that all of the pipeline's code is imported from; raises `Failure`."""
    reason = ""
    for root in _candidates(folder):
        wrong = next((text for one in ir.components if (text := _wrong(root, one.code))), None)
        if wrong is None:
            return root
        reason = reason or wrong
    raise Failure(f"{reason}; a pipeline's YAML runs only code of the project it is in")


def _candidates(folder: Path) -> Iterator[Path]:
    """The current folder, the document's own, and the project's around it."""
    roots = [Path.cwd().resolve(), folder.resolve()]
    for parent in folder.resolve().parents:
        if (parent / "pyproject.toml").is_file():
            roots += [parent, parent / "src"]
            break
    yield from dict.fromkeys(roots)


def _wrong(root: Path, code: str) -> str | None:
    module, _, qualname = code.partition(":")
    names = module.split(".")
    if names[0] in sys.stdlib_module_names or names[0].startswith("penstock"):
        return f"{code} is not code of the project"
    file = _module_file(root, names)
    if file is None:
        return f"there is no module {module!r} below {root}"
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError):
        return f"{file} cannot be read as Python"
    return None if _defines(tree.body, qualname.split(".")) else f"{file} defines no {qualname!r}"


def _module_file(root: Path, names: Sequence[str]) -> Path | None:
    if not all(name.isidentifier() for name in names):
        return None
    base = root.joinpath(*names)
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        # A link that leads out of the project is not code of the project.
        if file.is_file() and file.resolve().is_relative_to(root):
            return file
    return None


def _defines(body: Sequence[ast.stmt], names: Sequence[str]) -> bool:
    for one in body:
        if isinstance(one, _Definition):
            if one.name == names[0]:
                return len(names) == 1 or _defines(one.body, names[1:])
        elif isinstance(one, ast.If | ast.Try | ast.With):
            inside = [*one.body, *getattr(one, "orelse", [])]
            if _defines(inside, names):
                return True
    return False
