"""Spans of time as people write them: `90d`, `12h`, `0`."""

from __future__ import annotations

import re

import click

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d{1,6})\s*([smhdw])")


def period(ctx: click.Context, param: click.Parameter, text: str | None) -> float | None:
    """The seconds of an option's text: a number and a unit; 0 needs none."""
    if text is None:
        return None
    if text.strip() == "0":
        return 0.0
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise click.BadParameter(f"{text[:40]!r} is no time; write 90d, 12h, 30m or 0", ctx, param)
    return float(int(found[1]) * _SECONDS[found[2]])
