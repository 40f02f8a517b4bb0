"""`penstock run`: runs a pipeline on this machine."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

import click

from penstock.cli.failures import Failure, WrongUsage
from penstock.cli.output import show
from penstock.cli.shared import target_argument
from penstock.cli.stores import located, store_option

if TYPE_CHECKING:
    from penstock.cli.targets import Target
    from penstock.ir.nodes import PipelineIR
    from penstock.runner import Event, Listener, Runner, RunOptions

_EXIT_CODES = {"succeeded": 0, "failed": 1, "cancelled": 130}


@click.command()
@target_argument
@click.option(
    "-p",
    "--parameter",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the pipeline; repeat. Lists and dicts are JSON.",
)
@click.option(
    "--executor",
    type=click.Choice(["process", "inline", "docker"]),
    envvar="PENSTOCK_EXECUTOR",
    default="process",
    show_default=True,
    help="Warm worker processes, this process, where a debugger works, or a container of each "
    "step's image.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    envvar="PENSTOCK_JOBS",
    metavar="N",
    help="How many steps run at once; by default as many as there are CPUs.",
)
@store_option
@click.option(
    "--resume",
    metavar="RUN",
    help="Go on with a run that was killed, failed or stopped; what is done is not repeated.",
)
@click.option(
    "--cache/--no-cache",
    default=True,
    envvar="PENSTOCK_CACHE",
    help="Whether an earlier result may stand for a step whose code, inputs and environment "
    "have not changed; by default it may.",
)
@click.option("--dry-run", is_flag=True, help="Print what would run, and run nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Show what steps print only if they fail.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: one event on each line.",
)
def command(
    target: str,
    pairs: tuple[str, ...],
    executor: str,
    jobs: int | None,
    store: str | None,
    resume: str | None,
    cache: bool,
    dry_run: bool,
    quiet: bool,
    form: Literal["text", "json"],
) -> int:
    """Run TARGET on this machine, recorded, with its progress in view.

    \b
    Example:
      penstock run churn.py -p floor=0.9
    """
    from penstock.cli.loading import backend_of, checked
    from penstock.cli.run_parameters import given_parameters
    from penstock.cli.views import view_of
    from penstock.runner import CannotRun, RunOptions
    from penstock_runtime.errors import StoreError

    backend = backend_of("local")
    runner = cast("Runner", backend)
    if not dry_run:
        runner.prepare(executor)
        click.get_current_context().call_on_close(runner.release)
    found, ready = checked(target, backend, form)
    options = RunOptions(
        store=located(store) if store else str(found.root.absolute() / ".penstock"),
        root=found.root,
        path=_import_path(found),
        executor=executor,
        jobs=jobs,
        written=ready.written,
        cache=cache,
    )
    parameters = given_parameters(ready.lowered, pairs, all_needed=resume is None)
    show(ready.warnings, found.root)
    try:
        options = replace(options, resume=_resumed(options.store, resume))
        lowered = ready.lowered
        if dry_run or executor == "docker":
            lowered, images = _with_images(found, lowered, options)
            options = replace(options, images=images)
        if dry_run:
            from penstock.cli.run_plan import plan_as_json, plan_as_text

            plan = runner.plan(lowered, parameters, options)
            click.echo(plan_as_json(plan) if form == "json" else plan_as_text(plan))
            return 0
        with view_of(form, quiet=quiet) as listen:
            result = runner.run(lowered, parameters, options, _to_the_end(listen))
    except CannotRun as error:
        raise WrongUsage(str(error)) from None
    except StoreError as error:
        raise Failure(str(error)) from None
    if result.state != "succeeded" and form == "text":
        given = f" --store {shlex.quote(store)}" if store and _is_flag("store") else ""
        again = f"penstock run {shlex.quote(target)} --resume {result.run}{given}"
        click.echo(f"go on with: {again}")
    return _EXIT_CODES[result.state]


def _with_images(
    found: Target, lowered: PipelineIR, options: RunOptions
) -> tuple[PipelineIR, dict[str, str]]:
    """The pipeline with its images, and the image of each step as this machine calls it.

    What is wrong with them ends the command where steps run in them.
    """
    from penstock.cli.image_plan import as_warnings, image_plan
    from penstock.cli.loading import Reported

    if lowered.images:  # as a YAML brings them along
        own = {one.id: one.options.image for one in lowered.steps if one.options.image}
        planned = {step: one.name for one in lowered.images for step in one.steps}
        return lowered, {**planned, **own}
    plan = image_plan(found, lowered, options.store)
    in_images = options.executor == "docker"
    show(plan.problems if in_images else as_warnings(plan.problems), found.root)
    if plan.problems and in_images:
        raise Reported
    return plan.planned(lowered), plan.local_names


def _to_the_end(listen: Listener) -> Listener:
    """Listens until the reader of our output goes away, as with `| head`: the run goes on."""

    def hear(event: Event) -> None:
        try:
            listen(event)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)

    return hear


def _resumed(store: str, run: str | None) -> str | None:
    """The whole id of the run to be resumed; raises `WrongUsage`, `StoreError`."""
    if run is None:
        return None
    from penstock_records.recent import NoSuchRun, find_run
    from penstock_runtime.opening import open_store

    try:
        return find_run(open_store(store, create=False), run)
    except NoSuchRun as error:
        raise WrongUsage(str(error)) from None


def _is_flag(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.COMMANDLINE


def _import_path(found: Target) -> tuple[str, ...]:
    if found.import_root is not None:
        return (str(found.import_root),)
    from penstock.cli.own_code import import_root

    return (str(import_root(found.ir, found.root)),)
