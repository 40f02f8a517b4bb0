"""Calls to a remote store: tried again where that can help, never longer than a deadline."""

import errno
import os
import random
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from penstock_runtime.errors import StoreError, StoreFull

DEADLINE = 120.0
"""Seconds for one operation; `PENSTOCK_STORE_DEADLINE` sets another."""

_TRIES = 6
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0
_AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
_FULL = (507,)


class Refused(StoreError):
    """The server has answered, and means it; `status` is its HTTP status, 0 if unknown."""

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class Calls:
    """Runs the operations of one store.

    A call may be tried again after its server has done it: each one must bear that. What comes
    out is FileNotFoundError, FileExistsError (a condition did not hold) or StoreError.
    """

    def __init__(
        self, url: str, loop: Any = None, passing: tuple[type[Exception], ...] = ()
    ) -> None:
        self.deadline = _deadline()
        self._url = url
        self._loop = loop
        self._passing: tuple[type[Exception], ...] = (ConnectionError, TimeoutError, *passing)

    def run(self, what: str, work: Callable[[], Any], within: float | None = None) -> Any:
        """The result of the work: a coroutine function if there is a loop, else a function."""
        limit = self.deadline if within is None else min(self.deadline, within)
        end = time.monotonic() + limit
        reason = "no answer"
        for tried in range(1, _TRIES + 1):
            left = end - time.monotonic()
            if left <= 0:
                break
            try:
                return self._once(work, left)
            except StoreError:
                raise
            except Exception as error:  # of three libraries and their drivers: sorted here
                self._check(what, error)
                reason = _words(error)
            pause = min(_FIRST_PAUSE * 2**tried, _LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311
            if tried == _TRIES:
                raise StoreError(f"{what} in the store {self._url} failed {tried} times: {reason}")
            time.sleep(max(0.0, min(pause, end - time.monotonic())))
        raise StoreError(
            f"{what} in the store {self._url} was not done within {limit:g} s "
            f"(PENSTOCK_STORE_DEADLINE): {reason}"
        )

    def _once(self, work: Callable[[], Any], seconds: float) -> Any:
        if self._loop is None:
            return work()
        return import_module("fsspec.asyn").sync(self._loop, work, timeout=seconds)

    def _check(self, what: str, error: Exception) -> None:
        """Return if another try can help; raise what the caller is to see otherwise."""
        status, code = _answer(error)
        if code == "NoSuchBucket":
            raise Refused(f"{what}: there is no bucket for the store {self._url}", 404) from error
        if type(error).__name__ == "NoCredentialsError":
            raise Refused(
                f"there are no credentials for the store {self._url}; set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or a profile",
                0,
            ) from error
        if status == 412 or isinstance(error, FileExistsError):
            raise FileExistsError(what) from error
        if status == 404 or isinstance(error, FileNotFoundError):
            raise FileNotFoundError(what) from error
        number = error.errno if isinstance(error, OSError) else None
        if status in _FULL or (not status and number in (errno.ENOSPC, errno.EDQUOT)):
            raise StoreFull(f"no space left for {what} in the store {self._url}") from error
        broken = isinstance(error, self._passing) and not isinstance(error, PermissionError)
        if status in _AGAIN or (not status and broken):
            return
        raise Refused(
            f"{what} in the store {self._url} was refused: {_words(error)}", status
        ) from error


def _deadline() -> float:
    text = os.environ.get("PENSTOCK_STORE_DEADLINE", "")
    if not text:
        return DEADLINE
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86400:
        raise StoreError(f"PENSTOCK_STORE_DEADLINE is {text!r}, not a number of seconds")
    return seconds


def _answer(error: BaseException) -> tuple[int, str]:
    """The HTTP status and the error code of the server's answer; 0 and nothing if it gave none."""
    for one in (error, error.__cause__):
        response = getattr(one, "response", None)
        if isinstance(response, dict):
            found = cast(dict[str, Any], response)
            status = found.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            return int(status), str(found.get("Error", {}).get("Code", ""))
    for name in ("status_code", "code"):  # of Azure's errors, and of Google's
        status = getattr(error, name, None)
        # aiohttp's error for a broken connection has a code too, which no server sent.
        if isinstance(status, int) and not type(error).__module__.startswith("aiohttp"):
            return status, ""
    return 0, ""


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
