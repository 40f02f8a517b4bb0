"""Makes the executor of containers: finds the engine, and the images, before anything runs."""

from __future__ import annotations

import os
from collections.abc import Container, Generator, Mapping
from contextlib import contextmanager
from typing import cast

from penstock.images.engine import Engine, EngineError
from penstock.images.engine_errors import asking
from penstock.ir.nodes import PipelineIR
from penstock.runner import CannotRun, RunOptions
from penstock_local import engine_errors
from penstock_local.container_limits import Machine
from penstock_local.container_store import access_to
from penstock_local.containers import ContainerExecutor, Surroundings
from penstock_local.engine_api import EngineApi
from penstock_local.interrupts import Interrupts
from penstock_local.leftovers import runner_labels


def images_by_step(ir: PipelineIR, options: RunOptions) -> dict[str, str]:
    """The image of each step, none for other executors; raises `CannotRun` where one has none."""
    if options.executor != "docker":
        return {}
    found: dict[str, str] = {}
    for step in ir.steps:
        image = options.images.get(step.id) or step.options.image
        if image is None:
            raise CannotRun(f"step {step.id!r} has no image to run in")
        found[step.id] = image
    return found


class ContainerEngine:
    """The engine, as a run needs it; every method raises `CannotRun`."""

    def __init__(self) -> None:
        with _told():
            self._engine = Engine()
            self._api = cast(EngineApi, self._engine.client.api)
            with asking("the Docker engine does not say what it has"):
                self.machine = Machine.of(self._api.info(), podman=self._engine.podman)
        self._known: dict[str, str] = {}

    def identify(self, image: str) -> str:
        """The digest under which a registry has an image, else its id; empty if it is not there."""
        if image not in self._known:
            with _told():
                found = self._engine.find(image)
            digests = [one.partition("@")[2] for one in found.digests] if found else []
            self._known[image] = min(digests, default=found.id if found else "")
        return self._known[image]

    def get(self, images: Mapping[str, str], own: Container[str]) -> None:
        """Pulls the images that users name, where needed; one that is missing is told."""
        for image in dict.fromkeys(images.values()):
            if self.identify(image):
                continue
            if image not in own:
                raise CannotRun(engine_errors.not_there(image))
            with _told():
                self._engine.pull(image, lambda line: None)
            del self._known[image]

    def executor(
        self,
        ir: PipelineIR,
        images: Mapping[str, str],
        options: RunOptions,
        interrupts: Interrupts,
    ) -> ContainerExecutor:
        """The executor of a run whose images are there."""
        around = Surroundings(
            images=images,
            options={step.id: step.options for step in ir.steps},
            access=access_to(options.store),
            machine=self.machine,
            labels=runner_labels(options.store),
        )
        jobs = options.jobs or os.cpu_count() or 1
        return ContainerExecutor(self._api, around, jobs, interrupts)


@contextmanager
def _told() -> Generator[None]:
    try:
        yield
    except EngineError as error:
        raise CannotRun(str(error)) from None
