"""The parts of outputs that a pipeline picks out: the producing step emits each of them as well."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping

from penstock.ir.lookup import scope_values
from penstock.ir.nodes import Loop, PipelineIR
from penstock.ir.values import FromLoop, FromStep, Gathered, ListOf, OneOf, Path, Value

Projection = tuple[str, Path]
"""The output, and the keys and positions that lead to the part."""

_ANY_ITEM = -(2**60)
"""In a path: whichever item the loop is at."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


def projections(ir: PipelineIR) -> dict[str, dict[str, Projection]]:
    """For each step the parts that others need of its outputs, by the name they travel under."""
    found: dict[str, dict[str, Projection]] = {}
    loops = {one.id: one.items for one in ir.scopes if isinstance(one, Loop)}
    for value in _all_values(ir):
        for part in _made(value, (), loops):
            if part.path:
                parts = found.setdefault(part.step, {})
                parts[projection_name(part)] = (part.output, part.path)
    return found


def picked(value: FromStep, path: Path) -> FromStep:
    """A part of a value that a step makes."""
    if not path:
        return value
    return value.model_copy(update={"path": (*value.path, *path)})


def projection_name(value: FromStep) -> str:
    """`value.auc` for `value["auc"]`; a key that is no plain word is told by its digest."""
    return ".".join([value.output, *map(_word, value.path)])


def _made(value: Value, path: Path, loops: Mapping[str, Value]) -> Iterator[FromStep]:
    """What steps make for the part of a value: `gather(x)[0]["auc"]` needs each `x["auc"]`."""
    match value:
        case FromStep():
            if _ANY_ITEM not in path:  # the list is a parameter, known as a whole
                yield picked(value, path)
        case FromLoop():
            yield from _made(loops[value.loop], (_ANY_ITEM, *value.path, *path), loops)
        case Gathered():
            yield from _made(value.value, (*value.path, *path)[1:], loops)
        case OneOf():
            for one in value.values:
                yield from _made(one, (*value.path, *path), loops)
        case ListOf():
            for one in value.values:
                yield from _made(one, path[1:], loops)
        case _:
            return


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
