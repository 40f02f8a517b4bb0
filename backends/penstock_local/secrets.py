"""Secrets of a local run: taken from the environment, and kept out of what is written."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from penstock.ir.nodes import PipelineIR, Secret, Step
from penstock.runner import CannotRun

_SHORTEST = 4


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


def of_step(step: Step, values: Mapping[str, str]) -> dict[str, str]:
    """The variables that one step gets."""
    return {secret.env: values[secret.env] for secret in step.options.secrets or ()}


def _plain_name(secret: Secret) -> str:
    return re.sub(r"\W", "_", secret.name).upper()


class Redactor:
    """Replaces secrets by `***` in text, also as base64 or in a URL.

    Values of fewer than four characters are left: they would hide half of every text.
    """

    def __init__(self, values: Iterable[str]) -> None:
        forms: set[str] = set()
        for value in values:
            if len(value) >= _SHORTEST:
                coded = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
                forms |= {value, quote(value, safe=""), coded.rstrip("="), repr(value)[1:-1]}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        return self._pattern.sub("***", text) if self._pattern is not None else text
