"""A run as plain lines, and the summary at its end."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import click

from penstock.runner import (
    Event,
    Listener,
    RunResult,
    RunStarted,
    StepCancelled,
    StepFailed,
    StepLine,
    StepReused,
    StepSkipped,
    StepStarted,
    StepSucceeded,
)
from penstock_runtime.reference import Artifact, Constant, Several, Value
from penstock_runtime.run_id import SHORT

Row = tuple[str, ...]

BEFORE = "another runner had ended this run before: its record says how"

_LONGEST = 200


@contextmanager
def plain_view(*, quiet: bool) -> Generator[Listener, None, None]:
    """Writes each event to stdout as one line or several."""

    def listen(event: Event) -> None:
        for line in lines_of(event, quiet=quiet):
            click.echo(line)

    yield listen


def lines_of(event: Event, *, quiet: bool) -> Iterator[str]:
    """The plain lines for an event."""
    match event:
        case RunStarted():
            yield headline(event)
            yield from (f"note: {note}" for note in event.notes)
        case StepStarted():
            again = f", attempt {event.attempt}" if event.attempt > 1 else ""
            yield f"start   {event.step}{again}"
        case StepLine():
            if not quiet:
                yield f"{event.step} | {event.line}"
        case StepReused():
            yield f"reused  {event.step}  {source(event)}"
        case StepSucceeded():
            yield f"done    {event.step}  {duration(event.seconds)}"
            if event.edited:
                yield edited(event)
        case StepFailed():
            yield f"failed  {event.step}  {duration(event.seconds)}"
            yield from failure_lines(event, with_log=quiet)
        case StepSkipped():
            yield f"skip    {event.step}"
        case StepCancelled():
            yield f"stopped {event.step}  {duration(event.seconds)}"
        case _:
            yield from summary_lines(event.result)
            if event.written_before:
                yield BEFORE


def headline(event: RunStarted) -> str:
    """The first line: which run this is."""
    steps = f"{event.steps} step{'s' * (event.steps != 1)}"
    text = f"{event.pipeline}: run {event.run}, {steps}"
    if event.resumes is None:
        return text
    return f"{text}, goes on" if event.resumes == event.run else f"{text}, resumes {event.resumes}"


def edited(event: StepSucceeded) -> str:
    """The line for a step whose code was written to while it ran."""
    return f"note: the code of {event.step} was edited meanwhile: its result is not reused later"


def source(event: StepReused) -> str:
    """Where an earlier result comes from; the end of a run's id tells runs apart."""
    other = "" if event.source == event.step else f", step {event.source}"
    return f"{event.why} (run {event.run[-SHORT:]}{other})"


def failure_lines(event: StepFailed, *, with_log: bool) -> Iterator[str]:
    """Why an attempt failed: the user's traceback or our sentence, and what the step wrote."""
    if with_log and event.log:
        yield f"  what {event.step} wrote:"
        yield from (f"    {line}" for line in event.log)
    if event.trace:
        yield from (f"  {line}" for line in event.trace.rstrip().splitlines())
    else:
        yield f"  {event.message}"
    if event.retry_in is not None:
        yield f"  tried again in {duration(event.retry_in)}"


def summary_lines(result: RunResult) -> Iterator[str]:
    """The outcome, what the pipeline returned, metrics, artifacts, and where they are."""
    yield ""
    yield outcome(result)
    for title, rows in (
        ("result", result_rows(result)),
        ("metrics", metric_rows(result)),
        ("artifacts", artifact_rows(result)),
    ):
        if rows:
            yield ""
            yield title
            yield from aligned(rows)
    yield ""
    yield recorded(result)


def recorded(result: RunResult) -> str:
    """The last line: where the records are, and whether a commit tells the code's version."""
    place = f"recorded in {result.store}/{result.records}"
    return place if result.commit else f"{place} (the code is not in git)"


def outcome(result: RunResult) -> str:
    """One line: how the run ended, how long it took, what did not run."""
    states = [one.state for one in result.steps]
    parts = [
        f"{states.count(state)} {state}"
        for state in ("succeeded", "failed", "cancelled", "skipped", "not run")
        if state in states
    ]
    reused = sum(one.reused is not None for one in result.steps)
    if reused:
        parts[0] += f", {reused} of them reused"
    text = f"{result.pipeline} {result.state} in {duration(result.seconds)}: {', '.join(parts)}"
    waiting = [one.step for one in result.steps if one.state == "not run"]
    if waiting:
        shown = ", ".join(waiting[:8])
        text += f"\nnot run: {shown}" + (
            f" and {len(waiting) - 8} more" if len(waiting) > 8 else ""
        )
    return text


def result_rows(result: RunResult) -> list[Row]:
    """The values that the pipeline returned, several by name; artifacts are told below."""
    told = {
        name: value.value for name, value in result.outputs.items() if isinstance(value, Constant)
    }
    if list(told) == ["value"]:
        return [(_short(told["value"]),)]
    return [(name, _short(value)) for name, value in told.items()]


def _short(value: object) -> str:
    plain = isinstance(value, str) and value.isprintable()
    text = str(value) if plain else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def metric_rows(result: RunResult) -> list[Row]:
    """Step, metric and value."""
    return [
        (one.step, name, f"{value:.6g}" if isinstance(value, float) else str(value))
        for one in result.steps
        for name, value in one.metrics.items()
    ]


def artifact_rows(result: RunResult) -> list[Row]:
    """Name, type, size and short digest of what was stored."""
    rows: list[Row] = []
    for one in result.steps:
        for name, value in one.outputs.items():
            label = one.step if name == "value" else f"{one.step}.{name}"
            rows += [(label, *row) for row in _stored(value)]
    return rows


def _stored(value: Value) -> list[Row]:
    if isinstance(value, Artifact):
        ref = value.ref
        kind = ref.type.rpartition(":")[2].rpartition(".")[2]
        return [(kind, size(ref.size), ref.digest.removeprefix("sha256:")[:12])]
    if isinstance(value, Several):
        return [row for item in value.items for row in _stored(item)]
    return []


def aligned(rows: list[Row]) -> Iterator[str]:
    """Rows as columns, indented."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def duration(seconds: float) -> str:
    """A time as people say it: `12 ms`, `3.4 s`, `2 min 5 s`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def size(count: int) -> str:
    """A number of bytes as people say it."""
    amount = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{count} B"
