"""What a step's signature means: its inputs, its outputs, and which of them are parameters.

The language asks when it traces, the runtime asks in the container: both ask here, so that
they cannot disagree.
"""

import typing
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from penstock_runtime.hints import (
    Hint,
    SignatureError,
    hints_of,
    is_namedtuple,
    plain,
    unwrapped,
)
from penstock_runtime.parameters import coerce, is_parameter, to_json

SINGLE_OUTPUT = "value"
"""The name of the only output of a step that does not return a NamedTuple."""


def outputs_of(
    target: Callable[..., Any], local_names: Mapping[str, object] | None = None
) -> dict[str, Hint]:
    """The outputs of a step by name, in order.

    The fields of a NamedTuple; nothing for `-> None`; otherwise one output called `value`.
    Raises SignatureError when an annotation cannot be resolved.
    """
    hint = hints_of(target, local_names).get("return", Any)
    bare = plain(hint)
    if bare is type(None):
        return {}
    if is_namedtuple(bare):
        hints = hints_of(bare, local_names)
        return {name: hints.get(name, Any) for name in bare._fields}
    return {SINGLE_OUTPUT: hint}


def inputs_of(
    target: Callable[..., Any], local_names: Mapping[str, object] | None = None
) -> dict[str, Hint]:
    """The parameters of a callable in order, each with its annotation (`Any` if it has none).

    The `self` of an unbound method is left out. Raises SignatureError as `outputs_of` does.
    """
    import inspect

    hints = hints_of(target, local_names)
    names = list(inspect.signature(unwrapped(target), follow_wrapped=False).parameters)
    if names[:1] == ["self"] and "self" not in hints:
        names = names[1:]
    return {name: hints.get(name, Any) for name in names}


def fields_of(step_class: type, local_names: Mapping[str, object] | None = None) -> dict[str, Hint]:
    """The fields (hyper-parameters) of a step class: its annotated, public attributes."""
    return {
        name: hint
        for name, hint in hints_of(step_class, local_names).items()
        if not name.startswith("_") and ClassVar not in (hint, typing.get_origin(hint))
    }


__all__ = [
    "SINGLE_OUTPUT",
    "Hint",
    "SignatureError",
    "coerce",
    "fields_of",
    "hints_of",
    "inputs_of",
    "is_namedtuple",
    "is_parameter",
    "outputs_of",
    "plain",
    "to_json",
    "unwrapped",
]
