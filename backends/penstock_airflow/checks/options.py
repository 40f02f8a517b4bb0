"""Whether Airflow and the operator that runs steps have each option."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from penstock.ir.lookup import Lookup, all_options
from penstock.ir.nodes import Options, Retry
from penstock.passes.model import Check, Log, check
from penstock_airflow.target import Target

_TAG = 100
_LONGEST_PERIOD = 10 * 365 * 86400
_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_SECRET_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_SECRET_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")


def options_expressible(target: Target) -> Check:
    """The check that Airflow and the operator have each option."""

    @check(reports={"PS405", "PS406"})
    def options_expressible(names: Lookup, log: Log) -> None:
        """Each option is one that Airflow and the operator have."""
        for options, span in all_options(names):
            for message, hint in _inexpressible(options, target):
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

    return options_expressible


def _inexpressible(options: Options, target: Target) -> Iterator[tuple[str, str]]:
    if target.runner == "docker":
        yield from _beyond_docker(options)
    if target.runner == "kubernetes":
        yield from _beyond_labels(options)
    if target.secrets == "kubernetes":
        yield from _beyond_secrets(options)
    if options.retry is not None:
        yield from _retry(options.retry, target)
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


def _beyond_docker(options: Options) -> Iterator[tuple[str, str]]:
    resources = options.resources
    if resources is not None and resources.disk is not None:
        yield "DockerOperator cannot reserve disk", "leave out disk, or use runner=kubernetes"
    if resources is not None and resources.gpu_type is not None:
        yield (
            "DockerOperator cannot choose the type of a GPU",
            "leave out gpu_type and send the step to a worker with such a GPU, "
            "or use runner=kubernetes",
        )


def _beyond_labels(options: Options) -> Iterator[tuple[str, str]]:
    resources = options.resources
    kind = resources.gpu_type if resources is not None else None
    if kind is not None and not _LABEL_VALUE.fullmatch(kind):
        yield (
            f"the type of GPU {kind!r} is no label of a node",
            "write it as the nodes of the cluster are labelled",
        )


def _beyond_secrets(options: Options) -> Iterator[tuple[str, str]]:
    for secret in options.secrets or ():
        if not _SECRET_NAME.fullmatch(secret.name):
            yield (
                f"{secret.name!r} cannot name a secret of Kubernetes",
                "use lower case letters, digits and '-'",
            )
        if not _SECRET_KEY.fullmatch(secret.key):
            yield (
                f"{secret.key!r} cannot be a key of a secret of Kubernetes",
                "use letters, digits, '-', '_' and '.'",
            )


def _retry(retry: Retry, target: Target) -> Iterator[tuple[str, str]]:
    if retry.backoff not in (1, 2) and not target.multiplies:
        yield (
            f"Airflow before 3.2 can only double the delay of a retry, not multiply it by "
            f"{retry.backoff:g}",
            "write backoff=2, leave it out for the same delay each time, or compile for "
            "--option airflow-version=3.2",
        )
    if retry.delay > _LONGEST_PERIOD:
        yield f"a delay of {retry.delay:g} seconds is more than ten years", "shorten it"
