"""What `penstock build --dry-run` prints: environments, locks, images, and the files in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from penstock.cli.image_plan import as_warnings
from penstock.cli.output import show
from penstock.cli.run_view import size
from penstock.images.plan import Environment, ImagePlan
from penstock.ir.nodes import Image

_MOST = 12


def build_plan(plan: ImagePlan, root: Path, form: Literal["text", "json"]) -> Iterator[str]:
    """The plan in lines; its problems are shown as warnings."""
    show(as_warnings(plan.problems), root)
    if form == "json":
        yield from (json.dumps(_facts(plan, image)) for image in plan.images)
        return
    yield f"{plan.pipeline}: {len(plan.images)} image{'s' * (len(plan.images) != 1)}"
    for image, environment in zip(plan.images, plan.environments, strict=True):
        yield from ("", f"{image.name}  for {', '.join(image.steps)}")
        yield f"  base      {image.base}, Python {image.python}, {image.platform}"
        if image.packages:
            yield f"  packages  {' '.join(image.packages)}"
        yield f"  requires  {_requires(environment)}"
        yield from (f"            {one}" for one in image.requires[:_MOST])
        if len(image.requires) > _MOST:
            yield f"            and {len(image.requires) - _MOST} more"
        yield f"  runtime   {image.penstock}"
        if image.pushed is not None:
            yield f"  pushed    {image.pushed}"
    for step, name in plan.own_images.items():
        yield from ("", f"{name}  of its own, for {step}")
    yield from ("", f"source {plan.source.digest[:19]}, in every image")
    yield from (
        f"  /{name}  {size(len(content))}" for name, content in sorted(plan.source.files.items())
    )


def _requires(environment: Environment) -> str:
    if not environment.requires:
        return "nothing but Python"
    count = len(environment.pins) or len(environment.requires)
    lock = environment.lock.file
    state = f"locked in {lock.parent.name}/{lock.name}" if environment.locked else "not locked yet"
    return f"{count} package{'s' * (count != 1)}, {state}"


def _facts(plan: ImagePlan, image: Image) -> dict[str, object]:
    files = {f"/{name}": len(content) for name, content in sorted(plan.source.files.items())}
    return {**image.model_dump(exclude_none=True), "files": files}
