"""Runs one step, anywhere, with the standard library alone.

Names are imported when they are first used, so that `import penstock_runtime` costs nothing.
The one function that runs a step is `penstock_runtime.execute.execute`.
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
    from penstock_runtime.errors import (
        ArtifactCorrupt,
        ArtifactMissing,
        BadRequest,
        LibraryMissing,
        StepFailed,
        StoreError,
        StoreFull,
        Terminated,
        UntrustedArtifact,
    )
    from penstock_runtime.opening import open_store
    from penstock_runtime.records import RunRecords
    from penstock_runtime.reference import Artifact, ArtifactRef, Constant, Several
    from penstock_runtime.request import Request, parse_request
    from penstock_runtime.response import Response
    from penstock_runtime.run_id import new_run_id
    from penstock_runtime.store import Store
    from penstock_runtime.values import HTML, Markdown, Metrics, RunStatus

_HOMES = {
    "ActiveRun": "context",
    "Artifact": "reference",
    "ArtifactCorrupt": "errors",
    "ArtifactMissing": "errors",
    "ArtifactRef": "reference",
    "BadRequest": "errors",
    "Constant": "reference",
    "HTML": "values",
    "LibraryMissing": "errors",
    "Markdown": "values",
    "Metrics": "values",
    "Request": "request",
    "Response": "response",
    "RunRecords": "records",
    "RunStatus": "values",
    "Several": "reference",
    "StepFailed": "errors",
    "Store": "store",
    "StoreError": "errors",
    "StoreFull": "errors",
    "Terminated": "errors",
    "UntrustedArtifact": "errors",
    "current_run": "context",
    "log_metadata": "context",
    "log_metric": "context",
    "log_metrics": "context",
    "new_run_id": "run_id",
    "open_store": "opening",
    "parse_request": "request",
}

__all__ = [
    "HTML",
    "ActiveRun",
    "Artifact",
    "ArtifactCorrupt",
    "ArtifactMissing",
    "ArtifactRef",
    "BadRequest",
    "Constant",
    "LibraryMissing",
    "Markdown",
    "Metrics",
    "Request",
    "Response",
    "RunRecords",
    "RunStatus",
    "Several",
    "StepFailed",
    "Store",
    "StoreError",
    "StoreFull",
    "Terminated",
    "UntrustedArtifact",
    "current_run",
    "log_metadata",
    "log_metric",
    "log_metrics",
    "new_run_id",
    "open_store",
    "parse_request",
]

if not TYPE_CHECKING:

    def __getattr__(name):
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{home}"), name)
