"""What an Airflow with the usual settings would refuse, or take too long over."""

from __future__ import annotations

import json

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Loop
from penstock.ir.values import Constant
from penstock.passes.model import Log, check

MAP_LENGTH = 1024
"""`core.max_map_length`, as it is set at first."""
PARSE_SECONDS = 30
"""`core.dagbag_import_timeout`, as it is set at first."""
_TASK, _PARAMETER = 0.0029, 0.00068
"""Seconds that reading a task takes, and each parameter of the DAG in it (Airflow 3.3)."""


@check(reports={"PS408"})
def within_limits(names: Lookup, log: Log) -> None:
    """Tells what is beyond the limits that Airflow has unless someone raises them."""
    for scope in names.ir.scopes:
        if isinstance(scope, Loop) and isinstance(scope.items, Constant):
            # The text is JSON of a list, which the checks of types have seen.
            count = len(json.loads(scope.items.text))
            if count > MAP_LENGTH:
                log.warning(
                    "PS408",
                    at=scope.span,
                    message=(
                        f"a loop over {count:,} items; Airflow maps a task at most "
                        f"{MAP_LENGTH:,} times unless core.max_map_length is raised"
                    ),
                    hint="loop over fewer, larger items, or raise the limit",
                )
    tasks, parameters = len(names.ir.steps), len(names.ir.parameters)
    seconds = tasks * (_TASK + _PARAMETER * parameters)
    if seconds > PARSE_SECONDS / 2:
        told = f"{tasks:,} tasks"
        if parameters > 3:
            told += f", each of which repeats {parameters} parameters,"
        log.warning(
            "PS408",
            at=names.ir.span,
            message=(
                f"Airflow needs some {seconds:.0f} seconds to read {told} and gives up "
                f"after {PARSE_SECONDS} unless core.dagbag_import_timeout is raised"
            ),
            hint="loop with each(), group parameters in a dict, or make several pipelines",
        )
