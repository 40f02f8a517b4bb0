"""Diagnostics as text for people, and as JSON or GitHub annotations for machines."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.diagnostics.model import Diagnostic, Span
from penstock.diagnostics.sources import Sources

_COLOURS = {"error": "31", "warning": "33", "frame": "34", "note": "36", "bold": "1"}


@dataclass(frozen=True)
class Ink:
    """Colours text for a terminal, or leaves it as it is."""

    on: bool = False

    def __call__(self, text: str, *styles: str) -> str:
        """The text in these styles."""
        if not self.on or not text:
            return text
        codes = ";".join(_COLOURS[style] for style in styles)
        return f"\x1b[{codes}m{text}\x1b[0m"


def render_text(found: Sequence[Diagnostic], sources: Sources, *, colour: bool = False) -> str:
    """All diagnostics, each with its line, and the count at the end."""
    ink = Ink(colour)
    blocks = [_block(one, sources, ink) for one in found]
    errors = sum(one.severity == "error" for one in found)
    warnings = len(found) - errors
    counts = [
        f"{count} {word}{'s' * (count != 1)}"
        for count, word in ((errors, "error"), (warnings, "warning"))
        if count
    ]
    return "\n\n".join([*blocks, ink(f"found {' and '.join(counts)}", "bold")])


def _block(one: Diagnostic, sources: Sources, ink: Ink) -> str:
    head = ink(f"{one.severity}[{one.code}]", one.severity, "bold")
    lines = [head + ink(f": {visible(one.message)}", "bold")]
    width = len(str(max([one.span.line if one.span else 0, *(span.line for span, _ in one.notes)])))
    pad, bar = " " * width, ink("|", "frame")
    parts: list[list[str]] = []
    if one.span is not None:
        parts.append(_snippet(one.span, one.label, sources, ink, width, one.severity))
    for span, text in one.notes:
        said = f"{pad} {ink('=', 'frame')} {ink('note', 'note')}: {visible(text)}"
        parts.append([said, *_snippet(span, "", sources, ink, width, "note")])
    if one.hint:
        parts.append([f"{pad} {ink('=', 'frame')} {ink('help', 'bold')}: {visible(one.hint)}"])
    for part in parts:
        lines += part
        if len(part) > 2 and part is not parts[-1]:
            lines.append(f"{pad} {bar}")
    return "\n".join(lines)


def _snippet(
    span: Span, label: str, sources: Sources, ink: Ink, width: int, style: str
) -> list[str]:
    pad = " " * width
    col = sources.column(span, span.col, span.line)
    place = f"{visible(span.file)}:{span.line}" + (f":{col}" if span.col else "")
    lines = [f"{pad}{ink('-->', 'frame')} {place}"]
    source = sources.line(span.file, span.line)
    if source is None:
        return lines
    bar = ink("|", "frame")
    number = ink(str(span.line).rjust(width), "frame")
    lines += [f"{pad} {bar}", f"{number} {bar} {visible(source)}".rstrip()]
    if not span.col and not label:
        return lines
    if not span.col:
        col = len(source) - len(source.lstrip()) + 1
    end = span.end_col if span.end_line == span.line else 0
    end = sources.column(span, end, span.line) if end else len(source.rstrip()) + 1
    before = _width(visible(source[: col - 1]))
    marks = "^" * max(1, _width(visible(source[col - 1 : end - 1])))
    shown = ink(f"{marks} {visible(label)}".rstrip(), style)
    lines.append(f"{pad} {bar} {' ' * before}{shown}")
    return lines


def visible(text: str) -> str:
    """The text with control characters shown, so that none reaches the terminal."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def render_json(found: Sequence[Diagnostic], sources: Sources) -> str:
    """A JSON list, one object for each diagnostic."""
    return json.dumps([_plain(one, sources) for one in found], indent=2)


def _plain(one: Diagnostic, sources: Sources) -> dict[str, object]:
    return {
        "code": one.code,
        "severity": one.severity,
        "message": one.message,
        "label": one.label,
        "help": one.hint,
        "span": _place(one.span, sources) if one.span else None,
        "notes": [{"span": _place(span, sources), "message": text} for span, text in one.notes],
    }


def _place(span: Span, sources: Sources) -> dict[str, object]:
    return {
        "file": span.file,
        "line": span.line,
        "column": sources.column(span, span.col, span.line) if span.col else None,
        "end_line": span.end_line or span.line,
        "end_column": sources.column(span, span.end_col, span.end_line) if span.end_col else None,
    }


def render_github(found: Sequence[Diagnostic], sources: Sources) -> str:
    """Workflow commands that GitHub shows beside the line."""
    return "\n".join(_annotation(one, sources) for one in found)


def _annotation(one: Diagnostic, sources: Sources) -> str:
    parts: list[str] = []
    if one.span is not None:
        place = _place(one.span, sources)
        names = {
            "file": "file",
            "line": "line",
            "column": "col",
            "end_line": "endLine",
            "end_column": "endColumn",
        }
        parts = [f"{names[key]}={_property(value)}" for key, value in place.items() if value]
    parts.append(f"title={_property(one.code)}")
    message = visible(one.message) + (f"\n{visible(one.hint)}" if one.hint else "")
    return f"::{one.severity} {','.join(parts)}::{_escaped(message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _escaped(visible(str(value))).replace(":", "%3A").replace(",", "%2C")
