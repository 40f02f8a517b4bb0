"""The first and the last record of a run that Airflow has started.

Whichever step of a run begins first writes `00-start.json`; the last task of the DAG folds what
the steps have committed into `99-end.json`, as the local executor does.
"""

import sys
from collections.abc import Mapping
from typing import Any

from penstock_runtime.errors import StoreError
from penstock_runtime.records import RunRecords
from penstock_runtime.run_summary import end_facts, start_facts

BACKEND = "airflow"


def note_start(records: RunRecords, found: Mapping[str, Any]) -> None:
    """Write the start of the run, unless another step has.

    A store that fails here does not fail the step: its own commit will, if it must.
    """
    try:
        if records.started() is None:
            records.start(start_facts(found, BACKEND))
    except StoreError as error:
        sys.stderr.write(f"penstock: the start of the run is not recorded: {error}\n")


def note_end(records: RunRecords, found: Mapping[str, Any]) -> None:
    """Write the end of the run; once more, if it had ended before. Raises StoreError."""
    facts = end_facts(records, found, BACKEND)
    if not records.end(facts):
        before = records.ended()
        if before is None or before.get("attempt") != found["attempt"]:
            records.end_again(found["attempt"], facts)
