"""Builds with BuildKit, which does less anew and knows more of Dockerfiles.

The SDK does not know it: its request is the one of the classic builder with another version, and
its account of the build comes as traces.
"""

from __future__ import annotations

import base64
import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from penstock.images.build_output import BuildOutput
from penstock.images.buildkit_trace import Log, Vertex, decoded
from penstock.images.engine_events import Event, error_in, posted
from penstock.images.output_lines import OutputLines, shown

if TYPE_CHECKING:
    from docker import DockerClient

_STEP = re.compile(r"\[(?:\S+ +)?(\d+/\d+)\] (.*)", re.DOTALL)
_KEPT = 40


def build_buildkit(
    client: DockerClient,
    body: BinaryIO,
    tag: str,
    listen: Callable[[str], None],
    arguments: Mapping[str, str],
) -> None:
    """Build an image, with values for ARG; raises `EngineError`, or what the SDK raises."""
    build = _Build(tag, listen)
    params = {"t": tag, "version": "2", "rm": "1", "forcerm": "1"}
    params["buildargs"] = json.dumps(arguments)
    headers = {"Content-Type": "application/x-tar"}
    with posted(client, "/build", params, headers=headers, body=body) as events:
        for event in events:
            build.hear(event)
        build.end()


@dataclass
class _Part:
    """A vertex, and what it has written."""

    step: str
    told: bool = False
    error: str = ""
    lines: OutputLines = field(default_factory=OutputLines)
    log: deque[str] = field(default_factory=lambda: deque[str](maxlen=_KEPT))


class _Build:
    def __init__(self, tag: str, listen: Callable[[str], None]) -> None:
        self._output = BuildOutput(tag, listen)
        self._parts: dict[str, _Part] = {}
        self._done = False

    def hear(self, event: Event) -> None:
        if (problem := error_in(event)) is not None:
            raise self._failure(problem)
        aux = event.get("aux")
        if event.get("id") == "moby.buildkit.trace" and isinstance(aux, str):
            # Success and failure are told elsewhere: a strange trace costs a line of progress.
            with suppress(ValueError):
                for one in decoded(base64.b64decode(aux)):
                    if isinstance(one, Vertex):
                        self._see(one)
                    else:
                        self._write(one)
        elif event.get("id") == "moby.image.id":
            self._done = True

    def end(self) -> None:
        if not self._done:
            raise self._failure("the engine ended without an image")

    def _see(self, vertex: Vertex) -> None:
        match = _STEP.fullmatch(vertex.name)
        step = shown(" ".join(f"{match[1]} {match[2]}".split())) if match else ""
        part = self._parts.setdefault(vertex.digest, _Part(step))
        part.error = vertex.error or part.error
        if step and not part.told and (vertex.started or vertex.cached):
            part.told = True
            self._output.step(f"{step} (as before)" if vertex.cached else step)

    def _write(self, log: Log) -> None:
        part = self._parts.setdefault(log.vertex, _Part(""))
        lines = part.lines.add(log.text)
        part.log.extend(lines)
        self._output.lines(lines)

    def _failure(self, problem: str) -> Exception:
        for one in self._parts.values():
            rest = one.lines.last()
            one.log.extend(rest)
            self._output.lines(rest)
        failed = [one for one in self._parts.values() if one.error and one.step]
        # Parts that run beside the failing one are told to have been cancelled.
        blamed = [one for one in failed if "context canceled" not in one.error] or failed
        if not blamed:
            return self._output.failure(problem)
        return self._output.failure(problem, blamed[0].step, blamed[0].log)
