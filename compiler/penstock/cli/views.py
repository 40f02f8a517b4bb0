"""The view of a run: JSON lines, a live picture of a terminal, or plain lines."""

from __future__ import annotations

from contextlib import AbstractContextManager

from penstock.cli.output import use_colour
from penstock.runner import Listener


def view_of(form: str, *, quiet: bool) -> AbstractContextManager[Listener]:
    """The view for a format and the terminal that there is."""
    if form == "json":
        from penstock.cli.run_events import json_view

        return json_view()
    if use_colour():
        from penstock.cli.live import live_view

        return live_view(quiet=quiet)
    from penstock.cli.run_view import plain_view

    return plain_view(quiet=quiet)
