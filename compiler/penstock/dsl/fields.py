"""The fields of step classes: their hyper-parameters, with annotations and defaults."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, ClassVar, get_origin

from penstock_runtime.hints import SignatureError, hints_of


def class_fields(cls: type) -> dict[str, Any]:
    """The fields of a step class: the public annotated attributes of it and its bases."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        for name, written in inspect.get_annotations(base).items():
            if not name.startswith("_") and not _is_class_variable(written):
                found[name] = Any
    try:
        hints = hints_of(cls)
    except SignatureError:
        return found
    return {name: hints.get(name, Any) for name in found}


def _is_class_variable(written: Any) -> bool:
    if isinstance(written, str):
        return written.startswith(("ClassVar", "typing.ClassVar"))
    return get_origin(written) is ClassVar or written is ClassVar


def class_defaults(cls: type) -> dict[str, object]:
    """The defaults of the fields of a step class; what a factory makes is made once, here."""
    found: dict[str, object] = {}
    for one in dataclasses.fields(cls):
        if one.default is not dataclasses.MISSING:
            found[one.name] = one.default
        elif one.default_factory is not dataclasses.MISSING:
            found[one.name] = one.default_factory()
    return found
