"""`penstock submit`: starts a pipeline on a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from penstock.cli.failures import FAILED, Failure, WrongUsage
from penstock.cli.output import show
from penstock.cli.shared import backend_options, backend_values, target_argument

if TYPE_CHECKING:
    from penstock.submitting import Submission, Submitted, Submitter

_INTERRUPTED = 130


@click.command()
@target_argument
@click.option("--to", "backend", required=True, metavar="BACKEND", help="airflow or kubeflow.")
@click.option(
    "--host",
    metavar="URL",
    envvar="PENSTOCK_HOST",
    required=True,
    help="The address of the server.",
)
@click.option(
    "--dags",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    envvar="PENSTOCK_DAGS",
    help="Airflow: write the DAG file there first; without it the file must be there already.",
)
@click.option("-p", "--param", "given", multiple=True, metavar="NAME=VALUE", help="A parameter.")
@click.option("--store", metavar="URL", help="Where the steps keep their artifacts.")
@backend_options
@click.option("--run-id", "run", metavar="NAME", help="The run's name; by default a new one.")
@click.option("--experiment", metavar="NAME", help="Kubeflow: the experiment; Default if none.")
@click.option("--namespace", metavar="NAME", help="Kubeflow: the namespace, with several users.")
@click.option("--service-account", "account", metavar="NAME", help="Kubeflow: whom steps run as.")
@click.option(
    "--schedule",
    metavar="CRON",
    help="Kubeflow: a recurring run, by a cron of five fields in UTC, or `pipeline` for its own.",
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file with a bearer token, in place of PENSTOCK_AIRFLOW_TOKEN or ..._KUBEFLOW_TOKEN.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait until the server has read the file.",
)
@click.option("--follow", is_flag=True, help="Stay until the run is over, its steps in view.")
@click.option("--dry-run", is_flag=True, help="Print what would be written and sent.")
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
    backend: str,
    host: str,
    dags: Path | None,
    given: tuple[str, ...],
    store: str | None,
    pairs: tuple[str, ...],
    run: str | None,
    experiment: str | None,
    namespace: str | None,
    account: str | None,
    schedule: str | None,
    token_file: Path | None,
    timeout: float,
    follow: bool,
    dry_run: bool,
    form: Literal["text", "json"],
) -> int:
    """Start TARGET on a server, and print the link to its run.

    Credentials for Airflow come from PENSTOCK_AIRFLOW_TOKEN, or from PENSTOCK_AIRFLOW_USER and
    PENSTOCK_AIRFLOW_PASSWORD; for Kubeflow from PENSTOCK_KUBEFLOW_TOKEN, or inside the cluster
    from the token of the pod.

    \b
    Example:
      penstock submit churn.py --to airflow --host http://localhost:8080 --dags dags/ --follow
      penstock submit churn.py --to kubeflow --host https://kfp.example.org -p rows=10 --follow
    """
    from penstock.backend import BackendError, Options, emitted
    from penstock.cli.image_plan import with_images
    from penstock.cli.loading import backend_of, checked
    from penstock.cli.run_parameters import given_parameters
    from penstock.ir.write import plan_digest
    from penstock.submitting import Submission, SubmitError, WrongRequest, load_submitter

    options = Options(store=store, values=backend_values(pairs))
    try:
        submitter = load_submitter(backend)
        port = backend_of(backend)
        found, ready = checked(target, port, "text", options)
        ready = with_images(found, ready, "text", store)
        parameters = given_parameters(ready.lowered, given)
        show(ready.warnings, found.root)
        submission = Submission(
            ir=ready.lowered,
            plan=plan_digest(ready.lowered),
            bundle=emitted(ready, port, options),
            parameters=parameters,
            host=host,
            files=dags,
            run=run,
            token_file=token_file,
            patience=timeout,
            experiment=experiment,
            namespace=namespace,
            account=account,
            schedule=schedule,
            values=options.values,
        )
        if schedule is not None and follow:
            raise WrongUsage("--follow follows a run, and --schedule starts none")
        if not dry_run:
            return _started(submitter, submission, follow=follow, form=form)
        for line in submitter.requests(submission):
            click.echo(line)
    except WrongRequest as error:
        raise WrongUsage(str(error)) from None
    except BackendError as error:
        raise WrongUsage(f"{backend}: {error}") from None
    except SubmitError as error:
        raise Failure(str(error)) from None
    return 0


def _started(submitter: Submitter, submission: Submission, *, follow: bool, form: str) -> int:
    """Start the run, tell where it is, and stay with it if that is wanted."""
    started = submitter.submit(submission, lambda text: click.echo(text, err=form == "json"))
    if form == "json":
        click.echo(json.dumps({"event": "submitted", "run": started.run, "link": started.link}))
    else:
        what = "recurring run" if started.recurring else "run"
        click.echo(f"started {submission.ir.name}: {what} {started.run}")
        click.echo(started.link)
    return _followed(submitter, submission, started, form) if follow else 0


def _followed(submitter: Submitter, submission: Submission, started: Submitted, form: str) -> int:
    from penstock.cli.views import view_of

    try:
        with view_of(form, quiet=True) as listen:
            state = submitter.follow(submission, started, listen)
    except KeyboardInterrupt:
        click.echo(f"the run goes on: {started.link}", err=True)
        return _INTERRUPTED
    if form == "json":
        click.echo(json.dumps({"event": "ended", "run": started.run, "state": state}))
    else:
        click.echo(f"{submission.ir.name} {state}: {started.link}")
    return 0 if state == "succeeded" else FAILED
