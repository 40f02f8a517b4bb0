"""What each step runs in: this environment, or an image; part of its cache key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from penstock.ir.nodes import Image, PipelineIR
from penstock_local.cache_key import digest_of

Identify = Callable[[str], str]
"""The reference of an image -> what the engine says it is; empty if it does not know."""


class Environments:
    """The facts of each step's environment, and their digest; `images` are by step."""

    def __init__(
        self,
        here: Mapping[str, Any],
        ir: PipelineIR | None = None,
        images: Mapping[str, str] | None = None,
        identify: Identify | None = None,
    ) -> None:
        self._here = here
        self._images = images or {}
        planned = {step: one for one in ir.images for step in one.steps} if ir else {}
        known = {
            image: _facts(image, planned.get(step), identify)
            for step, image in self._images.items()
        }
        self._facts = {step: known[image] for step, image in self._images.items()}
        digests = {image: digest_of(facts) for image, facts in known.items()}
        self._digests = {step: digests[image] for step, image in self._images.items()}
        self._digest_here = digest_of(here)

    @property
    def frozen(self) -> bool:
        """Whether steps run a copy of the code, so that an edit during the run changes nothing."""
        return bool(self._images)

    def facts(self, step: str) -> Mapping[str, Any]:
        """What decides what a step gives, besides its code and inputs."""
        return self._facts.get(step, self._here)

    def digest(self, step: str) -> str:
        """The digest of the facts."""
        return self._digests.get(step, self._digest_here)

    def recorded(self) -> list[dict[str, Any]]:
        """Each image with its steps, for the record of the run."""
        steps: dict[str, list[str]] = {}
        for step, image in self._images.items():
            steps.setdefault(image, []).append(step)
        return [{"name": image, **self._facts[of[0]], "steps": of} for image, of in steps.items()]


def _facts(image: str, planned: Image | None, identify: Identify | None) -> dict[str, Any]:
    if planned is not None and image in (planned.name, planned.pushed):
        # Without the source: the code of a step counts for itself, and no edit elsewhere does.
        return {
            "base": planned.base,
            "python": planned.python,
            "platform": planned.platform,
            "packages": list(planned.packages),
            "requires": list(planned.requires),
            "penstock": planned.penstock,
        }
    return {"image": image, "id": identify(image) if identify is not None else ""}
