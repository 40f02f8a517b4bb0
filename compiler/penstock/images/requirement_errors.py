"""Why requirements could not be locked or installed; each says so in one sentence."""

from __future__ import annotations


class RequirementsError(Exception):
    """The base of all of them."""


class NoUv(RequirementsError):
    """The program uv is not there."""


class UvFailed(RequirementsError):
    """uv ended with an error; `words` are its own, without decoration."""

    def __init__(self, words: str) -> None:
        super().__init__(words.partition("\n")[0] or "uv failed without a word")
        self.words = words


class BadIndex(RequirementsError):
    """A setting of the index cannot be used."""


class BadLock(RequirementsError):
    """A lock file holds what a lock file may not."""


class CannotLock(RequirementsError):
    """No set of versions satisfies what was asked for.

    `blamed` are those of the user's requirements, as written, that uv's explanation names.
    """

    def __init__(self, message: str, blamed: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message)
        self.blamed = blamed
        self.hint = hint


class CannotInstall(RequirementsError):
    """What a lock names cannot be installed for an image."""
