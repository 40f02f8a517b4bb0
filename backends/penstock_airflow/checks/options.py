"""Whether Airflow and its DockerOperator have each option."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from penstock.ir.lookup import Lookup, all_options
from penstock.ir.nodes import Options, Retry
from penstock.passes.model import Log, check

_TAG = 100
_LONGEST_PERIOD = 10 * 365 * 86400


@check(reports={"PS405", "PS406"})
def options_expressible(names: Lookup, log: Log) -> None:
    """Each option is one that Airflow and its DockerOperator have."""
    for options, span in all_options(names):
        for message, hint in _inexpressible(options):
            log.error("PS405", at=span, message=message, hint=hint)
    for tag in names.ir.tags:
        if not 0 < len(tag) <= _TAG:
            log.error(
                "PS405",
                at=names.ir.span,
                message=f"a tag of {len(tag)} characters; Airflow takes 1 to {_TAG}",
                hint="write a shorter tag",
            )
    start = names.ir.schedule.start if names.ir.schedule else None
    if start is not None and date.fromisoformat(start).year < 1900:
        log.error(
            "PS406",
            at=names.ir.span,
            message=f"Airflow has no schedule that starts in {start}",
            hint="write a later first day",
        )


def _inexpressible(options: Options) -> Iterator[tuple[str, str]]:
    resources = options.resources
    if resources is not None and resources.disk is not None:
        yield "DockerOperator cannot reserve disk", "leave out disk, or use another target"
    if resources is not None and resources.gpu_type is not None:
        yield (
            "DockerOperator cannot choose the type of a GPU",
            "leave out gpu_type, and send the step to a worker that has such a GPU",
        )
    if options.retry is not None:
        yield from _retry(options.retry)
    if options.timeout is not None and options.timeout > _LONGEST_PERIOD:
        yield f"a timeout of {options.timeout:g} seconds is more than ten years", "shorten it"
    for name, value in options.env or ():
        if name.startswith("PENSTOCK_"):
            yield f"the variable {name!r} is penstock's own on Airflow", "give it another name"
        if "\0" in value:
            yield f"the variable {name!r} holds a NUL, which no process can get", "remove it"
    for secret in options.secrets or ():
        if secret.env.startswith("PENSTOCK_"):
            yield f"the variable {secret.env!r} is penstock's own on Airflow", "use another env="
    if options.image is not None and not options.image.strip():
        yield "an image without a name", "name an image"


def _retry(retry: Retry) -> Iterator[tuple[str, str]]:
    if retry.backoff not in (1, 2):
        yield (
            f"Airflow before 3.2 can only double the delay of a retry, not multiply it by "
            f"{retry.backoff:g}",
            "write backoff=2, or leave it out for the same delay each time",
        )
    if retry.delay > _LONGEST_PERIOD:
        yield f"a delay of {retry.delay:g} seconds is more than ten years", "shorten it"
