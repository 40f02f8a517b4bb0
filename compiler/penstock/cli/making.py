"""Makes and pushes the images of a plan; each is told when it is there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from penstock.cli.build_view import BuildView
from penstock.cli.failures import Failure, WrongUsage
from penstock.cli.run_view import duration, size

if TYPE_CHECKING:
    from penstock.images.building import Built
    from penstock.images.plan import ImagePlan


def made_images(plan: ImagePlan, root: Path, view: BuildView) -> None:
    """Builds what is missing; raises `Failure`."""
    from penstock.images.building import build_images
    from penstock.images.engine import Engine, EngineError
    from penstock.images.requirement_errors import RequirementsError

    if not plan.images:
        view.done("every step has an image of its own: there is nothing to build")
        return
    try:
        engine = Engine()
        for built in build_images(plan, root, engine, view.doing):
            _tell(built, view)
    except (EngineError, RequirementsError) as error:
        raise Failure(_with_log(error)) from None


def _with_log(error: Exception) -> str:
    log = getattr(error, "log", ())
    return "\n".join([str(error), *(f"  | {line}" for line in log)])


def _tell(built: Built, view: BuildView) -> None:
    how = "was there" if built.seconds is None else f"built in {duration(built.seconds)}"
    steps = f"  for {', '.join(built.steps)}" if built.steps else ""
    view.done(
        f"{built.name}  {how}, {size(built.size)}{steps}",
        image=built.name,
        steps=list(built.steps),
        size=built.size,
        seconds=built.seconds,
    )


def pushed(plan: ImagePlan, root: Path, registry: str, view: BuildView) -> None:
    """Pushes the images, and writes their digests down; raises `Failure`."""
    from penstock.images.engine import Engine, EngineError
    from penstock.images.pushed import PUSHED, push_images

    try:
        for name, reference in push_images(plan, root, registry, Engine(), view.doing):
            view.done(f"pushed {reference}", image=name, pushed=reference)
    except ValueError as error:
        raise WrongUsage(str(error)) from None
    except EngineError as error:
        raise Failure(_with_log(error)) from None
    view.done(f"wrote {PUSHED}", wrote=PUSHED)


def written_contexts(plan: ImagePlan, root: Path, folder: Path, view: BuildView) -> None:
    """Writes the context of each image into a folder of its own; raises `Failure`."""
    from penstock.images.contexts import contexts
    from penstock.images.requirement_errors import RequirementsError
    from penstock.images.revision import revision

    try:
        for name, context in contexts(plan, revision(root), view.doing):
            target = folder / name.replace(":", "-")
            for path, file in context.items():
                place = target / path
                place.parent.mkdir(parents=True, exist_ok=True)
                if isinstance(file.content, bytes):
                    place.write_bytes(file.content)
                else:
                    shutil.copyfile(file.content, place)
                place.chmod(0o755 if file.executable else 0o644)
            view.done(f"wrote {target}  docker build -t {name} {target}", image=name)
    except RequirementsError as error:
        raise Failure(str(error)) from None
