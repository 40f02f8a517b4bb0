"""A run as text for people: what it was, how far it came, what it gave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from penstock.cli.run_view import aligned, duration
from penstock.cli.tables import STATUS_STYLES, clipped, moment
from penstock.cli.values import number_text, recorded_texts, short_digest, value_text
from penstock.diagnostics.render import Ink, visible
from penstock_records.curves import Curve
from penstock_records.reading import Damaged
from penstock_records.run import Run, StepState
from penstock_records.schema import Start

_LONGEST_TRACE = 100
_WIDE_VALUE = 200


def run_as_text(
    run: Run, store: str, points: Sequence[Curve], ink: Ink, *, utc: bool
) -> Iterator[str]:
    """The lines, section by section; a section without content is left out."""
    for title, lines in (
        ("", _head(run, ink, utc)),
        ("parameters", _parameters(run)),
        ("steps", _steps(run, ink)),
        ("metrics", _metrics(run)),
        ("curves", _curves(points)),
        ("errors", _errors(run)),
        ("notes", (f"  {clipped(note)}" for note in (run.start.notes if run.start else ()))),
        ("cannot be read", (f"  {clipped(one, 400)}" for one in run.problems)),
    ):
        found = list(lines)
        if title and found:
            yield from ("", ink(title, "bold"))
        yield from found
    yield from ("", f"recorded in {visible(f'{store}/{run.folder}')}")


def _head(run: Run, ink: Ink, utc: bool) -> Iterator[str]:
    took = f" in {duration(run.end.seconds)}" if run.end is not None else ""
    yield ink(f"run {run.run}", "bold")
    rows = [("pipeline", clipped(run.pipeline or "?"))]
    started = (run.start.started if run.start else "") or (run.end.started if run.end else "")
    rows += [("started", moment(started, utc=utc))] if started else []
    rows += [("went on", moment(one.resumed, utc=utc)) for one in run.notes if one.resumed]
    rows += list(_origin(run.start)) if run.start else []
    style = STATUS_STYLES.get(run.status, "bold")
    yield f"  {'status':<13}{ink(run.status + took, style)}"
    yield from (f"  {name:<13}{text}" for name, text in rows)


def _origin(start: Start) -> Iterator[tuple[str, str]]:
    """Who and what made the run."""
    if start.user or start.host:
        yield "by", clipped(f"{start.user or '?'} on {start.host or '?'}")
    if start.backend:
        yield "ran on", clipped(start.backend + (f", {start.executor}" if start.executor else ""))
    if start.git is not None:
        dirty = ""
        if start.git.dirty:
            patch = start.git.patch
            dirty = f", with changes {short_digest(patch)}" if patch else ", with changes not kept"
        yield "git commit", clipped(start.git.commit[:12] + dirty)
        if start.git.remote:
            yield "git remote", clipped(start.git.remote)
    else:
        yield "git commit", "none: not in a repository"
    if (env := start.environment) is not None:
        packages = f", packages {short_digest(env.packages)}" if env.packages else ""
        yield "environment", clipped(f"Python {env.python}, {env.platform}") + packages
    if start.plan:
        yield "plan", short_digest(start.plan)
    if start.source:
        yield "source", short_digest(start.source)
    if start.resume_of:
        yield "resumes", clipped(start.resume_of)
    if start.tags:
        yield "tags", clipped(", ".join(start.tags))
    if start.owner:
        yield "owner", clipped(start.owner)


def _parameters(run: Run) -> Iterator[str]:
    told = run.start or run.end
    rows = [
        (clipped(name, 60), value_text(value, _WIDE_VALUE))
        for name, value in (told.parameters if told else {}).items()
    ]
    yield from aligned([*rows]) if rows else ()


def _steps(run: Run, ink: Ink) -> Iterator[str]:
    width = max((len(clipped(one.step, 60)) for one in run.steps), default=0)
    for one in run.steps:
        style = STATUS_STYLES.get(one.status, "")
        status = ink(f"{clipped(one.status, 20):<9}", style) if style else f"{one.status:<9}"
        parts = [] if one.seconds is None else [duration(one.seconds)]
        parts += [f"attempt {one.attempts}"] if one.attempts > 1 else []
        parts += list(_cached(one))
        told = f"  {clipped(one.step, 60):<{width}}  {status}  {', '.join(parts)}"
        yield told.rstrip()
        yield from _values("from", one.inputs)
        yield from _values("gave", one.outputs)


def _cached(one: StepState) -> Iterator[str]:
    if one.reused is not None:
        yield f"taken from run {clipped(one.reused.run, 40)}"
    elif one.cache is not None and one.cache.state != "hit":
        why = f": {clipped(one.cache.why)}" if one.cache.why else ""
        yield f"cache {clipped(one.cache.state, 20)}{why}"


def _values(word: str, values: dict[str, object]) -> Iterator[str]:
    try:
        for name, text in recorded_texts(values):
            shown = text if name == "value" else f"{clipped(name, 60)} = {text}"
            yield f"      {word}  {shown}"
    except Damaged as error:
        yield f"      {word}  cannot be read: {clipped(str(error))}"


def _metrics(run: Run) -> Iterator[str]:
    told = {one.step: one.metrics for one in run.steps} | (run.end.metrics if run.end else {})
    rows = [
        (clipped(step, 60), clipped(name, 60), number_text(value))
        for step, metrics in told.items()
        for name, value in metrics.items()
    ]
    yield from aligned([*rows]) if rows else ()


def _curves(points: Sequence[Curve]) -> Iterator[str]:
    rows = [
        (clipped(one.step, 60), clipped(one.name, 60), str(one.points), number_text(one.last))
        for one in points
    ]
    for step, name, count, last in rows:
        yield f"  {step}  {name}: {count} point{'s' * (count != '1')}, the last {last}"


def _errors(run: Run) -> Iterator[str]:
    for one in run.steps:
        if one.error is None:
            continue
        text = one.error.traceback.rstrip() or one.error.message
        lines = text.split("\n")
        yield f"  {clipped(one.step, 60)}"
        if len(lines) > _LONGEST_TRACE:
            half = _LONGEST_TRACE // 2
            lines = [*lines[:half], "…", *lines[-half:]]
        yield from (f"    {clipped(line, 400)}" for line in lines)
