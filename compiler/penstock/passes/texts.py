"""Checks options that are written as text: schedules, amounts, variable names, requirements."""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from penstock.diagnostics import Span
from penstock.ir.cron import cron_problem
from penstock.ir.lookup import Lookup, all_options
from penstock.ir.nodes import Resources
from penstock.ir.quantities import read_bytes, read_cores
from penstock.passes.model import Log, check


@check(reports={"PS122"})
def schedule_readable(names: Lookup, log: Log) -> None:
    """A schedule is cron text, with a timezone that exists and a first day."""
    schedule = names.ir.schedule
    if schedule is None:
        return
    problem = cron_problem(schedule.cron)
    if problem is not None:
        log.error(
            "PS122",
            at=names.ir.span,
            message=f"the schedule {schedule.cron[:60]!r} is no cron text: {problem}",
            hint="write minute, hour, day, month, weekday, e.g. '0 6 * * 1' for Mondays at six",
        )
    if not _is_timezone(schedule.timezone):
        log.error(
            "PS122",
            at=names.ir.span,
            message=f"there is no timezone {schedule.timezone[:60]!r}",
            hint="write a name such as 'Europe/Berlin' or 'UTC'",
        )
    if schedule.start is not None and not _is_day(schedule.start):
        log.error(
            "PS122",
            at=names.ir.span,
            message=f"the schedule's start {schedule.start[:60]!r} is no day",
            hint="write a day such as '2026-01-31'",
        )


def _is_timezone(name: str) -> bool:
    if name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\s*(?:\[[A-Za-z0-9,._ -]*\])?"
    r"\s*(?:@\s*\S+|(?:[<>=!~]=?=?\s*[A-Za-z0-9.*+!_-]+\s*,?\s*)*)\s*(?:;.*)?"
)
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(?:=[A-Za-z0-9.+:~-]+)?")


@check(reports={"PS304", "PS305", "PS306"})
def options_readable(names: Lookup, log: Log) -> None:
    """Amounts, variable names, requirements and packages are what they should be."""
    for options, span in all_options(names):
        if options.resources is not None:
            _resources(log, options.resources, span)
        variables = [name for name, _ in options.env or ()]
        variables += [one.env for one in options.secrets or ()]
        for name in variables:
            if not _VARIABLE.fullmatch(name):
                _report(
                    log,
                    "PS305",
                    span,
                    f"{name[:60]!r} is no name of a variable",
                    "use letters, digits and `_`, starting with a letter",
                )
        for text in options.requires or ():
            if not _REQUIREMENT.fullmatch(text) or len(text) > 500:
                _report(
                    log,
                    "PS306",
                    span,
                    f"{text[:60]!r} is no requirement",
                    "write what pip understands, e.g. 'pandas>=2.2'",
                )
        for text in options.packages or ():
            if not _PACKAGE.fullmatch(text):
                _report(
                    log,
                    "PS306",
                    span,
                    f"{text[:60]!r} is no Debian package",
                    "write a package's name, e.g. 'libgomp1'",
                )


def _resources(log: Log, resources: Resources, span: Span | None) -> None:
    try:
        if resources.cpu is not None:
            read_cores(resources.cpu)
        for amount in (resources.memory, resources.disk):
            if amount is not None:
                read_bytes(amount)
    except ValueError as error:
        _report(log, "PS304", span, str(error), "write cpu=2, memory='4Gi', disk='10Gi'")
    if resources.gpu is not None and resources.gpu < 0:
        _report(log, "PS304", span, f"{resources.gpu} is no number of GPUs", "write gpu=1")


def _report(log: Log, code: str, span: Span | None, message: str, hint: str) -> None:
    log.error(code, at=span, message=message, hint=hint)
