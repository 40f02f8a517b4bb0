"""A process that runs steps: requests come on stdin, one JSON line each, answers leave on a pipe.

Nothing is unpickled on either side. What a step prints goes to the worker's own stdout, which the
pool reads. A worker whose pool is gone ends by itself.
"""

import json
import os
import queue
import signal
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from types import FrameType
from typing import Any, BinaryIO

from penstock_runtime.copies import end_copies_by_default
from penstock_runtime.errors import BadRequest, StepFailed, StoreError, Terminated
from penstock_runtime.execute import execute
from penstock_runtime.opening import open_store
from penstock_runtime.request import request_from
from penstock_runtime.store import Store
from penstock_runtime.target import put_on_path

_GRACE_SECONDS = 5.0


def main(answers: int) -> None:
    """Run what is asked until the pool closes our stdin."""
    asked: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    # A step that reads stdin must find it empty, not eat our requests.
    requests = os.fdopen(os.dup(0), "rb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a real stream here
    streams = [os.dup(1), os.dup(2)]
    end_copies_by_default(_terminate)
    threading.Thread(target=_read, args=(requests, asked), daemon=True).start()
    stores: dict[str, Store] = {}
    with os.fdopen(answers, "wb", buffering=0) as out:
        while (message := asked.get()) is not None:
            if "import" in message:
                _import_early(message["path"], message["import"])
                continue
            _take_back(streams)
            out.write(b'{"began": true}\n')
            answer = _answer(message, stores)
            _take_back(streams)
            out.write(json.dumps(answer).encode() + b"\n")


def _take_back(streams: list[int]) -> None:
    """What a step may have closed or taken: our output, and the signal that ends us."""
    signal.signal(signal.SIGTERM, _terminate)
    for number, (name, kept) in enumerate(zip(("stdout", "stderr"), streams, strict=True), 1):
        stream = getattr(sys, name)
        if stream.closed:
            fresh = open(  # noqa: SIM115 - it stays open
                number, "w", buffering=1, encoding="utf-8", closefd=False
            )
            setattr(sys, name, fresh)
        else:
            stream.flush()
        if not os.path.sameopenfile(number, kept):
            os.dup2(kept, number)


def _import_early(path: list[str], modules: list[str]) -> None:
    """Imports what the steps will need; what goes wrong is told by the step that needs it."""
    put_on_path(path)
    # Whoever traced the pipeline has imported them too, and shown what they print.
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        for name in modules:
            with suppress(Exception, SystemExit):
                import_module(name)


def _answer(message: dict[str, Any], stores: dict[str, Store]) -> dict[str, Any]:
    try:
        request = request_from(message)
        if request.store not in stores:
            stores[request.store] = open_store(request.store)
        response = execute(request, stores[request.store], announce=True)
        answer: dict[str, Any] = {"done": response.to_json()}
    except StepFailed as error:
        answer = {"failed": "step", "message": str(error), "trace": error.trace}
    except BadRequest as error:
        answer = {"failed": "request", "message": str(error), "trace": ""}
    except StoreError as error:
        answer = {"failed": "store", "message": str(error), "trace": ""}
    except KeyboardInterrupt:  # Ctrl-C never comes here: the step has raised it
        said = f"step {message['step']!r} raised KeyboardInterrupt"
        answer = {"failed": "step", "message": said, "trace": ""}
    return answer


def _read(requests: BinaryIO, asked: "queue.SimpleQueue[dict[str, Any] | None]") -> None:
    busy = threading.main_thread()
    for line in requests:
        asked.put(json.loads(line))
    asked.put(None)
    # The pool is gone. A step that still runs is told so, and then ended.
    busy.join(0.2)
    if busy.is_alive():
        os.kill(os.getpid(), signal.SIGTERM)
        busy.join(_GRACE_SECONDS)
        os._exit(1)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated(128 + signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]))
