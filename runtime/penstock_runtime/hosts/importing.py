"""Imports steps without running them: shows that an image holds all that they need."""

import json
import platform
import sys
from collections.abc import Sequence

from penstock_runtime.errors import BadRequest, StepFailed
from penstock_runtime.hosts.process import stdout_to_stderr
from penstock_runtime.request import check_code
from penstock_runtime.target import find_target


def run(codes: Sequence[str]) -> None:
    """Import each `module:qualname`; the last line on stdout is JSON that says how it went."""
    stream = stdout_to_stderr()
    failed: dict[str, str] = {}
    for code in codes:
        try:
            find_target(code, check_code(code), ())
        except (StepFailed, BadRequest) as error:
            failed[code] = str(error)
    found = {"python": platform.python_version(), "failed": failed}
    sys.stdout.flush()
    with open(stream, "w", encoding="utf-8") as out:
        out.write("\n" + json.dumps(found) + "\n")
