"""`penstock backends`: what each target can express."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How to print the table.",
)
def command(form: str) -> int:
    """Show what each installed backend can express, and why not where it cannot.

    \b
    Example:
      penstock backends
    """
    from penstock.backend import Backend, backend_names
    from penstock.cli.capabilities import as_json, as_markdown, as_text
    from penstock.cli.loading import backend_of

    found: list[Backend] = [backend_of(name) for name in backend_names()]
    write = {"text": as_text, "json": as_json, "markdown": as_markdown}[form]
    click.echo(write(found))
    return 0
