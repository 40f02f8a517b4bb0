"""Earlier results: is everything that a commit promises still there and intact?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from penstock_runtime.artifacts import load_value
from penstock_runtime.errors import BadRequest, StepFailed, StoreError
from penstock_runtime.execute import adopted, commit_facts
from penstock_runtime.folders import folder_files
from penstock_runtime.outputs import project
from penstock_runtime.records import RunRecords, Stopwatch
from penstock_runtime.reference import (
    FOLDER_MEDIA,
    Artifact,
    ArtifactRef,
    Constant,
    Several,
    Value,
)
from penstock_runtime.request import Request
from penstock_runtime.response import Response, response_from
from penstock_runtime.store import Blob, Store

_READABLE = ("json", "metrics", "dataclass")


class Unusable(Exception):
    """The earlier result cannot stand for the step; the reason, as the end of a sentence."""


@dataclass(frozen=True)
class Earlier:
    """A step of an earlier run, and what it committed."""

    run: str
    step: str
    response: Response
    commit: Mapping[str, Any]


def earlier(store: Store, run: str, step: str) -> Earlier | None:
    """What a step of a run committed; None if it did not. Raises Unusable for a damaged record."""
    try:
        commit = RunRecords(store, run).committed(step)
        if commit is None or commit.get("status") != "succeeded":
            return None
        return Earlier(run, step, response_from(commit), commit)
    except (StoreError, BadRequest) as error:
        raise Unusable(f"the record of its earlier result is damaged ({error})") from None


def intact(store: Store, found: Earlier, request: Request) -> Response:
    """What it gave, every byte checked, with all the parts that are asked for now.

    Raises Unusable.
    """
    for value in found.response.outputs.values():
        for ref in references(value):
            _check(store, ref)
    missing = {
        name: keys
        for name, keys in request.projections.items()
        if name not in found.response.projections
    }
    if not missing:
        return found.response
    parts = _parts(store, found, missing)
    return replace(found.response, projections={**found.response.projections, **parts})


def take_over(
    store: Store, found: Earlier, response: Response, request: Request
) -> tuple[Response, Mapping[str, Any] | None]:
    """Commit an earlier result in the request's run; what is committed there now.

    Also the commit, unless another runner was first.
    """
    records = RunRecords(store, request.run)
    facts = commit_facts(request, Stopwatch(), response, found.commit.get("metadata") or {})
    facts["reused"] = {"run": found.run, "step": found.step}
    # Not durable: after a power cut the earlier result is found again.
    if records.commit(request.step, facts, durable=False):
        return response, facts
    return adopted(records, request), None


def references(value: Value) -> Iterator[ArtifactRef]:
    """The artifacts in a value."""
    if isinstance(value, Artifact):
        yield value.ref
    elif isinstance(value, Several):
        for item in value.items:
            yield from references(item)


def _check(store: Store, ref: ArtifactRef) -> None:
    try:
        _renew(store, Blob(ref.digest, ref.size))
        if ref.media == FOLDER_MEDIA:
            for file in folder_files(store.read_bytes(ref.digest, ref.size)):
                _renew(store, file)
        if ref.preview is not None:
            store.renew(ref.preview)
    except StoreError as error:
        raise Unusable(f"its earlier result cannot be read ({error})") from None


def _renew(store: Store, blob: Blob) -> None:
    if not store.renew(blob.digest, blob.size):
        gone = "damaged" if store.has(blob.digest) else "gone"
        name = blob.digest.removeprefix("sha256:")[:12]
        raise Unusable(f"its earlier result, {name}, is {gone}")


def _parts(
    store: Store, found: Earlier, missing: Mapping[str, tuple[str | int, ...]]
) -> dict[str, Any]:
    """Parts that nobody asked for when the step ran, out of what it stored."""
    outputs: dict[str, Any] = {}
    with store.scratch() as scratch:
        for number, output in enumerate({str(keys[0]) for keys in missing.values()}):
            value = found.response.outputs.get(output)
            if isinstance(value, Constant):
                outputs[output] = value.value
            elif isinstance(value, Artifact) and value.ref.materializer in _READABLE:
                hint = dict if value.ref.materializer == "dataclass" else Any
                path = scratch / f"part{number}"
                outputs[output] = load_value(value.ref, hint, store, path)
            else:
                raise Unusable(f"a part of its output {output!r} is used now")
    try:
        return project(found.step, outputs, missing)
    except StepFailed as error:
        raise Unusable(str(error)) from None
