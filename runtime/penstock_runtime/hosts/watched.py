"""The host for whoever starts a container and watches it: all passes through its streams.

The first line of stdin is one JSON object: the `request`, what else is set in the `environment`,
and the `umask` of whoever watches. On stdout a line says that the step begins, and the last line
is the answer; stderr is what the step prints. So no folder is shared, and no value stands on a
command line or in what the engine tells of a container. When stdin ends nobody watches any more,
and the step ends.
"""

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any, BinaryIO

from penstock_runtime.errors import BadRequest, StepFailed, StoreError, Terminated
from penstock_runtime.execute import execute
from penstock_runtime.hosts.process import (
    BAD_REQUEST,
    DONE,
    STEP_FAILED,
    STOPPED,
    STORE_FAILED,
    end_on_sigterm,
    stdout_to_stderr,
)
from penstock_runtime.reference import as_object, check_keys
from penstock_runtime.request import Request, check_env, parse_json, request_from

_GRACE_SECONDS = 5.0


def run() -> int:
    """Run one step; the exit code tells what the answer tells."""
    end_on_sigterm()
    # A step that reads stdin must find it empty.
    stdin = os.fdopen(os.dup(0), "rb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    answers = os.fdopen(stdout_to_stderr(), "wb", buffering=0)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a real stream here
    try:
        code, answer = _answered(stdin, answers)
    except Terminated:
        return STOPPED
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # whatever the step has put there
            stream.flush()
    left = memoryview(json.dumps(answer).encode() + b"\n")
    while left:
        left = left[answers.write(left) or 0 :]
    answers.close()
    return code


def _answered(stdin: BinaryIO, answers: BinaryIO) -> tuple[int, dict[str, Any]]:
    try:
        request = _prepared(stdin.readline())
        threading.Thread(target=_watch, args=(stdin,), daemon=True).start()
        answers.write(b'{"began": true}\n')
        response = execute(request, announce=True)
    except StepFailed as error:
        return STEP_FAILED, {"failed": "step", "message": str(error), "trace": error.trace}
    except BadRequest as error:
        return BAD_REQUEST, {"failed": "request", "message": str(error), "trace": ""}
    except StoreError as error:
        return STORE_FAILED, {"failed": "store", "message": str(error), "trace": ""}
    except KeyboardInterrupt:  # Ctrl-C never comes here: the step has raised it
        return STEP_FAILED, {
            "failed": "step",
            "message": "it raised KeyboardInterrupt",
            "trace": "",
        }
    return DONE, {"done": response.to_json()}


def _prepared(line: bytes) -> Request:
    """The request; the surroundings of whoever watches are set up."""
    asked = as_object(parse_json(line, "what is asked"), "what is asked")
    check_keys(
        asked, required=("request",), optional=("environment", "umask"), where="what is asked"
    )
    os.environ.update(check_env(asked.get("environment", {})))
    mask = asked.get("umask", 0o022)
    if not isinstance(mask, int) or not 0 <= mask <= 0o777:
        raise BadRequest(f"umask {mask!r} is no mask of new files")
    os.umask(mask)
    return request_from(asked["request"])


def _watch(stdin: BinaryIO) -> None:
    """Ends the step when nobody watches any more: it is told, and then made to."""
    busy = threading.main_thread()
    while stdin.read(1 << 16):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    busy.join(_GRACE_SECONDS)
    os._exit(STOPPED)
