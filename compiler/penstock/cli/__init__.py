"""The `penstock` command; each subcommand is a module that is loaded when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

import click

COMMANDS = {
    "check": "find what is wrong with a pipeline",
    "ir": "print a pipeline as YAML",
    "graph": "draw a pipeline",
    "compile": "write a pipeline for Airflow, Kubeflow or a local run",
    "run": "run a pipeline on this machine",
    "build": "build the images of a pipeline",
    "submit": "start a pipeline on Airflow, and follow it",
    "images": "list the images that were built, and remove unused ones",
    "runs": "list the runs of a store",
    "show": "show a run: its steps, metrics, artifacts and logs",
    "artifacts": "list what runs have stored",
    "get": "copy an artifact out of a store",
    "fsck": "check every byte of a store",
    "gc": "remove what a store no longer needs",
    "backends": "show what each target can express",
    "explain": "explain a diagnostic such as PS101",
}

_WITH_SETTINGS = ("run", "runs", "show", "artifacts", "get", "fsck", "gc")


class LazyGroup(click.Group):
    """Loads a subcommand's module only when it is asked for, so that help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of a pipeline's life."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was asked for; a misspelt one is told together with what is near."""
        if args and args[0] not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            more = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(COMMANDS)}"
            raise click.UsageError(f"there is no command {args[0][:40]!r}; {more}", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"penstock.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="penstock", message="%(prog)s %(version)s")
@click.pass_context
def penstock(ctx: click.Context) -> None:
    """Compile machine-learning pipelines to Airflow, Kubeflow or a local run.

    A TARGET is file.py, file.py:pipeline, module:pipeline, or a pipeline's YAML.

    \b
    Example:
      penstock run examples/hello.py
    """
    if ctx.invoked_subcommand in _WITH_SETTINGS:
        from pathlib import Path

        from penstock.cli.settings import settings

        ctx.default_map = {ctx.invoked_subcommand: settings(Path.cwd())}


def main() -> None:
    """Runs the command line; every failure is one sentence or a diagnostic, never our traceback."""
    try:
        from penstock.cli.failures import guarded

        sys.exit(guarded(penstock))
    except KeyboardInterrupt:  # before or after the command itself, which answers with a word
        sys.exit(130)
