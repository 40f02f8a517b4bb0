"""`penstock check SPEC.yaml --to BACKEND`: verifies a file of the target itself."""

from __future__ import annotations

from pathlib import Path

import click

from penstock.backend import Verifying
from penstock.cli.failures import FAILED, WrongUsage
from penstock.cli.loading import backend_of
from penstock.cli.output import Format, show

_SUFFIXES = (".yaml", ".yml", ".json")
_LARGEST = 64 * 1024 * 1024


def verified(target: str, backend: str, form: Format) -> int | None:
    """The exit code for a file of the target; None for a pipeline of penstock."""
    if not target.lower().endswith(_SUFFIXES):
        return None
    port, file = backend_of(backend), Path(target)
    if not isinstance(port, Verifying) or not file.is_file():
        return None
    try:
        if file.stat().st_size > _LARGEST:
            raise WrongUsage(f"{target} is larger than {_LARGEST:,} bytes")
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise WrongUsage(f"{target} cannot be read: {reason}") from None
    if not port.verifies(text):
        return None
    found = port.verify(text, file.name)
    show(found, file.parent, form)
    wrong = any(one.severity == "error" for one in found)
    if form == "text" and not wrong:
        click.echo(f"{file.name}: no errors for {backend}")
    return FAILED if wrong else 0
