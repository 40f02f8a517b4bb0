"""Runs one step, anywhere, with the standard library alone.

Names are imported when they are first used, so that `import penstock_runtime` costs nothing.
"""

TYPE_CHECKING = False  # `typing` alone would cost 10 ms; type checkers know this spelling
if TYPE_CHECKING:
    from penstock_runtime.context import (
        ActiveRun,
        current_run,
        log_metadata,
        log_metric,
        log_metrics,
    )
    from penstock_runtime.values import Metrics, RunStatus

_HOMES = {
    "ActiveRun": "context",
    "Metrics": "values",
    "RunStatus": "values",
    "current_run": "context",
    "log_metadata": "context",
    "log_metric": "context",
    "log_metrics": "context",
}

__all__ = [
    "ActiveRun",
    "Metrics",
    "RunStatus",
    "current_run",
    "log_metadata",
    "log_metric",
    "log_metrics",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{home}"), name)
