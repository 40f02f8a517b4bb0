"""A spec as plain data, and the line of each of its parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml
from yaml.cyaml import CSafeLoader

from penstock_kubeflow.verifier.faults import Where

LARGEST = 32 * 1024 * 1024
"""What the server takes at an upload, in bytes."""
_DEEPEST = 200
_WORDS = {"true": True, "false": False}
_TAGS = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:str", "tag:yaml.org,2002:value"}


class Unreadable(ValueError):
    """The text is no YAML that the server reads; `line` counts from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        self.line = line
        super().__init__(message)


@dataclass(frozen=True)
class Document:
    """One YAML document."""

    data: Any
    lines: Mapping[Where, int]

    def line(self, where: Where) -> int:
        """The line of a part, or of the nearest one around it that is there."""
        while where and where not in self.lines:
            where = where[:-1]
        return self.lines.get(where, 1)


def read(text: str) -> list[Document]:
    """The documents of a file. Raises `Unreadable`."""
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise Unreadable(f"the file is larger than {LARGEST:,} bytes, which the server refuses")
    if re.search(r"^\s*[\[{]", text):
        text = text.replace("\t", " ")  # JSON may be indented with tabs
    found: list[Document] = []
    try:
        for event in yaml.parse(text, Loader=CSafeLoader):
            if isinstance(event, yaml.AliasEvent):
                mark: Any = event.start_mark
                raise Unreadable("aliases may mean a file of any size", mark.line + 1)
        for node in yaml.compose_all(text, Loader=CSafeLoader):
            lines: dict[Where, int] = {}
            found.append(Document(_plain(node, (), lines), lines))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Unreadable(f"this is no YAML: {error.problem}", line) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(f"this is no YAML: {str(error)[:200]}") from None
    return found


def _plain(node: Any, where: Where, lines: dict[Where, int]) -> Any:
    lines[where] = line = node.start_mark.line + 1
    if len(where) > _DEEPEST:
        raise Unreadable(f"it is nested more than {_DEEPEST} deep", line)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in cast("list[tuple[Any, Any]]", node.value):
            name = str(key.value)
            if not isinstance(key, yaml.ScalarNode) or name in found:
                raise Unreadable(f"the key {name[:60]!r} stands twice, or is no text", line)
            found[name] = _plain(value, (*where, name), lines)
            lines[(*where, name)] = key.start_mark.line + 1
        return found
    if isinstance(node, yaml.SequenceNode):
        items = cast("list[Any]", node.value)
        return [_plain(one, (*where, number), lines) for number, one in enumerate(items)]
    return _scalar(str(node.tag), str(node.value), line)


def _scalar(tag: str, text: str, line: int) -> Any:
    try:
        match tag.removeprefix("tag:yaml.org,2002:"):
            case "null":
                return None
            case "bool":
                return _WORDS.get(text.lower(), text.lower() in ("yes", "on"))
            case "int":
                return int(text.replace("_", ""), 0) if text != "0" else 0
            case "float":
                return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
            case _ if tag in _TAGS:
                return text
            case _:
                raise Unreadable(f"the tag {tag!r} means nothing here", line)
    except ValueError as error:
        if isinstance(error, Unreadable):
            raise
        return text
