"""Makes the executor of containers: finds the engine, and the images, before anything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import cast

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


class Engine:
    """The engine, as a run needs it."""

    def __init__(self) -> None:
        try:
            import docker
        except ImportError:
            raise CannotRun("steps in containers need `pip install 'penstock[docker]'`") from None
        from docker.errors import DockerException

        try:
            self._client = docker.from_env()
            self._api = cast(EngineApi, self._client.api)
            self.machine = Machine.of(self._api.info())
        except (DockerException, OSError) as error:
            raise CannotRun(f"the Docker engine cannot be reached: {error}") from None
        self._known: dict[str, str] = {}

    def identify(self, image: str) -> str:
        """The digest under which a registry has an image, else its id; empty if it is not there."""
        if image not in self._known:
            self._known[image] = self._identified(image)
        return self._known[image]

    def _identified(self, image: str) -> str:
        from docker.errors import DockerException

        try:
            found = self._api.inspect_image(image)
        except (DockerException, OSError):
            return ""
        digests = [str(one).partition("@")[2] for one in found.get("RepoDigests") or ()]
        return min(digests, default=str(found["Id"]))

    def get(self, images: Mapping[str, str], own: set[str]) -> None:
        """Pulls the images that users name, where needed; raises `CannotRun` for a missing one."""
        from docker.errors import DockerException

        for image in dict.fromkeys(images.values()):
            if self.identify(image):
                continue
            if image not in own:
                raise CannotRun(engine_errors.not_there(image))
            try:
                self._client.images.pull(image)
            except (DockerException, OSError) as error:
                why = " ".join(str(error).split())
                raise CannotRun(f"the image {image} cannot be pulled: {why}") from None
            self._known.pop(image)

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
