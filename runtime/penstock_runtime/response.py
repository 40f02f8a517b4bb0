"""The response: what a step gave, as one JSON object.

{"format": 1, "outputs": {"train": {"artifact": {...}}, "n": {"value": 3}},
 "projections": {"value.auc": 0.91}, "metrics": {"auc": 0.91}}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock_runtime.reference import Value, as_object, check_keys, parse_value, value_to_json

FORMAT = 1


@dataclass(frozen=True)
class Response:
    """The outputs of a step that was committed. A metric that is not finite is its name."""

    outputs: Mapping[str, Value]
    projections: Mapping[str, Any]
    metrics: Mapping[str, float | str]

    def to_json(self) -> dict[str, Any]:
        """The JSON object that `response_from` reads."""
        return {
            "format": FORMAT,
            "outputs": {name: value_to_json(value) for name, value in self.outputs.items()},
            "projections": dict(self.projections),
            "metrics": dict(self.metrics),
        }


def response_from(data: object) -> Response:
    """The response in a JSON object, such as a commit record. Raises BadRequest."""
    found = as_object(data, "the response")
    check_keys(
        {key: found[key] for key in found if key in _KEYS},
        required=_KEYS,
        optional=(),
        where="the response",
    )
    outputs = as_object(found["outputs"], "outputs")
    return Response(
        outputs={name: parse_value(value, f"output {name}") for name, value in outputs.items()},
        projections=as_object(found["projections"], "projections"),
        metrics=as_object(found["metrics"], "metrics"),
    )


_KEYS = ("format", "outputs", "projections", "metrics")
