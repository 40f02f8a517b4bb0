"""Names the image of each step before any image exists; pure, so that compile needs no engine."""

from __future__ import annotations

import hashlib
import json

from penstock.ir.nodes import Options, PipelineIR, Step


def image_of(ir: PipelineIR, step: Step) -> str:
    """The image that a step runs in: the one the user named, else one named by its environment.

    Steps with the same requirements and packages share an image; the tag is the digest of both.
    `step` must have its options resolved.
    """
    if step.options.image is not None:
        return step.options.image
    return f"penstock-{ir.name.lower().replace('_', '-')}:{environment_digest(step.options)}"


def environment_digest(options: Options) -> str:
    """Twelve hex digits that stand for what is installed."""
    environment = [sorted(options.requires or ()), sorted(options.packages or ())]
    return hashlib.sha256(json.dumps(environment).encode()).hexdigest()[:12]
