"""Turns what goes wrong into a diagnostic or a sentence, and an exit code."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import IO

import click

WRONG_USAGE = 2
FAILED = 1


class Failure(click.ClickException):
    """The pipeline or the run failed: one sentence, exit code 1."""

    exit_code = FAILED

    def show(self, file: IO[str] | None = None) -> None:
        """Writes the sentence."""
        click.echo(click.style("error: ", fg="red", bold=True, reset=True) + self.message, err=True)


class WrongUsage(Failure):
    """The command was called with something it cannot use: one sentence, exit code 2."""

    exit_code = WRONG_USAGE


class UserCodeFailure(Failure):
    """The user's own code raised: their exception, their line, without our frames."""

    def __init__(self, headline: str, error: BaseException) -> None:
        super().__init__(headline)
        self.error = error

    def show(self, file: IO[str] | None = None) -> None:
        """Writes the headline and the user's part of the traceback."""
        super().show()
        click.echo(user_traceback(self.error).rstrip(), err=True)


def user_traceback(error: BaseException) -> str:
    """The traceback without the frames of penstock and of the import machinery."""
    ours = str(Path(__file__).resolve().parent.parent) + os.sep
    step: TracebackType | None = error.__traceback__
    kept: list[traceback.FrameSummary] = []
    for frame in traceback.extract_tb(step):
        if not frame.filename.startswith((ours, "<frozen")):
            kept.append(frame)
    lines = ["Traceback (most recent call last):\n"] if kept else []
    lines += traceback.format_list(kept)
    lines += traceback.format_exception_only(error)
    return "".join(lines)


def guarded(command: click.Command) -> int:
    """Runs the command and returns the exit code."""
    try:
        result: object = command.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output went away, as with `| head`; nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        click.echo(f"error: {error.filename}: {error.strerror}", err=True)
        return FAILED
    return result if isinstance(result, int) else 0
