"""What a build has told so far, and why it failed, whichever builder it was."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable

from penstock.images.engine_errors import BuildFailed, EngineError, one_line, told

_KEPT = 40
_LONGEST_STEP = 100
_TELLING = re.compile(r"(E|Err|error|fatal|[\w.]*Error|[\w.]*Exception)\b ?[:\[]", re.IGNORECASE)
_WRAPPING = re.compile(
    r"failed to solve( with frontend [\w.]+)?: |failed to create LLB definition: "
    r"|failed to build LLB: |failed to process \"[^\"]*\": "
)
_EXIT = re.compile(r"(?:exit code: |non-zero code: |exit status )(-?\d+)")


class BuildOutput:
    """Hands on the steps and lines of a build, and keeps the last ones."""

    def __init__(self, tag: str, listen: Callable[[str], None]) -> None:
        self._tag = tag
        self._listen = listen
        self._step = ""
        self._log: deque[str] = deque(maxlen=_KEPT)

    def step(self, name: str) -> None:
        """Another instruction of the Dockerfile, as "2/3 COPY root/ /"."""
        self._step = name
        self._log.clear()
        self._listen(f"step {name}")

    def lines(self, lines: Iterable[str]) -> None:
        """What a command wrote."""
        for line in lines:
            self._log.append(line)
            self._listen(f"  {line}")

    def failure(
        self, message: str, step: str | None = None, log: Iterable[str] | None = None
    ) -> EngineError:
        """The error for what the builder says; `step` and `log` are of the one that failed."""
        said = one_line(_WRAPPING.sub("", message))
        step = self._step if step is None else step
        lines = tuple(self._log if log is None else log)
        what = f"the image {self._tag} cannot be built"
        shown = step if len(step) <= _LONGEST_STEP else f"{step[:_LONGEST_STEP]}..."
        if "no space left on device" in said or any("No space left on device" in x for x in lines):
            return EngineError(told(what, "no space left on device"))
        code = _EXIT.search(said)
        if step.partition(" ")[2].startswith("RUN") and code is not None:
            line = _telling(lines) or "it wrote nothing"
            why = f"step {shown} ended with exit code {code[1]}: {line}"
            return BuildFailed(f"{what}: {one_line(why)}", line, lines)
        if "ockerfile" in said or "build stage" in said or not step:
            return BuildFailed(f"{what}: {said}", said, lines)
        return BuildFailed(f"{what}: step {shown}: {said}", said, lines)


def _telling(lines: tuple[str, ...]) -> str:
    """The line that tells most: the last that looks like an error, else the last."""
    found = [one for one in lines if _TELLING.search(one)]
    return (found or lines or ("",))[-1].strip()
