"""What all hosts share: one step is one process, with signals, exit codes and a result file."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from penstock_runtime.copies import end_copies_by_default
from penstock_runtime.errors import BadRequest, StepFailed, StoreError, Terminated

DONE, STEP_FAILED, BAD_REQUEST, STORE_FAILED = range(4)
STOPPED = 128 + signal.SIGTERM
_SIGINT_EXIT = 128 + signal.SIGINT


def guarded(run: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Run a host's adapter; the exit code. SIGTERM raises SystemExit(143) in the user's code."""
    end_on_sigterm()
    try:
        run(arguments)
    except StepFailed as error:
        _say(error.trace)
        _complain(error)
        return STEP_FAILED
    except BadRequest as error:
        _complain(error)
        return BAD_REQUEST
    except StoreError as error:
        _complain(error)
        return STORE_FAILED
    except Terminated:
        _say("penstock: stopped by SIGTERM; nothing was published\n")
        return STOPPED
    except KeyboardInterrupt:
        _say("penstock: interrupted; nothing was published\n")
        return _SIGINT_EXIT
    return DONE


def end_on_sigterm() -> None:
    """From now on SIGTERM raises Terminated here, and ends what a step forks."""
    end_copies_by_default(_terminate)
    signal.signal(signal.SIGTERM, _terminate)


def write_result(path: Path, content: bytes) -> None:
    """Write a file at once or not at all, its folder created. Raises StoreError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):  # what could not be written may not be removable either
            temporary.unlink()
        raise StoreError(f"the result cannot be written to {path}: {error.strerror}") from error


def stdout_to_stderr() -> int:
    """Send what the step prints to stderr; the descriptor of the real stdout.

    Hosts that merge both streams, or read results from stdout, then cannot mix them up.
    """
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    return real


def _terminate(number: int, frame: FrameType | None) -> Any:
    raise Terminated(STOPPED)


def _complain(error: Exception) -> None:
    _say("".join(f"penstock: {line}\n" for line in [str(error), *getattr(error, "__notes__", [])]))


def _say(text: str) -> None:
    sys.stderr.write(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    sys.stderr.flush()
