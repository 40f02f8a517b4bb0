"""A run on a terminal: a line for each running step with its time, what is done above them."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from penstock.cli.run_view import (
    BEFORE,
    artifact_rows,
    duration,
    edited,
    failure_lines,
    headline,
    metric_rows,
    outcome,
    recorded,
    result_rows,
    source,
)
from penstock.runner import (
    Event,
    Listener,
    RunFinished,
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

_MOST_LINES = 12
_COLOURS = {"succeeded": "bold green", "failed": "bold red", "cancelled": "bold yellow"}


@contextmanager
def live_view(*, quiet: bool) -> Generator[Listener, None, None]:
    """Shows the run until it is over; what steps print goes above."""
    console = Console(highlight=False)
    view = _View(console, quiet)
    with Live(view, console=console, refresh_per_second=10, transient=True):
        yield view.listen
    view.summary()


class _View:
    def __init__(self, console: Console, quiet: bool) -> None:
        self._console = console
        self._quiet = quiet
        self._running: dict[str, float] = {}
        self._done = 0
        self._steps = 0
        self._spinner = Spinner("dots")
        self._result: RunResult | None = None

    def __rich__(self) -> RenderableType:
        now = time.monotonic()
        table = Table.grid(padding=(0, 1))
        shown = list(self._running.items())
        for step, began in shown[:_MOST_LINES]:
            table.add_row(self._spinner, Text(step), Text(duration(now - began), style="dim"))
        rest = len(shown) - _MOST_LINES
        more = f", {rest} more running" if rest > 0 else ""
        # Loops unfold while the run goes on: their rounds may outnumber the steps.
        of = f"{self._done} of {self._steps}" if self._done <= self._steps else f"{self._done}"
        return Group(table, Text(f"  {of} steps done{more}", style="dim"))

    def listen(self, event: Event) -> None:
        """Takes one event of the run."""
        match event:
            case RunStarted():
                self._steps = event.steps
                self._say(headline(event), "bold")
                for note in event.notes:
                    self._say(f"note: {note}", "yellow")
            case StepStarted():
                self._running[event.step] = time.monotonic()
            case StepLine():
                if not self._quiet:
                    self._say_pair(event.step, f" | {event.line}", "cyan")
            case StepReused():
                self._over(event.step)
                self._say_pair("=", f" {event.step}  reused: {source(event)}", "cyan")
            case StepSucceeded():
                self._over(event.step)
                self._mark("✓", "green", event.step, event.seconds)
                if event.edited:
                    self._say(edited(event), "yellow")
            case StepFailed():
                self._over(event.step, again=event.retry_in is not None)
                self._mark("✗", "red", event.step, event.seconds)
                for line in failure_lines(event, with_log=self._quiet):
                    self._say(line)
            case StepSkipped():
                self._over(event.step)
                self._say_pair("-", f" {event.step}  skipped", "dim")
            case StepCancelled():
                self._over(event.step)
                self._mark("■", "yellow", event.step, event.seconds)
            case RunFinished():
                self._result = event.result
                if event.written_before:
                    self._say(BEFORE, "yellow")

    def summary(self) -> None:
        """The tables at the end, when the live part is gone."""
        result = self._result
        if result is None:
            return
        self._console.print()
        self._say(outcome(result), _COLOURS[result.state])
        for row in result_rows(result):
            self._say(f"result  {'  '.join(row)}")
        for heads, rows in (
            (("step", "metric", "value"), metric_rows(result)),
            (("artifact", "type", "size", "digest"), artifact_rows(result)),
        ):
            if rows:
                table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
                for head in heads:
                    right = head in ("value", "size")
                    table.add_column(head, justify="right" if right else "left")
                for row in rows:
                    table.add_row(*map(Text, row))
                self._console.print()
                self._console.print(table)
        self._console.print()
        place = Text(recorded(result), style="dim")
        self._console.print(place, soft_wrap=True)  # in one piece, for who copies it

    def _over(self, step: str, *, again: bool = False) -> None:
        self._running.pop(step, None)
        self._done += not again

    def _mark(self, mark: str, style: str, step: str, seconds: float) -> None:
        text = Text.assemble((mark, style), f" {step}  ", (duration(seconds), "dim"))
        self._console.print(text)

    def _say(self, text: str, style: str = "") -> None:
        # Text, never markup: `[red]` in a user's log is a user's log.
        self._console.print(Text(text, style=style))

    def _say_pair(self, first: str, second: str, style: str) -> None:
        self._console.print(Text.assemble((first, style), second))
