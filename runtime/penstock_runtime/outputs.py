"""What a step returned, checked against what its signature promises."""

import typing
from collections.abc import Mapping
from typing import Any, cast

from penstock_runtime.errors import StepFailed
from penstock_runtime.hints import Hint, is_union, origin_of, plain, spelled
from penstock_runtime.parameters import coerce, is_parameter, to_json
from penstock_runtime.request import Projections
from penstock_runtime.signature import SINGLE_OUTPUT
from penstock_runtime.values import Metrics, plain_number

_SCALARS = (int, float, str, bool)


def named_outputs(step: str, hints: Mapping[str, Hint], result: Any) -> dict[str, Any]:
    """The outputs of a step by name. Raises StepFailed when there are too few or too many."""
    if not hints:
        if result is not None:
            raise StepFailed(
                f"step {step!r} is annotated `-> None` but returned {type(result).__name__}; "
                "annotate what it returns"
            )
        return {}
    if list(hints) == [SINGLE_OUTPUT] and _fields(result) != (SINGLE_OUTPUT,):
        outputs = {SINGLE_OUTPUT: result}
    else:
        outputs = dict(zip(hints, _several(step, hints, result), strict=True))
    for name, value in outputs.items():
        _check_class(step, name, value, hints[name])
    return outputs


def parameter_json(step: str, name: str, value: Any, hint: Hint) -> Any:
    """A parameter output as JSON. Raises StepFailed when it does not fit its annotation."""
    try:
        return to_json(coerce(to_json(value), hint))
    except (TypeError, ValueError) as error:
        raise StepFailed(f"step {step!r} returned a wrong {name!r}: {error}") from error


def project(step: str, outputs: Mapping[str, Any], projections: Projections) -> dict[str, Any]:
    """The parts of outputs that later steps use, as JSON. Raises StepFailed if one is missing."""
    return {name: _projection(step, name, outputs, keys) for name, keys in projections.items()}


def metrics_in(outputs: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that a step returned; those of a named output carry its name in front."""
    found: dict[str, float] = {}
    for output, value in outputs.items():
        if isinstance(value, Metrics):
            prefix = "" if output == SINGLE_OUTPUT else f"{output}."
            found.update({prefix + name: number for name, number in value.items()})
    return found


def plain_metrics(metrics: Mapping[str, float]) -> dict[str, float | str]:
    """Metrics as JSON can hold them."""
    return {name: plain_number(value) for name, value in metrics.items()}


def _fields(value: Any) -> tuple[str, ...]:
    return cast(tuple[str, ...], getattr(cast(Any, type(value)), "_fields", ()))


def _several(step: str, hints: Mapping[str, Hint], result: Any) -> tuple[Any, ...]:
    promised = ", ".join(hints)
    if not isinstance(result, tuple):
        raise StepFailed(
            f"step {step!r} promises {len(hints)} outputs ({promised}) but returned "
            f"{type(result).__name__}"
        )
    values: tuple[Any, ...] = tuple(cast(Any, result))
    if len(values) != len(hints):
        raise StepFailed(
            f"step {step!r} promises {len(hints)} outputs ({promised}) but returned {len(values)}"
        )
    return values


def _check_class(step: str, name: str, value: Any, hint: Hint) -> None:
    if is_parameter(hint):
        return  # its JSON form is checked, where an int may stand for a float
    kinds = typing.get_args(plain(hint)) if is_union(plain(hint)) else (hint,)
    if not any(_fits(value, kind) for kind in kinds):
        raise StepFailed(
            f"step {step!r} returned {type(value).__name__} for {name!r}, "
            f"which is annotated {spelled(plain(hint))}"
        )


def _fits(value: Any, hint: Hint) -> bool:
    hint = plain(hint)
    kind = origin_of(hint) or hint
    if kind is Any or not isinstance(kind, type):  # `Any` is a class since Python 3.11
        return True
    if kind in _SCALARS or getattr(kind, "_is_protocol", False):
        return value is not None
    return isinstance(value, cast(type[Any], kind))


def _projection(
    step: str, name: str, outputs: Mapping[str, Any], keys: tuple[str | int, ...]
) -> Any:
    found: Any = outputs
    for depth, key in enumerate(keys):
        try:
            found = _part(found, key)
        except (LookupError, AttributeError, TypeError):
            shown = ".".join(str(k) for k in keys[:depth]) or "the outputs"
            raise StepFailed(
                f"step {step!r}: a later step uses {name!r}, but {shown} has no {key!r}"
            ) from None
    try:
        return to_json(found)
    except TypeError as error:
        raise StepFailed(f"step {step!r}: {name!r} cannot be passed on: {error}") from error


def _part(value: Any, key: str | int) -> Any:
    indexed = (list, tuple) if isinstance(key, int) else ()
    if isinstance(value, (Mapping, *indexed)):
        return cast(Any, value)[key]
    # Never any attribute: only what is data, so that a request cannot reach into objects.
    names = getattr(cast(Any, type(value)), "__dataclass_fields__", ())
    if isinstance(key, str) and (key in names or key in _fields(value)):
        return getattr(value, key)
    raise TypeError(key)
