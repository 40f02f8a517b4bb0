"""No step may wait for itself."""

from __future__ import annotations

from penstock.ir.graph import cycles
from penstock.ir.lookup import Lookup
from penstock.passes.model import Log, check


@check(reports={"PS110"})
def acyclic(names: Lookup, log: Log) -> None:
    """A step may not wait for itself, directly or through others."""
    for loop in cycles(names.ir, names):
        first = names.steps[loop[0]]
        if len(loop) == 1:
            message = f"step {first.id!r} waits for itself"
        else:
            message = f"{', '.join(loop[:6])}{' and more' * (len(loop) > 6)} wait for each other"
        log.error(
            "PS110",
            at=first.span,
            message=message,
            label="part of the cycle",
            hint="take one `after=[...]` away",
            notes=tuple(
                (span, f"{name} is part of it")
                for name in loop[1:4]
                if (span := names.steps[name].span) is not None
            ),
        )
