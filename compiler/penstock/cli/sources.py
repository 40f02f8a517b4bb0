"""Keeps what a command writes away from the files that the pipeline is written in."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from penstock.cli.failures import WrongUsage
from penstock.cli.targets import Target


def keep_sources(target: str, found: Target, output: Path, bundle: Iterable[str]) -> None:
    """Refuses to write over the pipeline itself; `hello.py` makes a `hello.py` for Airflow."""
    ir = found.ir
    spans = [ir.span, *(one.span for one in ir.steps), *(one.span for one in ir.components)]
    sources = {(found.root / span.file).resolve() for span in spans if span is not None}
    sources.add(Path(target).resolve())
    for name in bundle:
        if (output / name).resolve() in sources:
            raise WrongUsage(
                f"{output / name} is the pipeline itself; write to another folder, such as -o build"
            )
