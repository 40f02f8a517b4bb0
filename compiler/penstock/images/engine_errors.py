"""What goes wrong with an engine, told in one sentence that says what to do."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from penstock.diagnostics.render import visible
from penstock.images.context import ContextError

_LONGEST = 600


class EngineError(Exception):
    """The engine cannot do what it is asked for; the message is one sentence."""


class BuildFailed(EngineError):
    """An image cannot be made of what was sent.

    `line` is the line of the build's output that tells why, `log` the last lines of it.
    """

    def __init__(self, message: str, line: str = "", log: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.line = line
        self.log = log


@contextmanager
def asking(what: str) -> Generator[None]:
    """Raises `EngineError` for whatever the SDK raises inside; `what` is what cannot be done."""
    from docker.errors import DockerException

    try:
        yield
    except (DockerException, OSError) as error:  # those of requests are among the latter
        raise EngineError(told(what, reason(error))) from None
    except ContextError as error:
        raise EngineError(told(what, str(error))) from None


def told(what: str, why: str) -> str:
    """The sentence for something that cannot be done, with advice where there is one."""
    if "no space left on device" in why.lower():
        why = "the disk of the Docker engine is full; `penstock images prune` frees some"
    return f"{what}: {one_line(why)}"


def reason(error: Exception) -> str:
    """What an exception of the SDK says, without its wrapping."""
    from docker.errors import APIError

    if isinstance(error, APIError):
        said: str | bytes | None = error.explanation
        if isinstance(said, bytes):
            return said.decode("utf-8", "replace")
        return said or str(error)
    if isinstance(error, OSError):
        return "the connection to the Docker engine was lost; is it still running?"
    return str(error)


def system_error(error: BaseException | None) -> OSError | None:
    """The error of the operating system deep inside what the SDK raised."""
    todo: list[object] = [error]
    for one in todo:
        if isinstance(one, OSError) and one.errno is not None:
            return one
        if isinstance(one, BaseException):
            todo += [*one.args, one.__cause__, getattr(one, "reason", None)]
    return None


def one_line(text: str) -> str:
    """Text of an engine or a registry as a part of a sentence."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
