"""What compiles, though Airflow does less than was asked."""

from __future__ import annotations

from penstock.ir.lookup import Lookup, all_options
from penstock.ir.types import parse
from penstock.passes.model import Check, Log, check
from penstock_airflow.schema import schema_of
from penstock_airflow.target import Target


@check(reports={"PS407"})
def cache_unused(names: Lookup, log: Log) -> None:
    """Tells that a step which may take its result from the cache runs on Airflow each time."""
    for options, span in all_options(names):
        if options.cache:
            log.warning(
                "PS407",
                at=span,
                message="Airflow runs a step each time: cache=True has no effect there",
                hint="leave it out for Airflow; a local run still caches",
            )


@check(reports={"PS407"})
def none_not_asked(names: Lookup, log: Log) -> None:
    """Tells that Airflow cannot insist on a parameter that may be None."""
    for parameter in names.ir.parameters:
        if parameter.default is not None:
            continue
        kind = schema_of(parse(parameter.type), names.classes).get("type")
        if kind == "null" or (isinstance(kind, list) and "null" in kind):
            log.warning(
                "PS407",
                at=parameter.span or names.ir.span,
                message=f"Airflow does not insist on a value for {parameter.name!r}: it takes None",
                hint="give it the default None, so that it is the same everywhere",
            )


def unenforced(target: Target) -> Check:
    """The check that tells what a Python environment does not do for a step."""

    @check(reports={"PS407"})
    def unenforced(names: Lookup, log: Log) -> None:
        """Tells that a Python of the workers limits nothing, and is no image."""
        if target.runner != "python":
            return
        for options, span in all_options(names):
            if options.resources is not None:
                log.warning(
                    "PS407",
                    at=span,
                    message="runner=python neither reserves nor limits cpu, memory, disk or gpu",
                    hint="use a queue or pool of Airflow, or runner=docker or kubernetes",
                )
            if options.image or options.packages:
                log.warning(
                    "PS407",
                    at=span,
                    message="runner=python runs every step in the one environment, in no image",
                    hint="install what the step needs there, or use runner=docker or kubernetes",
                )

    return unenforced
