"""`penstock ir`: the pipeline as YAML."""

from __future__ import annotations

import click

from penstock.cli.shared import target_argument


@click.command()
@target_argument
@click.option("--digest", is_flag=True, help="Print only the digest of the plan.")
def command(target: str, digest: bool) -> int:
    """Print TARGET as YAML that a person can read and every backend can compile.

    \b
    Example:
      penstock ir churn.py > churn.yaml
    """
    from penstock.cli.image_plan import with_images
    from penstock.cli.loading import checked
    from penstock.ir.text import dump_pipeline
    from penstock.ir.write import plan_digest

    loaded, found = checked(target)
    if not digest:
        found = with_images(loaded, found)
    click.echo(plan_digest(found.written) if digest else dump_pipeline(found.written), nl=digest)
    return 0
