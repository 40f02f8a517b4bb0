"""The request as a file or on stdin, the response as a file or on stdout."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from penstock_runtime.errors import BadRequest
from penstock_runtime.execute import execute
from penstock_runtime.hosts.process import stdout_to_stderr, write_result
from penstock_runtime.request import Request, parse_request
from penstock_runtime.store import canonical_json


def run(arguments: Sequence[str]) -> None:
    """Run one step. Without `--result` the response is all that goes to stdout."""
    parser = argparse.ArgumentParser(
        prog="python -m penstock_runtime",
        description="Run one step of a penstock pipeline.",
        epilog="example: python -m penstock_runtime request.json --result response.json",
    )
    parser.add_argument("request", nargs="?", default="-", help="JSON file; - is stdin (default)")
    parser.add_argument("--result", type=Path, help="where to write the response (default: stdout)")
    options = parser.parse_args(arguments)
    request = parse_request(_read(options.request))
    target: Path | None = options.result
    if target is not None:
        write_result(target, _response(request))
        return
    with os.fdopen(stdout_to_stderr(), "wb") as stream:
        stream.write(_response(request))


def _response(request: Request) -> bytes:
    return canonical_json(execute(request, announce=True).to_json()) + b"\n"


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise BadRequest(f"the request {name} cannot be read: {error.strerror}") from error
