"""Whether a run that nobody starts has all it needs."""

from __future__ import annotations

from penstock.ir.lookup import Lookup
from penstock.passes.model import Log, check


@check(reports={"PS406"})
def schedule_complete(names: Lookup, log: Log) -> None:
    """A run that nobody starts has a value for each parameter, and a first day to catch up from."""
    schedule = names.ir.schedule
    if schedule is None:
        return
    for parameter in names.ir.parameters:
        if parameter.default is None:
            log.error(
                "PS406",
                at=parameter.span or names.ir.span,
                message=f"a scheduled run has no value for parameter {parameter.name!r}",
                label="no default",
                hint=f"give {parameter.name!r} a default, or leave out the schedule",
            )
    if schedule.catchup and schedule.start is None:
        log.error(
            "PS406",
            at=names.ir.span,
            message="catchup=True without a start: Airflow would not know the first run",
            hint="write Schedule(..., catchup=True, start='2026-01-31')",
        )
