"""The capability table as text, Markdown and JSON; all from what the backends say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from textwrap import fill

from penstock.backend import Backend
from penstock.features import Feature, Support

_MARKS = {"native": "yes", "lowered": "yes", "notyet": "not yet", "never": "no"}


def as_text(backends: Sequence[Backend]) -> str:
    """Columns for a terminal, and below them what is to be known of each backend."""
    width = max(len(one.value) for one in Feature)
    head = " " * width + "".join(f"  {one.name:<8}" for one in backends)
    lines = [head.rstrip()]
    for feature in Feature:
        marks = "".join(f"  {_MARKS[one.supports[feature].how]:<8}" for one in backends)
        lines.append(f"{feature.value:<{width}}{marks}".rstrip())
    for backend in backends:
        notes: dict[str, list[str]] = {}
        for feature in Feature:
            if why := backend.supports[feature].why:
                notes.setdefault(why, []).append(feature.value)
        if notes:
            lines += ["", f"{backend.name}:"]
            for why, features in notes.items():
                told = f"  {', '.join(features)}: {why}"
                lines.append(fill(told, 100, subsequent_indent="    "))
    return "\n".join(lines)


def as_markdown(backends: Sequence[Backend]) -> str:
    """The table of the README, with reasons and limits as notes."""
    names = " | ".join(one.name for one in backends)
    lines = [f"| | {names} |", "|---|" + "---|" * len(backends)]
    reasons: dict[str, int] = {}
    for feature in Feature:
        cells = [_cell(one.supports[feature], reasons) for one in backends]
        lines.append(f"| {feature.value} | {' | '.join(cells)} |")
    if reasons:
        lines += ["", *(f"{number}. {why}" for why, number in reasons.items())]
    return "\n".join(lines)


def _cell(support: Support, reasons: dict[str, int]) -> str:
    if not support.why:
        return _MARKS[support.how]
    number = reasons.setdefault(support.why, len(reasons) + 1)
    return f"{_MARKS[support.how]} <sup>{number}</sup>"


def as_json(backends: Sequence[Backend]) -> str:
    """One object for each backend, by feature."""
    table = {
        backend.name: {
            feature.name.lower(): {
                "what": feature.value,
                "how": backend.supports[feature].how,
                "why": backend.supports[feature].why,
            }
            for feature in Feature
        }
        for backend in backends
    }
    return json.dumps(table, indent=2)
