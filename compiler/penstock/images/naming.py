"""The image that each step runs in, by name; pure, so that emission needs no engine."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from penstock.ir.nodes import Options, PipelineIR

_DIGITS = 12


def images_of(ir: PipelineIR) -> dict[str, str]:
    """The image of each step: the one the user named, else the planned one, pinned if pushed.

    A pipeline without planned images has names that stand for what its steps ask for. The steps
    must have their options resolved.
    """
    planned = {step: one.pushed or one.name for one in ir.images for step in one.steps}
    asked: dict[tuple[object, object], str] = {}
    found: dict[str, str] = {}
    for step in ir.steps:
        options = step.options
        if options.image is not None or step.id in planned:
            found[step.id] = options.image or planned[step.id]
            continue
        key = (options.requires, options.packages)
        if key not in asked:
            asked[key] = f"{repository(ir.name)}:{environment_digest(options)}"
        found[step.id] = asked[key]
    return found


def repository(pipeline: str) -> str:
    """The name of a pipeline's images, without a tag: `penstock-churn`."""
    # Docker allows no other letters, and no dash at the end.
    name = re.sub("[^a-z0-9]", "-", pipeline.lower()).strip("-")
    return f"penstock-{name or 'pipeline'}"


def environment_digest(options: Options) -> str:
    """Twelve hex digits that stand for what is asked for."""
    return digest([sorted(options.requires or ()), sorted(options.packages or ())])


def digest(facts: list[Any] | Mapping[str, Any]) -> str:
    """Twelve hex digits that stand for facts."""
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:_DIGITS]
