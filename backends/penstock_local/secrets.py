"""Secrets of a local run, taken from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from penstock.ir.nodes import PipelineIR, Secret, Step
from penstock.runner import CannotRun


def resolved(ir: PipelineIR) -> dict[str, str]:
    """The value of each secret by the variable that a step reads; raises `CannotRun`."""
    found: dict[str, str] = {}
    missing: list[str] = []
    for step in ir.steps:
        for secret in step.options.secrets or ():
            value = os.environ.get(secret.env, os.environ.get(_plain_name(secret)))
            if value is None:
                missing.append(secret.env)
            else:
                found[secret.env] = value
    if missing:
        names = " and ".join(dict.fromkeys(missing))
        plural = "s" if len(set(missing)) > 1 else ""
        raise CannotRun(f"set the environment variable{plural} {names}: steps read secrets from it")
    return found


def names_only(ir: PipelineIR) -> dict[str, str]:
    """The variables that secrets are given in, without their values."""
    return {one.env: "" for step in ir.steps for one in step.options.secrets or ()}


def of_step(step: Step, values: Mapping[str, str]) -> dict[str, str]:
    """The variables that one step gets."""
    return {secret.env: values[secret.env] for secret in step.options.secrets or ()}


def _plain_name(secret: Secret) -> str:
    return re.sub(r"\W", "_", secret.name).upper()
