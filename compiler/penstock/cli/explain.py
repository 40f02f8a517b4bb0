"""`penstock explain`: one rule, with an example and what to write instead."""

from __future__ import annotations

import difflib

import click

from penstock.cli.failures import WrongUsage


@click.command()
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Explain the diagnostic CODE; without it, list all.

    \b
    Example:
      penstock explain PS101
    """
    from penstock.cli.output import use_colour
    from penstock.diagnostics.pages import page, titles

    known = titles()
    if code is None:
        for name, title in known.items():
            click.echo(f"{name}  {title}")
        return 0
    wanted = code.upper()
    if wanted not in known:
        near = difflib.get_close_matches(wanted, known, n=1)
        more = f"; did you mean {near[0]}?" if near else "; `penstock explain` lists all"
        raise WrongUsage(f"there is no diagnostic {code[:40]!r}{more}")
    text = page(wanted)
    if use_colour():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text))
    else:
        click.echo(text, nl=False)
    return 0
