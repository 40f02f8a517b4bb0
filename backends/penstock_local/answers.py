"""What a worker or a container answers about its job, one JSON object."""

from __future__ import annotations

from typing import Any

from penstock_local.executors import Done, Failed, Job
from penstock_runtime.errors import BadRequest
from penstock_runtime.response import response_from


def told_by(job: Job, answer: dict[str, Any]) -> Done | Failed:
    """How the job ended; `failed` is who has to act."""
    if "done" in answer:
        try:
            return Done(job, response_from(answer["done"]))
        except BadRequest as error:
            return Failed(job, "request", f"the worker's answer is damaged: {error}")
    return Failed(job, answer["failed"], answer["message"], answer["trace"])
