"""Loads and checks a TARGET; its problems are shown, and end the command."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from penstock.cli.failures import FAILED, WrongUsage
from penstock.cli.output import Format, show
from penstock.cli.targets import Target, load_target
from penstock.diagnostics import PipelineError

if TYPE_CHECKING:
    from penstock.backend import Backend, Checked, Options


class Reported(click.exceptions.Exit):
    """The diagnostics are shown; nothing is left to say."""

    def __init__(self) -> None:
        super().__init__(FAILED)


def loaded(target: str, form: Format = "text") -> Target:
    """The target's pipeline as it is written; problems of writing it are shown."""
    try:
        # What the user's module prints must not mix with what a script reads from us.
        with redirect_stdout(sys.stderr):
            return load_target(target)
    except PipelineError as error:
        show(error.diagnostics, error.root, form)
        raise Reported from None


def backend_of(name: str) -> Backend:
    """The backend of that name; raises `WrongUsage`."""
    from penstock.backend import BackendError, load_backend

    try:
        return load_backend(name)
    except BackendError as error:
        raise WrongUsage(str(error)) from None


def checked(
    target: str,
    backend: str | Backend | None = None,
    form: Format = "text",
    options: Options | None = None,
) -> tuple[Target, Checked]:
    """The target and its checked pipeline; all diagnostics are shown if there are errors."""
    from penstock.backend import BackendError, check_pipeline

    port = backend_of(backend) if isinstance(backend, str) else backend
    found = loaded(target, form)
    try:
        return found, check_pipeline(found.ir, port, options)
    except BackendError as error:
        raise WrongUsage(f"{port.name if port else ''}: {error}") from None
    except PipelineError as error:
        show(error.diagnostics, found.root, form)
        raise Reported from None
