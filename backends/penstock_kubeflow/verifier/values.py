"""Whether constants are of the parameter type that is asked."""

from __future__ import annotations

from typing import Any

from penstock_kubeflow.verifier.view import get, mapping

_NUMBERS = frozenset({"NUMBER_INTEGER", "NUMBER_DOUBLE"})
_OLD = {"INT": "NUMBER_INTEGER", "DOUBLE": "NUMBER_DOUBLE", "STRING": "STRING"}


def parameter_type(definition: Any) -> str | None:
    """The parameter type of a definition; None where it tells none."""
    known = mapping(definition)
    found = known.get("parameterType") or _OLD.get(str(known.get("type")))
    return found if isinstance(found, str) else None


def fits(value: Any, kind: str | None) -> bool:
    """Whether a JSON value is of the type; one with a placeholder of Kubeflow may be."""
    if isinstance(value, str) and "{{$" in value:
        return True
    match kind:
        case "STRING":
            return isinstance(value, str)
        case "BOOLEAN":
            return isinstance(value, bool)
        case "NUMBER_INTEGER":
            return _number(value) and float(value).is_integer()
        case "NUMBER_DOUBLE":
            return _number(value)
        case "LIST":
            return isinstance(value, list)
        case "STRUCT":
            return isinstance(value, dict)
        case _:
            return True


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def types_agree(given: str | None, asked: str | None) -> bool:
    """Whether a parameter of one type can be given where another is asked."""
    if given is None or asked is None or given == asked:
        return True
    if {given, asked} <= _NUMBERS:
        return True
    return {given, asked} == {"STRUCT", "TASK_FINAL_STATUS"}


def artifacts_agree(given: Any, asked: Any) -> bool:
    """Whether an artifact of one schema can be given where another is asked."""
    titles = [_title(given), _title(asked)]
    return None in titles or "system.Artifact" in titles or titles[0] == titles[1]


def _title(definition: Any) -> str | None:
    title = get(mapping(definition), "artifactType").get("schemaTitle")
    return title if isinstance(title, str) else None
