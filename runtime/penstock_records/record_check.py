"""What one record must be, by its name, and the blobs that it must find in the store."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from penstock_records.reading import Damaged, checked, parsed
from penstock_records.schema import Artifact, Attempt, Commit, End, Note, Start
from penstock_records.values import artifacts_in
from penstock_runtime.records import ends_in
from penstock_runtime.reference import FOLDER_MEDIA
from penstock_runtime.run_id import run_folder

_COMMIT = re.compile(r"steps/([^/]+)/commit(?:-\d+)?\.json")
_NOTE = re.compile(r"notes/[^/]+\.json")
_ATTEMPT = re.compile(r"steps/([^/]+)/(\d+)/(?:start|fail)-[^/]+\.json")


class Named(NamedTuple):
    """A blob or plan that a record refers to."""

    digest: str
    what: str
    size: int | None = None
    folder: bool = False
    plan: bool = False
    where: str = ""


def named_in(name: str, data: bytes, run: str) -> Iterable[Named]:
    """What a record refers to. Raises Damaged and Newer."""
    found = parsed(data, name, run)
    name = name.removeprefix(f"{run_folder(run)}/")
    if name == "00-start.json":
        return _start(checked(Start, found))
    if ends_in([name]):
        return _end(checked(End, found))
    if step := _COMMIT.fullmatch(name):
        return _commit(_of_step(checked(Commit, found), step[1]))
    if step := _ATTEMPT.fullmatch(name):
        _of_step(checked(Attempt, found), step[1])
    if _NOTE.fullmatch(name):
        checked(Note, found)
    return ()


def _start(start: Start) -> list[Named]:
    patch = start.git.patch if start.git else None
    packages = start.environment.packages if start.environment else None
    return [
        *_plan(start.plan, start.backend),
        *_blob(patch, "patch"),
        *_blob(packages, "list of packages"),
        *([Named(start.source, "source", folder=True)] if start.source else []),
    ]


def _commit(commit: Commit) -> list[Named]:
    found = _blob(commit.log, "log")
    for value in (*commit.inputs.values(), *commit.outputs.values()):
        found += _artifacts(value)
    return found


def _end(end: End) -> list[Named]:
    found = _plan(end.plan, end.backend)
    for one in end.artifacts:
        found += _artifact(one)
    for line in end.steps.values():
        found += _blob(line.log, "log")
    for value in end.outputs.values():
        found += _artifacts(value)
    return found


def _of_step(record: Any, step: str) -> Any:
    if record.step != step:
        raise Damaged(f"it is of step {record.step[:100]!r}")
    return record


def _artifacts(value: Any) -> list[Named]:
    return [named for one in artifacts_in(value) for named in _artifact(one)]


def _artifact(one: Artifact) -> list[Named]:
    whole = Named(one.digest, "artifact", one.size, folder=one.media == FOLDER_MEDIA)
    return [whole, *_blob(one.preview, "preview")]


def _blob(digest: str | None, what: str) -> list[Named]:
    return [Named(digest, what)] if digest else []


def _plan(digest: str | None, backend: str) -> list[Named]:
    """The plan lies in the store where the run began beside its pipeline, not in a container."""
    if backend not in ("", "local"):
        return []
    return [Named(digest, "plan", plan=True)] if digest else []
