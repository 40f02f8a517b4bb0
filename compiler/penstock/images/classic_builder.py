"""Builds with the classic builder, which every engine has."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from penstock.images.build_output import BuildOutput
from penstock.images.engine_errors import EngineError, reason
from penstock.images.engine_events import Event, error_in, part, posted
from penstock.images.output_lines import OutputLines

if TYPE_CHECKING:
    from docker import DockerClient

_STEP = re.compile(r"step (\d+/\d+) ?: (.*)", re.IGNORECASE)
_MADE = re.compile(r" ?---?> ([0-9a-f]{12,64})")
_NOISE = re.compile(
    r" ?---?>( .*)?|Removing intermediate container .*|Successfully (built|tagged) .*|COMMIT .*"
    r"|[0-9a-f]{64}"
)


def build_classic(
    client: DockerClient,
    body: BinaryIO,
    tag: str,
    listen: Callable[[str], None],
    arguments: Mapping[str, str],
) -> None:
    """Build an image, with values for ARG; raises `EngineError`, or what the SDK raises."""
    from docker.errors import APIError

    api = cast(Any, client.api)
    before: frozenset[str] = frozenset(api.images(all=True, quiet=True))
    build = _Build(tag, listen)
    params = {"t": tag, "rm": "1", "forcerm": "1"}
    params["buildargs"] = json.dumps(arguments)
    headers = {"Content-Type": "application/x-tar"}
    try:
        with posted(client, "/build", params, headers=headers, body=body) as events:
            for event in events:
                build.hear(event)
            build.end()
    except BaseException as error:
        # What the steps before the failing one made has no name, and nobody would remove it.
        _remove_leftovers(api, build.made, before)
        if isinstance(error, APIError):
            raise build.failure(reason(error)) from None
        raise


class _Build:
    def __init__(self, tag: str, listen: Callable[[str], None]) -> None:
        self.made: list[str] = []
        """The image of each step, without those that were there."""
        self._output = BuildOutput(tag, listen)
        self._lines = OutputLines()
        self._done = False

    def hear(self, event: Event) -> None:
        if (problem := error_in(event)) is not None:
            raise self.failure(problem)
        if "stream" in event:
            self._tell(self._lines.add(str(event["stream"]).encode()))
        if "ID" in part(event, "aux"):
            self._done = True

    def end(self) -> None:
        if not self._done:
            raise self.failure("the engine ended without an image")
        self._tell(self._lines.last())

    def failure(self, problem: str) -> EngineError:
        """The error for what the builder says."""
        self._tell(self._lines.last())
        return self._output.failure(problem)

    def _tell(self, lines: list[str]) -> None:
        for line in lines:
            if (step := _STEP.fullmatch(line)) is not None:
                self._output.step(f"{step[1]} {step[2]}")
            elif _NOISE.fullmatch(line):
                if (made := _MADE.fullmatch(line)) is not None:
                    self.made.append(made[1])
            else:
                self._output.lines([line])


def _remove_leftovers(api: Any, made: list[str], before: frozenset[str]) -> None:
    from docker.errors import DockerException

    for one in reversed(made):
        with suppress(DockerException, OSError):  # the failure itself is what must be told
            found = api.inspect_image(one)
            # A command can write what looks like an image of its build.
            if found["Id"] not in before and not found.get("RepoTags"):
                api.remove_image(one, noprune=True)
