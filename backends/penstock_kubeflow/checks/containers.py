"""What a container may ask for: resources, variables, secrets, times."""

from __future__ import annotations

import re
from collections.abc import Iterator

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Options, Resources, Step
from penstock.passes.model import Log
from penstock_kubeflow.hostile import ARGO
from penstock_kubeflow.quantities import amount

_VARIABLE = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]*")
_SECRET = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_SECRET_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")

Problem = tuple[str, str, str]
"""Code, headline, hint."""


def check_containers(names: Lookup, log: Log) -> None:
    """Reports options that a container of Kubeflow cannot have."""
    known: dict[int, list[Problem]] = {}
    for step in names.ir.steps:
        found = known.get(id(step.options))
        if found is None:
            found = known[id(step.options)] = list(_problems(step.options))
        for code, message, hint in found:
            log.error(code, at=step.span, message=message, hint=hint)
        if ARGO in (step.options.image or ""):
            log.error(
                "PS405",
                at=step.span,
                message=f"the image cannot hold '{ARGO}': Argo would replace it",
                hint="name a fixed image",
            )
        _check_times(step, log)


def _check_times(step: Step, log: Log) -> None:
    """Kubernetes and Argo count in whole seconds."""
    retry, timeout = step.options.retry, step.options.timeout
    if timeout is not None and not timeout.is_integer():
        _rounded("timeout", timeout, step, log)
    if retry is not None and retry.times and not retry.delay.is_integer():
        _rounded("delay", retry.delay, step, log)


def _rounded(what: str, seconds: float, step: Step, log: Log) -> None:
    log.warning(
        "PS405",
        at=step.span,
        message=f"kubeflow rounds the {what} of {seconds:g} s up to whole seconds",
        hint="write whole seconds",
    )


def _problems(options: Options) -> Iterator[Problem]:
    if options.resources is not None:
        yield from _of_resources(options.resources)
    retry = options.retry
    if retry is not None and retry.times and not retry.backoff.is_integer():
        yield (
            "PS405",
            f"kubeflow cannot grow the delay {retry.backoff:g} times: Argo takes whole factors",
            "use a backoff such as 1 or 2",
        )
    for name, value in options.env or ():
        if not _VARIABLE.fullmatch(name):
            yield "PS403", f"{name!r} cannot name an environment variable", "use letters and '_'"
        if ARGO in value or "\0" in value:
            mark = ARGO if ARGO in value else "NUL"
            yield (
                "PS405",
                f"the environment variable {name!r} cannot hold '{mark}' on kubeflow",
                "pass such text in a file, or build it in the step",
            )
    for one in options.secrets or ():
        if not _SECRET.fullmatch(one.name) or not _SECRET_KEY.fullmatch(one.key):
            yield (
                "PS403",
                f"Kubernetes has no secret {one.name!r} with the key {one.key!r}",
                "use lower-case letters, digits and '-' for the name of a secret",
            )
        if not _VARIABLE.fullmatch(one.env):
            yield "PS403", f"{one.env!r} cannot name an environment variable", "give `env=...`"


def _of_resources(wanted: Resources) -> Iterator[Problem]:
    if wanted.disk is not None:
        yield (
            "PS405",
            "kubeflow cannot express disk: a PipelineSpec asks for cpu, memory and devices only",
            "leave it out, and let the administrator size the nodes",
        )
    for what, value in (("cpu", wanted.cpu), ("memory", wanted.memory)):
        if value is not None and amount(value) is None:
            yield (
                "PS405",
                f"Kubernetes does not read {what}={value!r}",
                "write it as 2, '500m' or '4Gi'",
            )
    if wanted.gpu is not None and wanted.gpu < 0:
        yield "PS405", f"{wanted.gpu} is no count of devices", "ask for 1 or more"
