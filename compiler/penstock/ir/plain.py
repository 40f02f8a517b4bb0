"""Reads a pipeline from plain data: the one door by which tracing and YAML both enter.

The functions here only rearrange what a person reads into the shape of the nodes; what has a
wrong shape is passed on as it is, and pydantic, which checks everything, says what is wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TypeVar, cast

from pydantic import ValidationError

from penstock.diagnostics import Span
from penstock.ir.nodes import PipelineIR

FORMAT = 1
DEPTH = 48
_Shape = dict[str, object]
_Read = Callable[[object], object]
_T = TypeVar("_T")


class IRError(ValueError):
    """The data is no pipeline; the message is one sentence that names the place."""

    def __init__(self, message: str) -> None:
        super().__init__(message if len(message) <= 300 else f"{message[:299]}…")


def from_plain(data: object) -> PipelineIR:
    """Builds the pipeline that `data` describes.

    Raises `IRError` when a part is missing, unknown, or of the wrong shape.
    """
    if not isinstance(data, dict):
        raise IRError("the document is no mapping")
    top = dict(cast(_Shape, data))
    version = top.pop("penstock", None)
    if type(version) is not int or version != FORMAT:
        raise IRError(f"penstock: {version!r} is no known format; this version reads {FORMAT}")
    spans = _Spans()
    shape = _rearranged(
        top,
        {
            "schedule": _as_is,
            "options": _options,
            "tags": _tuple,
            "parameters": _named("name", lambda v: _parameter(v, spans)),
            "classes": _named("name", _class),
            "components": _named("code", lambda v: _component(v, spans)),
            "scopes": lambda v: _chained(_named("id", lambda scope: _scope(scope, spans))(v)),
            "steps": _named("id", lambda v: _step(v, spans)),
            "outputs": _named("name", _pipeline_output),
            "images": _named("name", _image),
            "at": spans,
        },
    )
    try:
        return PipelineIR.model_validate(_renamed(shape, "at", "span"))
    except ValidationError as error:
        raise IRError(_sentence(error)) from None
    except RecursionError:
        raise IRError("a value is nested too deeply") from None


def canonical(value: object) -> str:
    """JSON text of a constant: the same value gives the same text.

    Raises `ValueError` or `TypeError` when JSON cannot hold it.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text.encode()
    return text


_SPAN = re.compile(
    r"(?P<file>.+?):(?P<line>\d+)(?::(?P<col>\d+)-(?P<end>\d+):(?P<end_col>\d+))?", re.DOTALL
)


class _Spans:
    """Reads `churn.py:38:17-38:29`; the same text gives the same span."""

    def __init__(self) -> None:
        self._known: dict[str, Span] = {}

    def __call__(self, text: object) -> Span:
        if not isinstance(text, str):
            raise IRError("at: is no text such as churn.py:38:17-38:29")
        span = self._known.get(text)
        if span is None:
            match = _SPAN.fullmatch(text) if len(text) < 4096 else None
            if match is None:
                raise IRError(f"at: {text[:80]!r} is no place such as churn.py:38:17-38:29")
            line, col, end, end_col = (
                int((match[part] or "0")[-9:]) for part in ("line", "col", "end", "end_col")
            )
            span = Span(match["file"], line, col, end or line, end_col)
            self._known[text] = span
        return span


def _as_is(data: object) -> object:
    return data


def _tuple(data: object) -> object:
    return tuple(cast(list[object], data)) if isinstance(data, list) else data


def _rearranged(data: object, parts: dict[str, _Read]) -> object:
    """A copy of the mapping with the known parts read; anything else is passed on."""
    if not isinstance(data, dict):
        return data
    shape = cast(_Shape, data)
    return {key: parts[key](value) if key in parts else value for key, value in shape.items()}


def _renamed(data: object, old: str, new: str) -> object:
    if not isinstance(data, dict):
        return data
    shape = cast(_Shape, data)
    if new in shape:
        raise IRError(f"{new}: is not known here")
    if old in shape:
        shape[new] = shape.pop(old)
    return shape


def _named(key: str, read: _Read) -> _Read:
    """Reads a mapping of names to entries as a tuple of entries that know their name."""

    def entries(data: object) -> object:
        if not isinstance(data, dict):
            return data
        found: list[object] = []
        for name, entry in cast(_Shape, data).items():
            shape = read(entry)
            if not isinstance(shape, dict):
                raise IRError(f"{name}: is no mapping")
            if key in shape:
                raise IRError(f"{name}.{key}: is not known here")
            found.append({key: name, **cast(_Shape, shape)})
        return tuple(found)

    return entries


def _pairs(data: object) -> object:
    return tuple(cast(_Shape, data).items()) if isinstance(data, dict) else data


def _options(data: object) -> object:
    return _rearranged(
        data, {"requires": _tuple, "packages": _tuple, "env": _pairs, "secrets": _tuple}
    )


def _default(data: object) -> object:
    """The constant as JSON text, so that equal means equal in type as well."""
    try:
        return canonical(data)
    except (TypeError, ValueError):
        raise IRError("a constant is not JSON") from None


_CONSTRAINTS = ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length", "pattern")


def _parameter(data: object, spans: _Spans) -> object:
    shape = _renamed(_rearranged(data, {"default": _default, "at": spans}), "at", "span")
    if isinstance(shape, dict):
        known = cast(_Shape, shape)
        if "constraints" in known:
            raise IRError("parameters: constraints are written beside the type")
        found = {key: known.pop(key) for key in _CONSTRAINTS if key in known}
        if found:
            known["constraints"] = found
        return known
    return shape


def _class(data: object) -> object:
    return _rearranged(
        data,
        {
            "bases": _tuple,
            "fields": _pairs,
            "values": lambda v: (
                tuple(_default(item) for item in cast(list[object], v))
                if isinstance(v, list)
                else v
            ),
        },
    )


def _input(data: object) -> object:
    if isinstance(data, str):
        return {"type": data}
    return _rearranged(data, {"default": _default})


def _output(data: object) -> object:
    if isinstance(data, dict) and len(cast(_Shape, data)) == 1:
        kind, type_ = next(iter(cast(_Shape, data).items()))
        return {"kind": kind, "type": type_}
    raise IRError("outputs: an output is written {artifact: TYPE} or {parameter: TYPE}")


def _component(data: object, spans: _Spans) -> object:
    parts: dict[str, _Read] = {
        "inputs": _named("name", _input),
        "outputs": _named("name", _output),
        "options": _options,
        "at": spans,
    }
    return _renamed(_rearranged(data, parts), "at", "span")


def _bindings(data: object) -> object:
    return _named("name", lambda value: {"value": read_value(value)})(data)


def _step(data: object, spans: _Spans) -> object:
    parts: dict[str, _Read] = {
        "inputs": _bindings,
        "after": _tuple,
        "options": _options,
        "at": spans,
    }
    shape = _renamed(_rearranged(data, parts), "at", "span")
    return _renamed(_renamed(shape, "call", "component"), "in", "scope")


def _scope(data: object, spans: _Spans) -> object:
    if not isinstance(data, dict):
        return data
    shape = dict(cast(_Shape, data))
    if "kind" in shape or "id" in shape or "parent" in shape:
        raise IRError("scopes: a scope is written with each, when, elsewhen, otherwise or pipeline")
    if "at" in shape:
        shape["span"] = spans(shape.pop("at"))
    if "in" in shape:
        shape["parent"] = shape.pop("in")
    if "each" in shape:
        return {"kind": "loop", "items": read_value(shape.pop("each")), **shape}
    if "when" in shape:
        return {
            "kind": "branch",
            "chain": None,
            "condition": _condition(shape.pop("when")),
            **shape,
        }
    if "elsewhen" in shape:
        chain = shape.pop("of", None)
        condition = _condition(shape.pop("elsewhen"))
        return {"kind": "branch", "chain": chain, "condition": condition, **shape}
    if "otherwise" in shape:
        return {"kind": "branch", "chain": shape.pop("otherwise"), **shape}
    if "pipeline" in shape:
        parts: dict[str, _Read] = {
            "inputs": _bindings,
            "options": _options,
            "parameters": _named("name", lambda v: _parameter(v, spans)),
        }
        return {"kind": "nested", **cast(_Shape, _rearranged(shape, parts))}
    raise IRError("scopes: a scope is written with each, when, elsewhen, otherwise or pipeline")


def _chained(scopes: object) -> object:
    """A `when` begins a chain, which bears its name."""
    if isinstance(scopes, tuple):
        for scope in (known := cast(tuple[_Shape, ...], scopes)):
            if "chain" in scope and scope["chain"] is None:
                scope["chain"] = scope["id"]
        return known
    return scopes


def _pipeline_output(data: object) -> object:
    return _renamed(_rearranged(data, {"from": read_value}), "from", "value")


def _image(data: object) -> object:
    return _rearranged(data, {"packages": _tuple, "requires": _tuple, "steps": _tuple})


_VALUES: dict[str, frozenset[str]] = {
    "value": frozenset(),
    "step": frozenset({"output", "key"}),
    "parameter": frozenset({"key"}),
    "item": frozenset({"key"}),
    "gather": frozenset({"over", "key"}),
    "one_of": frozenset({"key"}),
    "list": frozenset(),
    "status": frozenset(),
}


def _tagged(data: object, tags: dict[str, frozenset[str]], what: str) -> tuple[str, _Shape]:
    """The one key that says what the mapping is; every other key must belong to it."""
    if isinstance(data, dict):
        shape = cast(_Shape, data)
        for tag, others in tags.items():
            if tag in shape and shape.keys() - {tag} <= others:
                return tag, shape
    raise IRError(f"{what} is a mapping with one of {', '.join(tags)}")


def read_value(data: object, depth: int = 0) -> object:
    """A value's plain form, as in `{step: load}`, in the shape of its node."""
    tag, shape = _tagged(data, _VALUES, "a value")
    if depth > DEPTH:
        raise IRError("a value is nested too deeply")
    inner = shape[tag]
    if tag == "value":
        return {"kind": "value", "text": _default(inner)}
    if tag == "status":
        return {"kind": "status"}
    path: _Shape = {"path": _tuple(shape["key"])} if "key" in shape else {}
    if tag == "step":
        output: _Shape = {"output": shape["output"]} if "output" in shape else {}
        return {"kind": "step", "step": inner, **output, **path}
    if tag == "parameter":
        return {"kind": "parameter", "parameter": inner, **path}
    if tag == "item":
        return {"kind": "item", "loop": inner, **path}
    if tag == "gather":
        value = read_value(inner, depth + 1)
        return {"kind": "gather", "value": value, "loop": shape.get("over"), **path}
    if not isinstance(inner, list):
        raise IRError(f"{tag}: is no list of values")
    values = tuple(read_value(item, depth + 1) for item in cast(list[object], inner))
    return {"kind": tag, "values": values, **path}


_CONDITIONS: dict[str, frozenset[str]] = {
    tag: frozenset() for tag in ("compare", "truth", "all", "any", "not")
}


def _condition(data: object, depth: int = 0) -> object:
    tag, shape = _tagged(data, _CONDITIONS, "a condition")
    if depth > DEPTH:
        raise IRError("a condition is nested too deeply")
    inner = shape[tag]
    if tag == "truth":
        return {"kind": "truth", "value": read_value(inner)}
    if tag == "not":
        return {"kind": "not", "condition": _condition(inner, depth + 1)}
    if not isinstance(inner, list):
        raise IRError(f"{tag}: is no list")
    items = cast(list[object], inner)
    if tag == "compare":
        if len(items) != 3:
            raise IRError("compare: is written [value, operator, value]")
        left, operator, right = items
        return {
            "kind": "compare",
            "operator": operator,
            "left": read_value(left),
            "right": read_value(right),
        }
    return {"kind": tag, "conditions": tuple(_condition(item, depth + 1) for item in items)}


def _sentence(error: ValidationError) -> str:
    """The first of pydantic's findings, as a path in the document and what is wrong there."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "the pipeline"
    return f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}"
