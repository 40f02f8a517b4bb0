"""Plain data to YAML text that YAML 1.1 and 1.2 readers understand alike.

Our own writer, because PyYAML's leaves strings such as `1e3` and `0o17` bare, which YAML 1.2
readers take for numbers, and because it is about thirty times slower.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

MAX_DEPTH = 64
MAX_DIGITS = 4300  # what Python itself reads and writes by default
_MAX_MEMO = 65536
_MAX_MEMO_TEXT = 256
_MAX_KEY = 1000  # readers give up looking for the ":" of a simple key after 1024 characters

_PLAIN = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_ ./-]|:(?=[A-Za-z0-9_./-]))*(?<! )")
_TYPED_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null"])
# A commit or digest is always quoted, so that 1e42 and deadbee look alike in one file.
_HASH = re.compile(r"[0-9A-Fa-f]{7,}")
# What YAML cannot hold as it is, the line breaks of YAML 1.1 alone, and the marks that reorder
# text on the screen and so let it read differently from what it says.
_ESCAPED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
_QUOTED = re.compile(r'["\\]|' + _ESCAPED.pattern)
_SHORT_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}


class Flow(dict[str, Any]):
    """A mapping that is written as `{a: 1, b: 2}` where it fits in the line."""


class FlowList(list[Any]):
    """A list that is written as `[1, 2]` where it fits in the line."""


def dump(data: object, *, width: int = 96, header: str = "") -> str:
    """Write plain data as YAML; the same data gives the same bytes.

    Args:
        data: dict with str keys, list, tuple, str, int, float, bool or None, nested. A tuple is
            written as a list. `Flow` and `FlowList` are written on one line if it fits.
        width: the longest line, in characters, that a flow collection may make.
        header: text for comment lines at the top.

    Raises:
        TypeError: a value or key of another type (subclasses too).
        ValueError: nan, infinity, a lone surrogate, nesting deeper than 64, an integer of more
            than 4300 digits, or control characters in `header`.
    """
    writer = _Writer(width)
    if header:
        writer.out.extend(_comment(line) for line in header.removesuffix("\n").split("\n"))
    writer.document(data)
    writer.out.append("")
    return "\n".join(writer.out)


def _comment(line: str) -> str:
    if bad := _ESCAPED.search(line):
        raise ValueError(f"a header may not hold the character U+{ord(bad[0]):04X}")
    return f"# {line}".rstrip()


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if short := _SHORT_ESCAPES.get(char):
        return short
    if "\ud800" <= char <= "\udfff":
        raise ValueError(f"text holds half a character (the lone surrogate U+{ord(char):04X})")
    return f"\\u{ord(char):04x}"


def _quote(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _TYPED_WORDS and not _HASH.fullmatch(text):
        return text
    return '"' + _QUOTED.sub(_escape, text) + '"'


def _literal_block(text: str, pad: str) -> str | None:
    """The text as a `|` block indented by `pad`, or None where a block would not say it exactly."""
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if (
        not lines[0]
        or lines[0][0] == " "
        or not lines[-1]
        or any(line.endswith(" ") for line in lines)
        or _ESCAPED.search(body.replace("\n", ""))
    ):
        return None
    head = "|" if body != text else "|-"
    return "\n".join([head, *(pad + line if line else "" for line in lines)])


def _int(value: int) -> str:
    # Comparing bits first keeps a huge number from being converted only to be refused.
    if value.bit_length() > MAX_DIGITS * 4 or len(text := str(value)) > MAX_DIGITS:
        raise ValueError(f"an integer of more than {MAX_DIGITS} digits cannot be written")
    return text


def _float(value: float) -> str:
    if value - value != 0:
        raise ValueError(f"{value} is not a finite number and cannot be written")
    text = repr(value)
    # YAML 1.1 takes 1e-05 for a string: it wants the point.
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


_SCALARS: dict[type, Callable[[Any], str]] = {
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
    int: _int,
    float: _float,
}
_BRACKETS: dict[type, tuple[str, str]] = {
    dict: ("{", "}"),
    Flow: ("{", "}"),
    list: ("[", "]"),
    tuple: ("[", "]"),
    FlowList: ("[", "]"),
}


class _Writer:
    """The lines of one document, and how its strings were quoted."""

    __slots__ = ("memo", "out", "width")

    def __init__(self, width: int) -> None:
        self.width = width
        self.out: list[str] = []
        self.memo: dict[str, str] = {}

    def document(self, data: object) -> None:
        if (text := self.inline(data, 0, 1)) is not None:
            self.out.append(text)
        else:
            self.block(data, "", "", 1)

    def string(self, text: str) -> str:
        known = self.memo.get(text)
        if known is None:
            known = _quote(text)
            # Text of several lines is left out: whether it is quoted depends on where it stands.
            if len(text) <= _MAX_MEMO_TEXT and "\n" not in text and len(self.memo) < _MAX_MEMO:
                self.memo[text] = known
        return known

    def key(self, key: object) -> str:
        if type(key) is not str:
            raise TypeError(f"a key must be a str, not {type(key).__name__}")
        return self.string(key)

    def inline(self, value: object, column: int, depth: int) -> str | None:
        """The value on one line, or None for a collection that must be a block."""
        if type(value) is str:
            return self.string(value)
        kind = type(value)
        if scalar := _SCALARS.get(kind):
            return scalar(value)
        if kind not in _BRACKETS:
            raise TypeError(f"{kind.__name__} is not plain data")
        if depth > MAX_DEPTH:
            raise ValueError(f"data nests deeper than {MAX_DEPTH} levels")
        if not value:
            return "".join(_BRACKETS[kind])
        if kind is Flow or kind is FlowList:
            return self.flow(value, self.width - column, depth)
        return None

    def flow(self, value: Any, room: int, depth: int) -> str | None:
        """The collection in flow style, or None when it takes more than `room` characters."""
        if depth > MAX_DEPTH:
            raise ValueError(f"data nests deeper than {MAX_DEPTH} levels")
        start, end = _BRACKETS[type(value)]
        mapping = start == "{"
        parts: list[str] = []
        room -= 2
        for key, item in value.items() if mapping else enumerate(value):
            name = self.key(key) + ": " if mapping else ""
            room -= len(name)
            if type(item) in _BRACKETS:
                text = self.flow(item, room, depth + 1)
            else:
                text = self.inline(item, 0, depth)
            if text is None or len(text) > room or len(name) > _MAX_KEY:
                return None
            room -= len(text) + len(", ")
            parts.append(name + text)
        return start + ", ".join(parts) + end

    def block(self, value: Any, lead: str, pad: str, depth: int) -> None:
        """Write a collection that is not empty: its first line begins with `lead`, others `pad`."""
        if _BRACKETS[type(value)][0] == "{":
            self.mapping(value, lead, pad, depth)
        else:
            self.sequence(value, lead, pad, depth)

    def mapping(self, value: dict[Any, Any], lead: str, pad: str, depth: int) -> None:
        out = self.out
        memo = self.memo
        inner = pad + "  "
        for key, item in value.items():
            name = (memo.get(key) if type(key) is str else None) or self.key(key)
            head = f"{lead}{name}:"
            lead = pad
            if len(name) > _MAX_KEY:
                out.append(f"{head[: -len(name) - 1]}? {name}")
                head = f"{pad}:"
            if type(item) is str:
                known = memo.get(item) or self.text(item, inner)
                out.append(f"{head} {known}")
            elif (text := self.inline(item, len(head) + 1, depth + 1)) is not None:
                out.append(f"{head} {text}")
            else:
                out.append(head)
                self.block(item, inner, inner, depth + 1)

    def sequence(self, value: Any, lead: str, pad: str, depth: int) -> None:
        inner = pad + "  "
        for item in value:
            head = f"{lead}- "
            lead = pad
            if type(item) is str:
                self.out.append(head + self.text(item, inner))
            elif (text := self.inline(item, len(head), depth + 1)) is not None:
                self.out.append(head + text)
            else:
                self.block(item, head, inner, depth + 1)

    def text(self, text: str, pad: str) -> str:
        if "\n" in text and (literal := _literal_block(text, pad)) is not None:
            return literal
        return self.string(text)
