"""Steps that fail, hang, shout, or give too much."""

import os
import sys
import time

from penstock import RunStatus, current_run, on_exit, pipeline, step


@step
def noisy() -> dict[str, list[float]]:
    """Writes much to both streams at once, the last line without an end."""
    for number in range(2_000):
        print(f"out {number} é☃😀", flush=number % 7 == 0)
        print(f"err {number} é☃😀", file=sys.stderr)
    os.write(1, b"\xff\xfe raw bytes")
    return {"é": [1.5, 2.0]}


@step
def large() -> str:
    """More than an environment variable holds."""
    return "é" * 100_000


@step
def length(text: str, same: list[str]) -> int:
    assert same == [text, "x"]
    return len(text.encode())


@step
def leaves() -> int:
    """Ends without a word."""
    os._exit(3)


@step
def after_leaves(number: int) -> int:
    return number


@step(timeout=3)
def slow() -> int:
    """Takes longer than it may."""
    time.sleep(300)
    return 1


@step(retries=2)
def flaky() -> int:
    """Succeeds at the third attempt."""
    run = current_run()
    assert run is not None
    if run.attempt < 3:
        raise RuntimeError(f"attempt {run.attempt}")
    return run.attempt


@step
def tell(status: RunStatus = RunStatus.SUCCEEDED) -> str:
    return status.value


@pipeline
def odd() -> None:
    """Fails, and tells so."""
    noisy()
    text = large()
    length(text, [text, "x"])
    after_leaves(leaves())
    slow()
    flaky()
    on_exit(tell())
