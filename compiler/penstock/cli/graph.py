"""`penstock graph`: the picture of a pipeline."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from penstock.cli.failures import WrongUsage
from penstock.cli.shared import target_argument

_ENDINGS = {
    ".svg": "svg",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".md": "mermaid",
    ".txt": "text",
}


@click.command()
@target_argument
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write: .svg, .mmd (Mermaid) or .txt.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["svg", "mermaid", "text"]),
    help="What to draw; by default what the file's ending says, and text on the terminal.",
)
def command(target: str, output: Path | None, form: str | None) -> int:
    """Draw TARGET: roles by colour, nested pipelines, branches and loops as boxes.

    \b
    Example:
      penstock graph churn.py -o churn.svg
    """
    from penstock.cli.loading import checked
    from penstock.cli.output import use_colour, write_bundle
    from penstock.cli.picture import picture_of
    from penstock.cli.sources import keep_sources
    from penstock_records.picture import mermaid, svg, text

    if form is None:
        form = _ENDINGS.get(output.suffix.lower(), "") if output else "text"
    if not form:
        raise WrongUsage(f"{output} has no ending .svg, .mmd or .txt; give --format")
    loaded, found = checked(target)
    if output is not None:
        keep_sources(target, loaded, output.parent, [output.name])
    picture = picture_of(found.written)
    if form == "svg":
        drawn = svg(picture)
    elif form == "mermaid":
        drawn = mermaid(picture)
    else:
        width = shutil.get_terminal_size().columns if output is None else 100
        plain = not (sys.stdout.encoding or "").lower().startswith("utf")
        drawn = text(
            picture,
            width=width,
            colour=output is None and use_colour(),
            ascii=output is None and plain,
        )
    drawn = drawn.rstrip("\n") + "\n"
    if output is None:
        click.echo(drawn, nl=False, color=True)
        return 0
    if form == "mermaid" and output.suffix.lower() == ".md":
        drawn = f"```mermaid\n{drawn}```\n"
    write_bundle(output.parent, {output.name: drawn})
    click.echo(f"wrote {output}")
    return 0
