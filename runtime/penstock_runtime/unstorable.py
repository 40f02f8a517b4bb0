"""Types whose values certainly cannot be stored, found out from the class alone.

A step that promises such a value would fail after its work is done; the language asks here
before anything runs. What is not certain is left to the run.
"""

import copyreg
import typing
from collections.abc import Callable
from types import FunctionType
from typing import Any

from penstock_runtime.hints import Hint, class_name, full_name, is_union, origin_of, plain
from penstock_runtime.refusals import PICKLED_SPECIALLY, Refusal, known_refusal

_DATA = "return its data instead, as a dict or a dataclass"
_DEEPEST = 16


def refusal(hint: Hint, depth: int = _DEEPEST) -> Refusal | None:
    """Why no value of this annotation can be stored; None where one can, or where it is open."""
    hint = plain(hint)
    if depth == 0 or isinstance(hint, typing.TypeVar | str):
        return None
    if is_union(hint):
        # `X | None` means X; of several others one may do.
        found = [refusal(one, depth - 1) for one in typing.get_args(hint) if not _is_none(one)]
        return found[0] if found and None not in found else None
    origin = origin_of(hint)
    if origin in (list, dict, tuple, set, frozenset):
        inside = (refusal(one, depth - 1) for one in typing.get_args(hint) if one is not ...)
        return next((one for one in inside if one is not None), None)
    kind = hint if origin is None else origin
    return _of_class(kind) if isinstance(kind, type) else None


def _of_class(kind: type) -> Refusal | None:
    found = known_refusal(kind) or _told_by_class(kind)
    return None if found is None or _has_materializer(kind) else found


def _told_by_class(kind: type) -> Refusal | None:
    if full_name(kind) in PICKLED_SPECIALLY:
        return None
    if getattr(kind, "_is_protocol", False) or getattr(kind, "__abstractmethods__", None):
        return None  # its values are of other classes
    if "<locals>" in kind.__qualname__:
        return Refusal(
            kind.__qualname__.rpartition(".")[2],
            "its class is defined inside a function, where no other process finds it",
            "define the class at the top of a module",
        )
    if _refuses(kind) or _is_opaque(kind):
        return Refusal(kind.__qualname__, "its class refuses to be pickled", _DATA)
    return None


def _has_materializer(kind: type) -> bool:
    # Late: most steps return what needs no such question, and compiling shall stay quick.
    from penstock_runtime.materializers import LAST_RESORT, materializer_for_type

    return materializer_for_type(kind) != LAST_RESORT.name


def _is_none(hint: Hint) -> bool:
    return plain(hint) is type(None)


def _refuses(kind: type) -> bool:
    """Whether the class says no: with None in place of a method, or one that always raises."""
    if kind in copyreg.dispatch_table:
        return False
    for name in ("__reduce_ex__", "__reduce__", "__getstate__"):
        found: Any = getattr(kind, name, None)
        if found is None and hasattr(kind, name):
            return True
        if found is not getattr(object, name, None):
            return isinstance(found, FunctionType) and _only_raises(found)
    return False


def _only_raises(function: Callable[..., Any]) -> bool:
    import dis  # it is rare that a class has such a method

    return not any(
        one.opname.startswith(("RETURN_VALUE", "RETURN_CONST"))
        for one in dis.get_instructions(function)
    )


def _is_opaque(kind: Any) -> bool:
    """Whether a class of C keeps what Python cannot see, by the rule of `object.__reduce__`."""
    if kind in copyreg.dispatch_table:
        return False
    for name in ("__reduce__", "__reduce_ex__", "__getstate__"):
        if getattr(kind, name, None) is not getattr(object, name, None):
            return False
    if any(hasattr(kind, name) for name in ("__getnewargs__", "__getnewargs_ex__")):
        return False
    if issubclass(kind, list | dict):
        return False
    pointer = tuple.__itemsize__
    fields = _slots(kind) + (kind.__dictoffset__ != 0) + (kind.__weakrefoffset__ > 0)
    return bool(kind.__basicsize__ > object.__basicsize__ + pointer * fields)


def _slots(kind: type[object]) -> int:
    members: list[object] = []
    for base in kind.__mro__:
        members += vars(base).values()
    return sum(class_name(one) == "builtins.member_descriptor" for one in members)
