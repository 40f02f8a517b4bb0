"""Python expressions as text, laid out exactly as black and ruff would leave them.

The one place where a value becomes Python source. Text comes from `repr`, never from the value
itself, so that no string can end its own quotes, and `ast.literal_eval` gives the value back.
What does not fit in a line goes one element per line with a trailing comma, the form that both
formatters keep whatever else changes.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any, TypeAlias

LINE = 88  # the default of black and ruff
MAX_DEPTH = 64  # Python's own parser gives up at 100 to 200 brackets
MAX_DIGITS = 4300  # what Python itself reads and writes by default
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: str, int, float, bool, None, and list, tuple or dict of those."""

    value: object

    def __post_init__(self) -> None:
        if type(self.value) not in _SCALARS:
            _value(self.value, 1)


@dataclass(frozen=True, slots=True)
class Name:
    """A name, with or without dots."""

    name: str

    def __post_init__(self) -> None:
        for part in self.name.split("."):
            _check_name(part)


@dataclass(frozen=True, slots=True)
class Starred:
    """`**node` among the keyword arguments of a call."""

    node: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A call: `func` is a dotted name, or the `Method` of another call."""

    func: str | Name | Method
    args: tuple[Node, ...] = ()
    kwargs: tuple[tuple[str, Node] | Starred, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.func, str):
            Name(self.func)
        seen: set[str] = set()
        for item in self.kwargs:
            if isinstance(item, tuple):
                _check_name(item[0])
                if item[0] in seen:
                    raise ValueError(f"the keyword {item[0]} stands twice in one call")
                seen.add(item[0])


@dataclass(frozen=True, slots=True)
class Method:
    """The method `name` of what a call returns, to be called in its turn: `f(...).name`."""

    call: Call
    name: str

    def __post_init__(self) -> None:
        _check_name(self.name)
        # From the third call on, the formatters break at the dots.
        if isinstance(self.call.func, Method):
            raise ValueError("a chain of three calls is not laid out; use two statements")


@dataclass(frozen=True, slots=True)
class ListOf:
    """`[a, b]`."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class DictOf:
    """`{key: value}`; the keys are constants."""

    pairs: tuple[tuple[str | int, Node], ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """`left >> right`, a statement of its own; it may not stand inside another node."""

    left: Name | Call | ListOf | Shift
    right: Name | Call | ListOf


Node: TypeAlias = Literal | Name | Call | ListOf | DictOf


@dataclass(slots=True)
class _Group:
    """What may be broken: brackets, and the elements between them, each behind its `lead`."""

    open: str
    items: list[tuple[str, _Doc]]
    close: str
    flat: str | None  # on one line; None when no line has room for it


@dataclass(slots=True)
class _Chain:
    """Two calls in a row."""

    first: _Group
    second: _Doc
    flat: str | None


_Doc: TypeAlias = "str | _Group | _Chain"


def render(node: Node | Shift, *, column: int = 0, indent: int = 0, suffix: str = "") -> str:
    """The expression as text, broken over lines where it does not fit.

    Args:
        column: how much stands before it in its line. More than `indent` with an empty `suffix`
            means that the line begins with `target = ` or `return `.
        indent: of the statement, in spaces.
        suffix: what will follow in its last line; counted, not written. Behind `with`, the line up
            to the call's bracket must fit: what the formatters do otherwise is not laid out.

    Raises:
        TypeError: a value that is not a constant or a node.
        ValueError: nan, infinity, an integer of more than 4300 digits, nesting deeper than 64.
    """
    if isinstance(node, Shift):
        if column != indent or suffix:
            raise ValueError("a chain of >> must be a statement of its own")
        return _shift(node, indent)
    doc = _node(node, 1)
    if column > indent and not suffix and (text := _in_parentheses(doc, column, indent)):
        return text
    out: list[str] = []
    _lay(doc, column, indent, suffix, out)
    return "".join(out)


def lit(value: object, *, column: int = 0, indent: int = 0, suffix: str = "") -> str:
    """The constant as text: `render(Literal(value), ...)`."""
    return render(Literal(value), column=column, indent=indent, suffix=suffix)


def _check_name(name: str) -> None:
    if type(name) is not str:
        raise TypeError(f"a name must be a str, not {type(name).__name__}")
    if not _NAME.fullmatch(name) or iskeyword(name):
        raise ValueError(f"{name!r} is not a Python name")


def _width(text: str) -> int:
    """Columns on a screen, as the formatters count them."""
    if text.isascii():
        return len(text)
    return sum(
        2 if unicodedata.east_asian_width(char) in "WF" else not unicodedata.combining(char)
        for char in text
    )


def _most(text: str) -> int:
    """At least `_width`: the formatters disagree on some characters, and broken lines stay."""
    return len(text) if text.isascii() else len(text) + sum(char > "\x7f" for char in text)


def _string(text: str) -> str:
    """Quoted as black prefers: in double quotes, unless that takes more backslashes."""
    quoted = repr(text)
    if quoted[0] == '"':
        return quoted
    double = text.count('"')
    if double > text.count("'"):
        return quoted
    body = quoted[1:-1]
    if double:
        body = body.replace("\\'", "'").replace('"', '\\"')
    return f'"{body}"'


def _int(value: int) -> str:
    # Comparing bits first keeps a huge number from being converted only to be refused.
    if value.bit_length() > MAX_DIGITS * 4 or len(text := str(value)) > MAX_DIGITS:
        raise ValueError(f"an integer of more than {MAX_DIGITS} digits cannot be written")
    return text


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} has no Python literal")
    return repr(value).replace("e+", "e")


_SCALARS: dict[type, Callable[[Any], str]] = {
    str: _string,
    int: _int,
    float: _float,
    bool: repr,
    type(None): repr,
}


def _value(value: Any, depth: int) -> _Doc:
    given: object = value
    kind = type(given)
    if scalar := _SCALARS.get(kind):
        return scalar(value)
    if depth > MAX_DEPTH:
        raise ValueError(f"a value nests deeper than {MAX_DEPTH} levels")
    if kind is list:
        return _group("[", [("", _value(item, depth + 1)) for item in value], "]")
    if kind is tuple:
        return _group("(", [("", _value(item, depth + 1)) for item in value], ")")
    if kind is not dict:
        raise TypeError(f"{kind.__name__} is not a constant that can be written")
    return _group("{", [(_key(key), _value(value[key], depth + 1)) for key in value], "}")


def _key(key: object) -> str:
    scalar = _SCALARS.get(type(key))
    if scalar is None:
        raise TypeError(f"{type(key).__name__} is not a constant that can be a key")
    return scalar(key) + ": "


def _node(node: Node, depth: int) -> _Doc:
    if isinstance(node, Literal):
        scalar = _SCALARS.get(type(node.value))
        return scalar(node.value) if scalar else _value(node.value, depth)
    if isinstance(node, Name):
        return node.name
    if depth > MAX_DEPTH:
        raise ValueError(f"an expression nests deeper than {MAX_DEPTH} levels")
    if isinstance(node, Call):
        return _call(node, depth)
    if isinstance(node, ListOf):
        return _group("[", [("", _node(item, depth + 1)) for item in node.items], "]")
    if type(node) is not DictOf:
        raise TypeError(f"{type(node).__name__} cannot stand here")
    pairs = [(_key(key), _node(item, depth + 1)) for key, item in node.pairs]
    return _group("{", pairs, "}")


def _call(call: Call, depth: int) -> _Doc:
    items = [("", _node(item, depth + 1)) for item in call.args]
    for item in call.kwargs:
        if isinstance(item, Starred):
            items.append(("**", _node(item.node, depth + 1)))
        else:
            items.append((item[0] + "=", _node(item[1], depth + 1)))
    func = call.func
    if not isinstance(func, Method):
        return _group((func if isinstance(func, str) else func.name) + "(", items, ")")
    first = _call(func.call, depth)
    if not isinstance(first, _Group):
        return _group(f"{first}.{func.name}(", items, ")")
    second = _group(f".{func.name}(", items, ")")
    flat = _flat(second)
    whole = None if first.flat is None or flat is None else first.flat + flat
    return _Chain(first, second, whole)


def _flat(doc: _Doc) -> str | None:
    return doc if isinstance(doc, str) else doc.flat


def _group(start: str, items: list[tuple[str, _Doc]], end: str) -> _Doc:
    if not items:
        return start + end
    parts: list[str] = []
    room = LINE - len(start) - len(end)
    for lead, doc in items:
        text = doc if isinstance(doc, str) else doc.flat
        if text is None:
            break
        room -= len(lead) + len(text) + 2
        if room < -2:
            break
        parts.append(lead + text)
    else:
        comma = "," if start == "(" and len(items) == 1 else ""
        return _Group(start, items, end, start + ", ".join(parts) + comma + end)
    return _Group(start, items, end, None)


def _lay(doc: _Doc, column: int, indent: int, suffix: str, out: list[str], doubt: int = 0) -> None:
    if isinstance(doc, str):
        out.append(doc)
    elif doc.flat is not None and _fits(doc, doc.flat, column, doubt, suffix):
        out.append(doc.flat)
    elif isinstance(doc, _Group):
        _explode(doc, indent, out)
    else:
        _lay_chain(doc, column, indent, suffix, out)


def _fits(doc: _Group | _Chain, flat: str, column: int, doubt: int, suffix: str) -> bool:
    room = LINE - column - len(suffix)
    # The formatters disagree on the width of some characters. Broken lines stay broken whether or
    # not they had to be, so whatever is in doubt is broken: all but (a,), whose comma is no sign.
    if isinstance(doc, _Group) and doc.open == "(" and len(doc.items) == 1:
        return _width(flat) <= room
    return doubt + _most(flat) <= room


def _explode(doc: _Group, indent: int, out: list[str]) -> None:
    out.append(doc.open)
    inner = indent + 4
    pad = "\n" + " " * inner
    for lead, child in doc.items:
        out.append(pad)
        out.append(lead)
        if isinstance(child, str):
            out.append(child)
        else:
            width = _width(lead)
            _lay(child, inner + width, inner, ",", out, _most(lead) - width)
        out.append(",")
    out.append("\n" + " " * indent + doc.close)


def _lay_chain(doc: _Chain, column: int, indent: int, suffix: str, out: list[str]) -> None:
    first, second = doc.first, doc.second
    if (
        isinstance(second, _Group)
        and first.flat is not None
        and column + _most(first.flat) + len(second.open) <= LINE
    ):
        out.append(first.flat)
        _explode(second, indent, out)
    else:
        _explode(first, indent, out)
        # Only after a `target = ` that is not too long does black leave the second call alone.
        assigned = column > indent and not suffix and column + len(first.open) <= LINE
        if isinstance(second, _Group) and not assigned:
            _explode(second, indent, out)
        else:
            _lay(second, indent + len(first.close), indent, suffix, out)


def _in_parentheses(doc: _Doc, column: int, indent: int) -> str | None:
    """The text after `target = ` where the formatters would rather begin on a new line.

    They do so where the first line is too long as it is and every line fits after that.
    """
    head = doc.first if isinstance(doc, _Chain) else doc
    if column + _width(head if isinstance(head, str) else head.open) <= LINE:
        return None
    out: list[str] = []
    inner = indent + 4
    _lay(doc, inner, inner, "", out)
    lines = (" " * inner + "".join(out)).split("\n")
    if any(_width(line) > LINE for line in lines):
        return None
    return "\n".join(["(", *lines, " " * indent + ")"])


def _shift(node: Shift, indent: int) -> str:
    operands: list[Name | Call | ListOf] = []
    left: Name | Call | ListOf | Shift = node
    while isinstance(left, Shift):
        operands.insert(0, left.right)
        left = left.left
    operands.insert(0, left)
    docs = [_node(operand, 1) for operand in operands]
    flats = [flat for doc in docs if (flat := _flat(doc)) is not None]
    out: list[str] = []
    if len(flats) == len(docs) and indent + _most(whole := " >> ".join(flats)) <= LINE:
        return whole
    if (
        len(docs) == 2
        and isinstance(first := operands[0], Name)
        and isinstance(operands[1], ListOf)
        and isinstance(docs[1], _Group)
    ):
        head = f"{first.name} >> "
        if indent + len(head) + len(docs[1].open) <= LINE:
            _explode(docs[1], indent, out)
            return head + "".join(out)
    inner = indent + 4
    out.append("(")
    for at, doc in enumerate(docs):
        lead = ">> " if at else ""
        out.append("\n" + " " * inner + lead)
        _lay(doc, inner + len(lead), inner, "", out)
    out.append("\n" + " " * indent + ")")
    return "".join(out)
