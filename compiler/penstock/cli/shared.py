"""The argument and options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from penstock.cli.failures import WrongUsage

target_argument = click.argument("target")

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How to print diagnostics.",
)

backend_options = click.option(
    "--option",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the backend, or KEY=@FILE; repeat.",
)


def _of_file(key: str, name: str) -> str:
    try:
        return Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise WrongUsage(f"--option {key}: {name[:200]} cannot be read: {reason}") from None


def backend_values(pairs: tuple[str, ...]) -> dict[str, str]:
    """The options of a backend by name; raises `WrongUsage`."""
    values: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise WrongUsage(f"--option takes KEY=VALUE, not {pair[:80]!r}")
        if key in values:
            raise WrongUsage(f"--option {key} is given twice")
        values[key] = _of_file(key, value[1:]) if value.startswith("@") else value
    return values
