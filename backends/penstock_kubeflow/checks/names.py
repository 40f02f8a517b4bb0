"""Names must stay distinct, and must not vanish, when they become Kubernetes names."""

from __future__ import annotations

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Nested
from penstock.passes.model import Log, check
from penstock_kubeflow.names import LONGEST_PIPELINE, LONGEST_TASK, safe_name


@check(reports={"PS402", "PS403"})
def names_usable(names: Lookup, log: Log) -> None:
    """Each step and nested pipeline needs a Kubernetes name of its own."""
    ir = names.ir
    _usable(ir.name, "the pipeline", ir.span, LONGEST_PIPELINE, log)
    nodes = [(one.id, one.span) for one in ir.scopes if isinstance(one, Nested)]
    nodes += [(one.id, one.span) for one in ir.steps]
    nodes.sort(key=lambda node: (node[1].line, node[1].col) if node[1] else (0, 0))
    first: dict[str, tuple[str, Span | None]] = {}
    for name, span in nodes:
        if not _usable(name, "a step", span, LONGEST_TASK, log):
            continue
        known = first.setdefault(safe_name(name), (name, span))
        if known == (name, span):
            continue
        other, there = known
        log.error(
            "PS402",
            at=span,
            message=f"{name!r} and {other!r} are both named {safe_name(name)!r} on kubeflow",
            label="the same name on kubeflow",
            hint="give one of them another name with `.options(name=...)`",
            notes=((there, f"{other!r} is called here"),) if there is not None else (),
        )


def _usable(name: str, what: str, span: Span | None, longest: int, log: Log) -> bool:
    safe = safe_name(name)
    if safe and len(safe) <= longest:
        return True
    reason = (
        f"it may have {longest} characters there, and has {len(safe)}"
        if safe
        else "nothing of it is left in lower-case letters, digits and dashes"
    )
    where = "`@pipeline(name=...)`" if what == "the pipeline" else "`.options(name=...)`"
    log.error(
        "PS403",
        at=span,
        message=f"{name!r} cannot name {what} on kubeflow: {reason}",
        hint=f"give another name with {where}",
    )
    return False
