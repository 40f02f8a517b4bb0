"""What Kubeflow refuses, told at the user's line before anything is emitted."""

from __future__ import annotations

from penstock.diagnostics import PipelineError
from penstock.ir.lookup import Lookup, lookup
from penstock.ir.value_types import parsed
from penstock.passes.fill_defaults import fill_defaults
from penstock.passes.model import Log, Pass, check
from penstock.passes.resolve_options import resolve_options
from penstock.passes.verify import verify
from penstock_kubeflow.checks.containers import check_containers
from penstock_kubeflow.checks.inputs import check_inputs
from penstock_kubeflow.checks.names import names_usable
from penstock_kubeflow.checks.order import check_order
from penstock_kubeflow.checks.pipeline import check_pipeline
from penstock_kubeflow.checks.scopes import check_scopes, check_written_out
from penstock_kubeflow.checks.sizes import check_sizes
from penstock_kubeflow.levels import Levels
from penstock_kubeflow.sources import Sources
from penstock_kubeflow.unrolling import unroll_joined_loops


@check(reports={"PS401", "PS403", "PS404", "PS405", "PS406", "PS407", "PS408"})
def expressible(names: Lookup, log: Log) -> None:
    """Every value, option and order must survive the way through Kubeflow."""
    if not _sound(names):
        return
    filled = lookup(fill_defaults.run(names))
    resolved = lookup(resolve_options.run(filled))
    check_written_out(resolved, log)
    explicit = lookup(unroll_joined_loops.run(resolved))
    check_pipeline(explicit, log)
    levels = Levels(explicit)
    sources = Sources(explicit, levels)
    check_inputs(names, sources, log)
    check_containers(explicit, log)
    check_scopes(sources, log)
    check_order(levels, log)
    check_sizes(levels, log)


def _sound(names: Lookup) -> bool:
    """Whether the pipeline is whole and of the kind that is emitted; if not, others say so."""
    try:
        verify(names, after="reading")
    except PipelineError:
        return False
    ir = names.ir
    texts = {one.type for one in ir.parameters} | {one.type for one in ir.outputs}
    for component in ir.components:
        texts |= {one.type for one in component.inputs}
        texts |= {one.type for one in component.outputs}
    texts |= {text for known in ir.classes for _, text in known.fields}
    return not any(parsed(text) is None for text in texts)


CHECKS: tuple[Pass, ...] = (names_usable, expressible)
