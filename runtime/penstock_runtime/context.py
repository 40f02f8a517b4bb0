"""What a step may say about itself while it runs: metrics and metadata."""

import os
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from penstock_runtime.errors import StoreError
from penstock_runtime.parameters import to_json
from penstock_runtime.values import Metrics, plain_number

_FLUSH_SECONDS = 10.0
_FLUSH_POINTS = 10_000

CurveSink = Callable[[list[dict[str, Any]]], None]


class ActiveRun:
    """The step that is running now, and what it has logged.

    The points of its curves are handed to the sink when one is logged and 10 seconds have gone
    or 10 000 points have come together since the last time, and when the step ends or fails. So
    a step that is killed loses what it has logged since then, and no more. Its threads may log
    too.
    """

    def __init__(
        self,
        run: str,
        step: str,
        attempt: int = 1,
        orchestrator_run: str | None = None,
        sink: CurveSink | None = None,
    ) -> None:
        self.run = run
        self.step = step
        self.attempt = attempt
        self.orchestrator_run = orchestrator_run
        self.metrics: dict[str, float] = {}
        self.metadata: dict[str, Any] = {}
        self._sink = sink
        self._process = os.getpid()
        self._flushing = threading.Lock()
        self._points: list[dict[str, Any]] = []
        self._full = _FLUSH_POINTS
        self._flushed = time.monotonic()

    def __repr__(self) -> str:
        return f"<run {self.run}, step {self.step}, attempt {self.attempt}>"

    def record_metrics(self, metrics: Metrics, step: int | None) -> None:
        """Keep the last value of each metric, and with a step number a point of its curve."""
        self.metrics.update(metrics)
        if step is None:
            return
        now = round(time.time(), 3)
        for name, value in metrics.items():
            self._points.append(
                {"step": step, "key": name, "value": plain_number(value), "ts": now}
            )
        late = time.monotonic() - self._flushed > _FLUSH_SECONDS
        if late or len(self._points) >= self._full:
            try:
                self.flush()
            except StoreError:  # no reason to end a training: the last flush tells it
                self._full = len(self._points) + _FLUSH_POINTS

    def flush(self) -> None:
        """Hand the collected points to the sink; they are kept if that raises StoreError."""
        with self._flushing:
            self._flushed = time.monotonic()
            points = self._points[:]
            if points and self._sink is not None:
                self._sink(points)
            # Another thread may have logged more meanwhile.
            del self._points[: len(points)]
            self._full = _FLUSH_POINTS

    @property
    def here(self) -> bool:
        """Whether this is the process that will write what was logged, not a copy of it."""
        return self._process == os.getpid()


_active: ContextVar[ActiveRun | None] = ContextVar("penstock_active_run", default=None)
_running: list[ActiveRun] = []
"""For threads that a step starts: they do not inherit its context."""


def current_run() -> ActiveRun | None:
    """The step that is running now; None outside of a run."""
    found = _active.get()
    if found is None and len(_running) == 1:
        return _running[0]
    return found


def log_metric(name: str, value: float, step: int | None = None) -> None:
    """Record one metric of the running step; with `step`, one point of its curve."""
    log_metrics({name: value}, step)


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Record several metrics of the running step at once. Raises TypeError for non-numbers."""
    checked = Metrics(metrics)
    if (run := _recorder()) is not None:
        run.record_metrics(checked, step)
    else:
        _echo("metrics", {**checked} if step is None else {"step": step, **checked})


def log_metadata(metadata: Mapping[str, Any]) -> None:
    """Record facts about the running step, as JSON. Raises TypeError for what JSON cannot hold."""
    checked = to_json(dict(metadata))
    if (run := _recorder()) is not None:
        run.metadata.update(checked)
    else:
        _echo("metadata", checked)


@contextmanager
def active(run: ActiveRun) -> Generator[ActiveRun, None, None]:
    """Make a run the current one while the block lasts."""
    token = _active.set(run)
    _running.append(run)
    try:
        yield run
    finally:
        _running.remove(run)
        _active.reset(token)


def _recorder() -> ActiveRun | None:
    run = current_run()
    if run is not None and not run.here:
        import logging

        logging.getLogger("penstock").warning(
            "step %r: what a child process logs is not recorded; return it to the step", run.step
        )
        return None
    return run


def _echo(kind: str, values: Mapping[str, Any]) -> None:
    import logging  # 5 ms that only a step outside of a run pays

    shown = ", ".join(f"{name}={value!r}" for name, value in values.items())
    logging.getLogger("penstock").info("%s: %s", kind, shown)
