"""The parts of outputs that a pipeline picks out: the producing step emits each of them as well."""

from __future__ import annotations

import hashlib
import re

from penstock.ir.lookup import inner_values, scope_values
from penstock.ir.nodes import PipelineIR
from penstock.ir.values import FromStep, Path, Value

Projection = tuple[str, Path]
"""The output, and the keys and positions that lead to the part."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


def projections(ir: PipelineIR) -> dict[str, dict[str, Projection]]:
    """For each step the parts that others need of its outputs, by the name they travel under."""
    found: dict[str, dict[str, Projection]] = {}
    for value in _all_values(ir):
        for inner in inner_values(value):
            if isinstance(inner, FromStep) and inner.path:
                parts = found.setdefault(inner.step, {})
                parts[projection_name(inner)] = (inner.output, inner.path)
    return found


def projection_name(value: FromStep) -> str:
    """`value.auc` for `value["auc"]`; a key that is no plain word is told by its digest."""
    return ".".join([value.output, *map(_word, value.path)])


def _word(key: str | int) -> str:
    if isinstance(key, int):
        return str(key) if key >= 0 else f"last{-key}"
    if _PLAIN_KEY.fullmatch(key):
        return key
    return "k" + hashlib.sha256(key.encode()).hexdigest()[:8]


def _all_values(ir: PipelineIR) -> list[Value]:
    values = [binding.value for step in ir.steps for binding in step.inputs]
    values += [value for scope in ir.scopes for value in scope_values(scope)]
    return values + [output.value for output in ir.outputs]
