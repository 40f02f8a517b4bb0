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
    over, beats = threading.Event(), _Beats()
    work = (records, step, attempt, seconds, over, beats)
    thread = threading.Thread(target=_beat, args=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        if beats.number:
            # The last one is still being removed; a store that hangs must not hold up the step.
            thread.join(1.0)


class _Beats:
    """How many signs were given."""

    number = 0


def _beat(
    records: RunRecords,
    step: str,
    attempt: int,
    seconds: float,
    over: threading.Event,
    beats: _Beats,
) -> None:
    try:
        while not over.wait(seconds):
            beats.number += 1
            records.heartbeat(step, attempt, beats.number)
        if beats.number:
            records.no_heartbeat(step, attempt, beats.number)
    except StoreError:
        return
