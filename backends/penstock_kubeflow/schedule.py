"""The recurring run of a scheduled pipeline, which a PipelineSpec has no place for.

The file holds the body for `POST /apis/v2beta1/recurringruns`, but for the experiment and the
pipeline version, which only the server knows.
"""

from __future__ import annotations

import json
import re
from typing import Any

from penstock.ir.nodes import PipelineIR, Schedule

_MACROS = {
    "@hourly": "0 0 * * * *",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@weekly": "0 0 0 * * 0",
    "@monthly": "0 0 0 1 * *",
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
}
_FIELD = re.compile(r"[0-9A-Za-z*/,-]+")
_UTC = frozenset({"UTC", "Etc/UTC", "Z"})


def cron_with_seconds(cron: str) -> str | None:
    """The cron text with the field for seconds in front; None for what Kubeflow does not read."""
    text = cron.strip()
    if text in _MACROS:
        return _MACROS[text]
    fields = text.split()
    if len(fields) != 5 or not all(map(_FIELD.fullmatch, fields)):
        return None
    fields[4] = (
        re.sub(r"\b7\b", "0", fields[4]) if re.fullmatch(r"[\d,]+", fields[4]) else fields[4]
    )
    return None if "7" in fields[4].partition("/")[0] else " ".join(["0", *fields])


def in_utc(schedule: Schedule) -> bool:
    """Whether the schedule counts in UTC, the only time zone that a recurring run has."""
    return schedule.timezone in _UTC


def recurring_run(ir: PipelineIR, schedule: Schedule) -> str:
    """The body of the request, as JSON."""
    return json.dumps(recurring_body(ir.name, schedule), indent=2, ensure_ascii=False) + "\n"


def recurring_body(name: str, schedule: Schedule) -> dict[str, Any]:
    """The body of the request without experiment and pipeline; no cron for what is not read."""
    trigger: dict[str, Any] = {"cron": cron_with_seconds(schedule.cron)}
    if schedule.start is not None:
        trigger["start_time"] = f"{schedule.start}T00:00:00Z"
    return {
        "display_name": name,
        "mode": "ENABLE",
        "trigger": {"cron_schedule": trigger},
        "max_concurrency": "1",
        "no_catchup": not schedule.catchup,
    }
