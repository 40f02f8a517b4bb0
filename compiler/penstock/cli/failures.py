"""Turns what goes wrong into a diagnostic or a sentence, and an exit code."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import tempfile
import traceback
from pathlib import Path
from typing import IO

import click

import penstock
import penstock_runtime

WRONG_USAGE = 2
FAILED = 1


class Failure(click.ClickException):
    """The pipeline or the run failed: one sentence, exit code 1."""

    exit_code = FAILED

    def show(self, file: IO[str] | None = None) -> None:
        """Writes the sentence."""
        say_error(self.message)


def say_error(message: str) -> None:
    """Writes one sentence to standard error."""
    from penstock.cli.output import use_colour
    from penstock.diagnostics.render import Ink, visible

    head = Ink(use_colour(sys.stderr))("error:", "error", "bold")
    click.echo(f"{head} {visible(message)}", err=True, color=True)


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
    told = traceback.TracebackException.from_exception(error)
    todo: list[traceback.TracebackException | None] = [told]
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        theirs = [frame for frame in one.stack if not frame.filename.startswith(_NOT_THEIRS)]
        # A long recursion is told by its ends.
        one.stack[:] = theirs if len(theirs) <= 40 else [*theirs[:20], *theirs[-20:]]
        if not theirs:
            vars(one)["stack"] = None  # there is then no headline of a traceback
        todo += [one.__cause__, one.__context__, *(one.exceptions or ())]
    return "".join(told.format())


_NOT_THEIRS = (
    *(str(Path(module.__path__[0])) + os.sep for module in (importlib, penstock, penstock_runtime)),
    "<frozen",
)


def guarded(command: click.Command) -> int:
    """Runs the command and returns the exit code."""
    output = sys.stdout
    try:
        result: object = command.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("stopped", err=True)
        return 130
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return WRONG_USAGE
    except click.UsageError as error:
        say_error(error.format_message().rstrip("."))
        if error.ctx is not None:
            click.echo(f"  = help: {error.ctx.command_path} --help", err=True)
        return WRONG_USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit:
        # The reader of our output went away, as with `| head`: click wraps the stream and exits
        # with 1, but nothing is wrong.
        if sys.stdout is not output:
            return 0
        raise
    except OSError as error:
        if error.filename is None:
            if error.errno not in _FROM_OUTSIDE:
                return _bug(error)
            say_error(f"cannot write: {error.strerror}")
            return FAILED
        say_error(f"{error.filename}: {error.strerror}")
        return FAILED
    except UnicodeEncodeError as error:
        lost = f"U+{ord(error.object[error.start]):04X}"
        say_error(
            f"the output's encoding, {error.encoding}, has no {lost}; set PYTHONIOENCODING=utf-8"
        )
        return FAILED
    except Exception as error:  # whatever is left is a bug of ours: told as one, never hidden
        return _bug(error)
    return result if isinstance(result, int) else 0


_FROM_OUTSIDE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE}
)
"""What the machine refuses, whatever the program: a full disk, too many open files."""


def _bug(error: Exception) -> int:
    """Tells of a bug of penstock: its place in a file to report, not on the user's screen."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="penstock-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write("".join(traceback.format_exception(error)))
    headline = f"a bug of penstock: {type(error).__name__}: {error}"
    click.echo(f"error[PS902]: {headline.splitlines()[0][:300]}", err=True)
    click.echo(f"  = help: please report it with {file.name}", err=True)
    return FAILED
