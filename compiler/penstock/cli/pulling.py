"""`penstock runs --sync`: writes the records of runs that a server has ended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from penstock.cli.failures import Failure, WrongUsage
from penstock.syncing import RemoteRun
from penstock_runtime.errors import BadRequest
from penstock_runtime.labels import is_label
from penstock_runtime.records import RunRecords
from penstock_runtime.run_id import stable_run_id
from penstock_runtime.run_summary import end_facts, start_facts
from penstock_runtime.store import Store


def pull(store: Store, backend: str, host: str, token: Path | None, namespace: str | None) -> None:
    """Adds the runs that are over and not in the store; says how many on standard error."""
    from penstock.submitting import SubmitError, WrongRequest
    from penstock.syncing import load_syncer

    pulled = going = 0
    try:
        for run in load_syncer(backend).runs(host, token, namespace):
            if run.state is None:
                going += 1
            elif _written(store, run, backend):
                pulled += 1
    except WrongRequest as error:
        raise WrongUsage(str(error)) from None
    except (SubmitError, BadRequest) as error:
        raise Failure(str(error)) from None
    told = f"pulled {pulled} run{'s' * (pulled != 1)} from {host}"
    click.echo(f"{told}; {going} still going" if going else told, err=True)


def _written(store: Store, run: RemoteRun, backend: str) -> bool:
    """Whether the run's end was not known before."""
    records = RunRecords(store, stable_run_id(run.run))
    if records.ended() is not None:
        return False
    facts = {
        "pipeline": run.pipeline,
        "plan": run.plan,
        "run": run.run,
        "parameters": dict(run.parameters),
        "status": run.state,
        "attempt": 1,
    }
    if records.started() is None:
        records.start({**start_facts(facts, backend), "started": run.started})
    told = end_facts(records, facts, backend)
    # What the steps have committed themselves is known better than what the server tells.
    committed: Mapping[str, Any] = told["steps"]
    bases = {name.partition(".")[0] for name in committed}
    server = {
        name: {"status": one.state, "attempts": 1, "seconds": one.seconds}
        | ({"error": one.message} if one.message else {})
        for name, one in run.steps.items()
        if is_label(name) and name not in committed and name.partition(".")[0] not in bases
    }
    ended = {"ended": run.ended or told["ended"], "seconds": run.seconds}
    return records.end({**told, **ended, "steps": {**committed, **server}})
