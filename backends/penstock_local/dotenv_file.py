"""Reads a `.env` file: `NAME=value` on each line, as python-dotenv reads it, taken literally."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

from penstock.runner import CannotRun


def variables(file: Path) -> dict[str, str]:
    """What the file sets; nothing where there is none. Raises `CannotRun` naming a wrong line.

    `$NAME` and `$(command)` stay what they are: a file of secrets is data, not a program.
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        # Not the error's own text: that of a decoding error holds what the file holds.
        raise CannotRun(f"{file} cannot be read: {type(error).__name__}") from None
    from dotenv.parser import parse_stream  # most projects have no such file

    found: dict[str, str] = {}
    for line in parse_stream(StringIO(text)):
        if line.error or (line.key is not None and (line.value is None or "\0" in line.value)):
            raise CannotRun(f"{file}, line {line.original.line}, is not NAME=value")
        if line.key is not None and line.value is not None:
            found[line.key] = line.value
    return found
