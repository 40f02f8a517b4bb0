"""Builds the images of a plan on an engine; what is there already is not built again."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from penstock.images.contexts import BASE_LABEL, code_context, environment_context
from penstock.images.engine import Engine, EngineError, EngineImage
from penstock.images.plan import Environment, ImagePlan
from penstock.images.revision import revision
from penstock.ir.nodes import Image

Listen = Callable[[str], None]
_IMPORT_SECONDS = 300.0


class CannotImport(EngineError):
    """A step does not import in its image; nothing is left under the image's name."""


@dataclass(frozen=True)
class Built:
    """An image that is there now; `seconds` is None for one that was there before."""

    name: str
    steps: tuple[str, ...]
    size: int
    seconds: float | None


def build_images(plan: ImagePlan, root: Path, engine: Engine, listen: Listen) -> Iterator[Built]:
    """Builds what is missing, environments before code; tells each image when it is there.

    Every step is imported once in its new image. Raises `EngineError` and `CannotLock`.
    """
    if engine.architecture != _architecture(plan):
        listen(f"note: the engine runs {engine.architecture}, the images are for another machine")
    labels: Mapping[str, str] | None = None
    for environment, image in zip(plan.environments, plan.images, strict=True):
        below, built = _environment(plan, environment, engine, listen)
        yield built
        began = time.monotonic()
        found = engine.find(image.name)
        if found is not None and _stands_on(found, below):
            yield Built(image.name, image.steps, found.size, None)
            continue
        labels = revision(root) if labels is None else labels
        listen(f"building {image.name}")
        context = code_context(plan, image, environment, labels)
        with _unnamed(image.name, engine) as unchecked:
            made = engine.build(context, unchecked, listen)
            _import(plan, image, made, engine, listen)
            engine.tag(made.id, image.name)
        if found is not None and found.id != made.id:
            _forget(found, engine)
        yield Built(image.name, image.steps, made.size, time.monotonic() - began)


def _environment(
    plan: ImagePlan, environment: Environment, engine: Engine, listen: Listen
) -> tuple[EngineImage, Built]:
    began = time.monotonic()
    base = engine.find(environment.base)
    found = engine.find(environment.image)
    if found is not None and (base is None or found.labels.get(BASE_LABEL) == base.id):
        return found, Built(environment.image, (), found.size, None)
    if base is None:
        engine.pull(environment.base, listen, environment.platform)
        base = engine.find(environment.base)
    if environment.pins:
        count = len(environment.pins)
        listen(f"installing {count} package{'s' * (count != 1)} for {environment.name}")
    context = environment_context(plan, environment, listen, base)
    listen(f"building {environment.image}")
    made = engine.build(context, environment.image, listen)
    return made, Built(environment.image, (), made.size, time.monotonic() - began)


def _stands_on(image: EngineImage, below: EngineImage) -> bool:
    """Whether an image begins with the layers of another, as that is now."""
    return image.layers[: len(below.layers)] == below.layers


@contextmanager
def _unnamed(name: str, engine: Engine) -> Generator[str]:
    """A name for an image until it is known to be good; gone afterwards.

    Whoever is stopped in between, even by `kill -9`, leaves nothing under the image's own name.
    """
    unchecked = f"{name}-unchecked-{os.getpid()}"
    try:
        yield unchecked
    except EngineError as error:
        error.args = (str(error).replace(unchecked, name), *error.args[1:])
        raise
    finally:
        engine.remove(unchecked)


def _forget(image: EngineImage, engine: Engine) -> None:
    """Remove what has lost its name; what is in use stays, and `prune` takes it later."""
    with suppress(EngineError):
        left = engine.find(image.id)
        if left is not None and not left.tags:
            engine.remove(image.id)


def _import(
    plan: ImagePlan, image: Image, made: EngineImage, engine: Engine, listen: Listen
) -> None:
    """Imports every step in its image, and looks at its Python."""
    codes = sorted({plan.codes[step] for step in image.steps})
    listen(f"importing {len(codes)} step{'s' * (len(codes) != 1)} in {image.name}")
    command = ["python3", "-m", "penstock_runtime", "import", *codes]
    code, output = engine.run(made.id, command, seconds=_IMPORT_SECONDS)
    _judge(image, code, output)


def _judge(image: Image, code: int, output: str) -> None:
    # What steps print while they are imported may come later than what we look for.
    lines = output.strip().splitlines()
    told = next((found for line in reversed(lines) if (found := _told(line)) is not None), None)
    if told is None:
        last = lines[-1] if lines else f"exit code {code}"
        raise CannotImport(f"no step could be imported in {image.name}: {last}")
    python, failed = told
    if failed:
        step, why = next(iter(failed.items()))
        raise CannotImport(f"{step} does not import in {image.name}: {why}")
    if python.rpartition(".")[0] != image.python:
        raise CannotImport(
            f"the base image {image.base} has Python {python}, but {image.python} was planned; "
            "set base or python in [tool.penstock.images]"
        )


def _told(line: str) -> tuple[str, dict[str, str]] | None:
    """The version of Python and what failed, if that is what the line says."""
    try:
        told = json.loads(line)
        return str(told["python"]), dict(told["failed"])
    except (KeyError, TypeError, ValueError):
        return None


def _architecture(plan: ImagePlan) -> str:
    return plan.images[0].platform.partition("/")[2] if plan.images else ""
