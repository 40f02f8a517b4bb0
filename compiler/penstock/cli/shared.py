"""The argument and options that several commands share."""

from __future__ import annotations

import click

target_argument = click.argument("target")

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How to print diagnostics.",
)
