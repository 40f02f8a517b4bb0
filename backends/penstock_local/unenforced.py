"""What a pipeline asks for that a run on this machine does not do, told before it runs."""

from __future__ import annotations

from collections.abc import Callable

from penstock.ir.nodes import Options, PipelineIR
from penstock_local.shortage import too_much


def unenforced(ir: PipelineIR, executor: str, store: str = "") -> tuple[str, ...]:
    """One sentence for each kind of request that is not kept here; `ir` is lowered.

    What is more than there is comes first.
    """
    notes = [*too_much(ir, store)]
    if ir.schedule is not None:
        notes.append(f"the schedule {ir.schedule.cron!r} is not kept: you start a local run")
    for said, asks in _IN_CONTAINERS if executor == "docker" else _REQUESTS:
        names = [step.id for step in ir.steps if asks(step.options)]
        if names:
            notes.append(f"{said}: {_few(names)}")
    if executor == "inline":
        names = [step.id for step in ir.steps if step.options.timeout is not None]
        if names:
            notes.append(f"a timeout cannot interrupt compiled code inline: {_few(names)}")
    return tuple(notes)


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _sized(options: Options) -> bool:
    asked = options.resources
    return asked is not None and bool(asked.cpu is not None or asked.memory or asked.disk)


def _disk(options: Options) -> bool:
    return options.resources is not None and bool(options.resources.disk)


def _gpu(options: Options) -> bool:
    return options.resources is not None and bool(options.resources.gpu)


def _image(options: Options) -> bool:
    return bool(options.image or options.packages)


_REQUESTS: tuple[tuple[str, Callable[[Options], bool]], ...] = (
    ("cpu, memory and disk are not limited or reserved", _sized),
    ("gpus are not reserved", _gpu),
    ("images and Debian packages are not used, steps run in this environment", _image),
)

_IN_CONTAINERS: tuple[tuple[str, Callable[[Options], bool]], ...] = (
    ("disk is not limited or reserved", _disk),
)
