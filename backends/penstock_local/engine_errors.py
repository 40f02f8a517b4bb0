"""What goes wrong with the engine, told in one sentence."""

from __future__ import annotations

from penstock.images.engine_errors import reason
from penstock.images.engine_errors import told as sentence
from penstock_local.executors import Blame


def told(error: Exception, step: str, image: str) -> tuple[Blame, str]:
    """Who has to act, and what has happened to a step whose container could not be run."""
    from docker.errors import APIError, ImageNotFound

    if isinstance(error, ImageNotFound):
        return "request", not_there(image)
    if not isinstance(error, APIError):
        return "engine", f"the Docker engine went away while step {step!r} was in it"
    said = reason(error)
    if "capabilities: [[gpu]]" in said:
        return "request", f"step {step!r} asks for gpus, and the Docker engine has none to give"
    if "executable file not found" in said:
        return "request", f"the image {image} cannot run step {step!r}: it has no python3"
    return "engine", sentence(f"the Docker engine does not run step {step!r}", said)


def not_there(image: str) -> str:
    """An image is missing."""
    return f"the image {image} is not there; build it with `penstock build TARGET`"
