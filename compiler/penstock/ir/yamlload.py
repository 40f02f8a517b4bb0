"""YAML text to plain data, refusing whatever could mean two things.

libyaml's events are read directly: composing and typing happen here, so that no tag, alias, merge
key or repeated key can do anything, and the same text means the same under YAML 1.1 and 1.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import yaml
from yaml.cyaml import CSafeLoader

from penstock.ir.yamldump import MAX_DEPTH, MAX_DIGITS

MAX_BYTES = 64 * 1024 * 1024
MAX_NODES = 2_000_000
_MAX_MEMO = 65536
_MAX_MEMO_TEXT = 256

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# The YAML 1.2 core schema, less what YAML 1.1 reads otherwise: 017 stays text.
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(
    r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)"
)
_NOT_FINITE = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)
_NUMBER_START = frozenset("+-.0123456789")
# U+0085, U+2028 and U+2029 end a line in YAML 1.1 and do not in 1.2.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)
_LINE_END = re.compile("\r\n|\r|\n")


class YamlError(ValueError):
    """The text is not YAML that we read; `message` is one sentence, the place counts from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        self.message = message
        self.line = line
        self.column = column
        super().__init__(f"{message} (line {line}, column {column})")


def load(text: str | bytes, *, max_bytes: int = MAX_BYTES, max_nodes: int = MAX_NODES) -> object:
    """Read one YAML document as dict, list, str, int, float, bool and None.

    Plain scalars follow the YAML 1.2 core schema; `yes`, `0o17`, `0x1f`, `017`, `1_000`, `12:30`
    and dates are text.

    Args:
        text: the document; bytes are UTF-8.
        max_bytes: the largest size, in bytes of UTF-8.
        max_nodes: the largest number of keys, values and collections.

    Raises:
        YamlError: no document or several; anchors, aliases, tags, directives, merge keys, keys
            that repeat or are not text; unprintable characters; numbers that are not finite;
            nesting deeper than 64; too much of anything; or text that is not YAML.
    """
    with _events(_checked(text, max_bytes)) as next_event:
        return _compose(next_event, max_nodes)


def locate(text: str | bytes, path: Sequence[str | int]) -> tuple[int, int]:
    """The line and column, from 1, of the value at `path` in a text that `load` accepts.

    Where the path leads on to nothing, the place of the deepest part that exists. It reads the
    text again, so that `load` need not keep every place for the one that is in error.
    """
    wanted = list(path)
    place = (1, 1)
    with _events(_checked(text, MAX_BYTES)) as next_event:
        event = _start(next_event)
        while True:
            place = (event.start_mark.line + 1, event.start_mark.column + 1)
            if not wanted or isinstance(event, yaml.ScalarEvent):
                return place
            step = wanted.pop(0)
            found = _child(next_event, event, step)
            if found is None:
                return place
            event = found


def _child(next_event: Callable[[], Any], parent: Any, step: str | int) -> Any:
    """Read on to the child that `step` names; None when there is none."""
    named = isinstance(parent, yaml.MappingStartEvent)
    index = 0
    while not isinstance(event := next_event(), yaml.CollectionEndEvent):
        name = event.value if named else index
        index += 1
        if named:
            event = next_event()
        if name == step:
            return event
        depth = int(isinstance(event, yaml.CollectionStartEvent))
        while depth:
            inner = next_event()
            depth += isinstance(inner, yaml.CollectionStartEvent)
            depth -= isinstance(inner, yaml.CollectionEndEvent)
    return None


def _checked(text: str | bytes, max_bytes: int) -> bytes:
    """The text as UTF-8 bytes, within the size and with printable characters only."""
    if len(text) > max_bytes:
        raise YamlError(f"the file is larger than {max_bytes} bytes")
    if isinstance(text, bytes):
        text = _decoded(text)
    text = text.removeprefix("\ufeff")  # some editors begin every file with this mark
    if bad := _UNPRINTABLE.search(text):
        raise YamlError(
            f"the character U+{ord(bad[0]):04X} must be written as an escape in double quotes",
            *_place(text[: bad.start()]),
        )
    data = text.encode("utf-8")
    if len(data) > max_bytes:
        raise YamlError(f"the file is larger than {max_bytes} bytes")
    return data


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        good = data[: error.start].decode("utf-8")
        raise YamlError("the file is not UTF-8 text", *_place(good)) from None


def _place(before: str) -> tuple[int, int]:
    ends = list(_LINE_END.finditer(before))
    return len(ends) + 1, len(before) - (ends[-1].end() if ends else 0) + 1


@contextmanager
def _events(data: bytes) -> Generator[Callable[[], Any]]:
    """libyaml's events, its errors told as ours."""
    loader = CSafeLoader(data)
    try:
        yield loader.get_event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = " ".join(filter(None, (error.problem, error.context)))
        raise YamlError(f"this is not YAML: {problem}", line, column) from None
    except yaml.YAMLError as error:
        raise YamlError(f"this is not YAML: {error}") from None
    finally:
        loader.dispose()


def _refuse(event: Any, message: str) -> NoReturn:
    raise YamlError(message, event.start_mark.line + 1, event.start_mark.column + 1)


def _plain(event: Any) -> object:
    """The value of a scalar that stands without quotes."""
    text: str = event.value
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    number: type[int] | type[float]
    if _INT.fullmatch(text):
        number = int
    elif _FLOAT.fullmatch(text):
        number = float
    elif _NOT_FINITE.fullmatch(text):
        _refuse(event, f"{text} is not a finite number; quote it if it is text")
    else:
        return text
    if len(text) > MAX_DIGITS:
        _refuse(event, f"a number may have at most {MAX_DIGITS} digits")
    value = number(text)
    if value - value != 0:
        _refuse(event, "this number is too large for a float")
    return value


def _start(next_event: Callable[[], Any]) -> Any:
    """The first event of the document's content."""
    next_event()
    event = next_event()
    if isinstance(event, yaml.StreamEndEvent):
        _refuse(event, "the file holds no YAML document")
    if event.version or event.tags:
        _refuse(event, "YAML directives (lines that begin with %) are not read")
    return next_event()


def _compose(next_event: Callable[[], Any], max_nodes: int) -> object:
    event = _start(next_event)
    root: list[object] = []
    # The collection being filled, those around it, and the key that waits for its value.
    into: list[object] | dict[str, object] = root
    parents: list[list[object] | dict[str, object]] = []
    key: str | None = None
    plain: dict[str, object] = {}
    nodes = 0
    while True:
        seen: object = event
        kind = type(seen)
        if kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            into = parents.pop()
            if into is root:
                break
            event = next_event()
            continue
        if kind is yaml.AliasEvent:
            _refuse(event, "aliases (*name) are not read; write the value out")
        if event.anchor is not None:
            _refuse(event, "anchors (&name) are not read; write the value out")
        if event.tag is not None:
            _refuse(event, "tags (!name) are not read")
        nodes += 1
        if nodes > max_nodes:
            _refuse(event, f"the file holds more than {max_nodes} values")
        value: object
        if kind is yaml.ScalarEvent:
            text: str = event.value
            if event.style:
                value = text
            elif text in plain:
                value = plain[text]
            else:
                value = _plain(event)
                if len(text) <= _MAX_MEMO_TEXT and len(plain) < _MAX_MEMO:
                    plain[text] = value
            opened = None
        else:
            opened = dict[str, object]() if kind is yaml.MappingStartEvent else list[object]()
            value = opened
        if isinstance(into, list):
            into.append(value)
        elif key is None:
            key = _key(event, value, into)
            event = next_event()
            continue
        else:
            into[key] = value
            key = None
        if opened is not None:
            if len(parents) >= MAX_DEPTH:
                _refuse(event, f"the data nests deeper than {MAX_DEPTH} levels")
            parents.append(into)
            into = opened
        elif into is root:
            break
        event = next_event()
    _end(next_event)
    return root[0]


def _key(event: Any, value: object, mapping: dict[str, object]) -> str:
    if type(value) is not str:
        _refuse(event, "a key must be text; quote it")
    if value == "<<" and not event.style:
        _refuse(event, "merge keys (<<) are not read; write the keys out")
    if value in mapping:
        _refuse(event, f"the key {value[:80]!r} stands twice in one mapping")
    return value


def _end(next_event: Callable[[], Any]) -> None:
    next_event()
    if not isinstance(event := next_event(), yaml.StreamEndEvent):
        _refuse(event, "the file holds more than one YAML document")
