"""What can go wrong when one step runs, sorted by who has to act."""


class BadRequest(ValueError):
    """The request cannot be understood: the executor that wrote it is to blame (exit code 2)."""


class StepFailed(Exception):
    """The user's code raised, or gave something else than its signature promises (exit code 1).

    `trace` is the user's traceback without penstock's own frames; empty when nothing was raised.
    The user's exception is chained as `__cause__`.
    """

    def __init__(self, message: str, trace: str = "") -> None:
        self.trace = trace
        super().__init__(message)


class LibraryMissing(ImportError):
    """A value cannot be stored or loaded here without a library; the message names it."""

    def __init__(self, package: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed here; "
            f'add it to the step: requires=["{package}"]'
        )


class Terminated(SystemExit):
    """SIGTERM, raised inside the user's code so that its `finally` blocks run."""


class StoreError(Exception):
    """The store cannot do what was asked (exit code 3)."""


class StoreFull(StoreError):
    """No space left in the store; the message names the path and the bytes to be written."""


class ArtifactMissing(StoreError):
    """The store has no blob of this digest."""

    def __init__(self, digest: str, where: str) -> None:
        self.digest = digest
        super().__init__(f"artifact {digest} is not in the store {where}")


class ArtifactCorrupt(StoreError):
    """A blob's content is not what its digest says."""

    def __init__(self, wanted: str, got: str, where: str) -> None:
        self.wanted, self.got = wanted, got
        super().__init__(
            f"artifact {wanted} is corrupt: {where} holds {got}; restore it, or run its step again"
        )


class RecordCorrupt(StoreError):
    """A record is not what was written under its name."""

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"the record {name} is damaged: {why}")


class UntrustedArtifact(StoreError):
    """Loading this artifact could execute code, and nothing vouches for who made it."""
