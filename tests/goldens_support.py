"""Golden files: the emitted text of pipelines, kept beside the tests and compared to the letter.

`PENSTOCK_UPDATE_GOLDENS=1 pytest tests/test_airflow_goldens.py` writes them anew; review the diff.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from penstock.dsl.pipelines import Pipeline
from penstock.ir.nodes import PipelineIR

TESTS = Path(__file__).resolve().parent
SOURCES = (TESTS / "golden_pipelines", TESTS.parent / "examples")
UPDATE = os.environ.get("PENSTOCK_UPDATE_GOLDENS") == "1"


def check_golden(path: Path, text: str) -> None:
    """Fails unless the file holds exactly this text; writes it when goldens are updated."""
    if UPDATE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        return
    if not path.exists():
        pytest.fail(f"{path.name} is not there; set PENSTOCK_UPDATE_GOLDENS=1 to write it")
    assert text == path.read_bytes().decode(), f"{path} differs; PENSTOCK_UPDATE_GOLDENS=1 updates"


@cache
def golden_pipelines() -> list[tuple[str, PipelineIR]]:
    """The pipelines of `golden_pipelines/` and `examples/`, traced, by name.

    Of several in one file the last counts: it is the one that nests the others.
    """
    found: list[tuple[str, PipelineIR]] = []
    for folder in SOURCES:
        for file in sorted(folder.glob("*.py")):
            module = load(file)
            everything: list[object] = list(vars(module).values())
            pipelines: list[Pipeline[..., object]] = [
                one for one in everything if isinstance(one, Pipeline)
            ]
            if pipelines:
                last: Pipeline[..., object] = pipelines[-1]
                found.append((file.stem, last.trace()))
    return found


def golden_source(name: str) -> Path:
    """The folder that the steps of a golden pipeline are imported from."""
    for folder in SOURCES:
        if (folder / f"{name}.py").exists():
            return folder
    raise FileNotFoundError(name)


def load(file: Path) -> ModuleType:
    """The module of a file under its bare name, as the runtime will import it."""
    with _importable(file.parent):
        known = sys.modules.pop(file.stem, None)
        try:
            spec = importlib.util.spec_from_file_location(file.stem, file)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[file.stem] = module
            spec.loader.exec_module(module)
            return module
        finally:
            # Annotations are resolved later, from the functions' own globals.
            del sys.modules[file.stem]
            if known is not None:
                sys.modules[file.stem] = known


@contextmanager
def _importable(folder: Path) -> Generator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
