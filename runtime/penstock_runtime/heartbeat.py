"""A sign of life from a long step, so that readers can tell a lost run from a slow one."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from penstock_runtime.errors import StoreError
from penstock_runtime.records import RunRecords

SECONDS = 60.0
"""A step writes a sign of life this often; after three without one a run counts as lost."""


@contextmanager
def beating(
    records: RunRecords, step: str, attempt: int, seconds: float = SECONDS
) -> Generator[None, None, None]:
    """Write `steps/<step>/<attempt>/hb/<n>.json` while the block lasts, each in place of the last.

    A store that fails is left for the step's own commit to report.
    """
    over = threading.Event()
    thread = threading.Thread(
        target=_beat, args=(records, step, attempt, seconds, over), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        over.set()
        # The last one is still being removed; a store that hangs must not hold up the step.
        thread.join(1.0)


def _beat(
    records: RunRecords, step: str, attempt: int, seconds: float, over: threading.Event
) -> None:
    number = 0
    try:
        while not over.wait(seconds):
            number += 1
            records.heartbeat(step, attempt, number)
        if number:
            records.no_heartbeat(step, attempt, number)
    except StoreError:
        return
