"""Whether the elements of a list travel in one way."""

from __future__ import annotations

from penstock.ir.lookup import Lookup, inner_values
from penstock.ir.values import FromStep, ListOf, Value
from penstock.passes.model import Log, check
from penstock_airflow.references import is_artifact


@check(reports={"PS404"})
def lists_of_one_kind(names: Lookup, log: Log) -> None:
    """A list holds stored artifacts or small values, not both, and lists of artifacts are flat."""
    for step in names.ir.steps:
        for binding in step.inputs:
            value = binding.value
            if isinstance(value, ListOf) and _mixed(value, names):
                log.error(
                    "PS404",
                    at=step.span,
                    message=f"the list {binding.name!r} holds stored artifacts among other values",
                    hint="pass the artifacts as one list of their own, and the rest beside it",
                )


def _mixed(value: ListOf, names: Lookup) -> bool:
    """A flat list of artifacts is one whole; so is any list without artifacts."""
    if any(isinstance(one, ListOf) for one in value.values) or not is_artifact(value, names):
        return any(_stored(one, names) for one in inner_values(value))
    return False


def _stored(value: Value, names: Lookup) -> bool:
    return isinstance(value, FromStep) and is_artifact(value, names)
