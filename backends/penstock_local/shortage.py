"""Which steps ask for more than this machine has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from penstock.ir.nodes import PipelineIR, Resources
from penstock.ir.quantities import read_bytes, read_cores
from penstock_local import machine

_MOST_NAMED = 4


@dataclass(frozen=True)
class _Kind:
    """One sort of resource: what a step asks, in numbers, and what there is."""

    name: str
    asked: Callable[[Resources], float | None]
    has: Callable[[str], float | None]
    said: Callable[[float], str]


def too_much(ir: PipelineIR, store: str = "") -> Iterator[str]:
    """One sentence for each resource of which there is less than some step asks."""
    for kind in _KINDS:
        asked = {
            step.id: amount
            for step in ir.steps
            if step.options.resources and (amount := kind.asked(step.options.resources))
        }
        has = kind.has(store) if asked else None
        if has is None:
            continue
        short = [f"{step} asks for {kind.said(n)}" for step, n in asked.items() if n > has]
        if short:
            more = f" and {len(short) - _MOST_NAMED} more" if len(short) > _MOST_NAMED else ""
            named = ", ".join(short[:_MOST_NAMED])
            yield f"too little {kind.name}, {kind.said(has)} on this machine: {named}{more}"


def _gpus(asked: Resources) -> float | None:
    # Only those of NVIDIA are counted, so nothing is said of others.
    known = asked.gpu_type is None or "nvidia" in asked.gpu_type.lower()
    return asked.gpu if known else None


def _plain(amount: float) -> str:
    return f"{amount:g}"


def _bytes(amount: float) -> str:
    for unit, size in (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if amount >= size:
            return f"{amount / size:.4g}{unit}"
    return f"{amount:.0f}"


_KINDS = (
    _Kind(
        "cpu",
        lambda asked: None if asked.cpu is None else read_cores(asked.cpu),
        lambda store: machine.cpus(),
        _plain,
    ),
    _Kind(
        "memory",
        lambda asked: read_bytes(asked.memory) if asked.memory else None,
        lambda store: machine.memory(),
        _bytes,
    ),
    _Kind(
        "disk",
        lambda asked: read_bytes(asked.disk) if asked.disk else None,
        lambda store: machine.disk(store),
        _bytes,
    ),
    _Kind("gpus", _gpus, lambda store: machine.gpus(), _plain),
)
