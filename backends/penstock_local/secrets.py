"""Secrets of a local run, taken from the environment, or else from the project's `.env` file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from penstock.ir.nodes import PipelineIR, Secret, Step
from penstock.runner import CannotRun
from penstock_local.dotenv_file import variables


def resolved(ir: PipelineIR, root: Path | None = None) -> dict[str, str]:
    """The value of each secret by the variable that a step reads; raises `CannotRun`.

    `root` is the folder whose `.env` is read where the environment does not have them all.
    """
    asked = {one.env: one for step in ir.steps for one in step.options.secrets or ()}
    found = _looked_up(asked, os.environ)
    missing = {name: secret for name, secret in asked.items() if name not in found}
    if missing and root is not None:
        found |= _looked_up(missing, variables(root / ".env"))
    missing = {name: secret for name, secret in missing.items() if name not in found}
    if missing:
        names, plural = " and ".join(missing), "s" if len(missing) > 1 else ""
        where = "" if root is None else f", or write {'it' if not plural else 'them'} into .env"
        raise CannotRun(
            f"set the environment variable{plural} {names}{where}: steps read secrets from it"
        )
    return found


def names_only(ir: PipelineIR) -> dict[str, str]:
    """The variables that secrets are given in, without their values."""
    return {one.env: "" for step in ir.steps for one in step.options.secrets or ()}


def of_step(step: Step, values: Mapping[str, str]) -> dict[str, str]:
    """The variables that one step gets."""
    return {secret.env: values[secret.env] for secret in step.options.secrets or ()}


def _looked_up(asked: Mapping[str, Secret], given: Mapping[str, str]) -> dict[str, str]:
    found = {name: given.get(name, given.get(_plain_name(one))) for name, one in asked.items()}
    return {name: value for name, value in found.items() if value is not None}


def _plain_name(secret: Secret) -> str:
    return re.sub(r"\W", "_", secret.name).upper()
