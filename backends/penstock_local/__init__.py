"""The local backend: a pipeline as one YAML file, and the executors that run it here.

Names are imported when they are first used: a worker needs none of them, and starts quicker.
"""

TYPE_CHECKING = False  # `typing` alone would cost a worker 10 ms; type checkers know this spelling
if TYPE_CHECKING:
    from penstock_local.backend import LocalBackend

__all__ = ["LocalBackend"]

if not TYPE_CHECKING:

    def __getattr__(name):
        if name != "LocalBackend":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from penstock_local.backend import LocalBackend

        return LocalBackend
