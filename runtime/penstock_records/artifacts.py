"""The artifacts of runs: which there are, and which one a person means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from penstock_records.layout import run_ids
from penstock_records.reading import Damaged
from penstock_records.recent import find_run
from penstock_records.run import Run, fold
from penstock_records.schema import Artifact
from penstock_records.values import artifacts_in, value_parts
from penstock_runtime.store import Store

_HEX = re.compile(r"(?:sha256:)?([0-9a-f]{4,64})")


class NoSuchArtifact(LookupError):
    """Nothing is meant, or several things are; the message says which."""


@dataclass(frozen=True)
class Found:
    """An artifact, and the step of a run that gave it."""

    run: str
    pipeline: str
    step: str
    output: str
    artifact: Artifact


def artifacts_of(store: Store, runs: Iterable[str]) -> Iterator[Found]:
    """The artifacts of these runs, in their order; what cannot be read is left out."""
    for run in runs:
        folded = fold(store, run)
        if folded.end is not None:
            for line in folded.end.artifacts:
                yield Found(run, folded.pipeline, line.step, line.output, line)
            continue
        yield from _of_steps(folded)


def _of_steps(run: Run) -> Iterator[Found]:
    for one in run.steps:
        try:
            for output, artifact in one.artifacts():
                yield Found(run.run, run.pipeline, one.step, output, artifact)
        except Damaged:
            continue


def meant(store: Store, text: str) -> Artifact | str:
    """What `text` names: an artifact, or its bare digest if no run tells what it is.

    Raises NoSuchArtifact and NoSuchRun.
    """
    found = _HEX.fullmatch(text.strip().lower())
    if found is None:
        return output_of(store, text)
    digest = _whole(store, found[1])
    same = (one.artifact for one in artifacts_of(store, run_ids(store)))
    return next((one for one in same if one.digest == digest), digest)


def _whole(store: Store, digits: str) -> str:
    if len(digits) == 64:
        if store.has(f"sha256:{digits}"):
            return f"sha256:{digits}"
        raise NoSuchArtifact(f"the store has no artifact {digits}")
    wanted = f"sha256:{digits}"
    found = [one.digest for one in store.blobs() if one.digest.startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoSuchArtifact(f"the store has no artifact {digits}")
    told = ", ".join(one.removeprefix("sha256:")[: len(digits) + 8] for one in found[:5])
    raise NoSuchArtifact(f"{digits} means {len(found)} artifacts: {told}")


def output_of(store: Store, text: str) -> Artifact:
    """The artifact that `RUN:step` or `RUN:step.output` names."""
    head, colon, tail = text.rpartition(":")
    if not colon or not head or not tail:
        raise NoSuchArtifact(f"{text[:100]!r} is no digest, RUN:step or RUN:step.output")
    run = fold(store, find_run(store, head))
    step, output = run.step(tail), ""
    if step is None:
        name, _, output = tail.rpartition(".")
        step = run.step(name)
    if step is None:
        raise NoSuchArtifact(f"run {run.run} has no step {tail[:100]!r}")
    if not output:
        if len(step.outputs) > 1:
            told = ", ".join(f"{step.step}.{name}" for name in step.outputs)
            raise NoSuchArtifact(f"step {step.step} has several outputs: {told}")
        output = next(iter(step.outputs), "")
    if output not in step.outputs:
        has = ", ".join(step.outputs) or f"none; it has {step.status}"
        raise NoSuchArtifact(f"step {step.step} has no output {output!r}; it has {has}")
    kind, _ = value_parts(step.outputs[output])
    if kind == "artifact":
        return next(artifacts_in(step.outputs[output]))
    raise NoSuchArtifact(
        f"{tail} is a parameter's value, not an artifact; penstock show {head} prints it"
    )
