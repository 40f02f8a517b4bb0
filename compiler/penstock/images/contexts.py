"""The exact context of each image: every file that its build gets, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from penstock.images.compiled_files import with_bytecode
from penstock.images.context import Context, File
from penstock.images.dockerfile import (
    REQUIREMENTS,
    WRITABLE,
    code_dockerfile,
    environment_dockerfile,
)
from penstock.images.engine import EngineImage
from penstock.images.ourselves import HOME
from penstock.images.plan import Environment, ImagePlan
from penstock.images.requirements_layer import requirements_layer
from penstock.ir.nodes import Image

ENVIRONMENT_LABEL = "io.penstock.env"
BASE_LABEL = "io.penstock.base"
"""The id of the base that an environment was built on: a base's name may move to another image."""
_FOLDERS = ("airflow/xcom", "data")
PIPELINE_LABEL = "io.penstock.pipeline"


def contexts(
    plan: ImagePlan, revision: Mapping[str, str], listen: Callable[[str], None]
) -> Iterator[tuple[str, Context]]:
    """The name and the context of every image, environments before code."""
    for image, environment in zip(plan.images, plan.environments, strict=True):
        yield environment.image, environment_context(plan, environment, listen)
        yield image.name, code_context(plan, image, environment, revision)


def environment_context(
    plan: ImagePlan,
    environment: Environment,
    listen: Callable[[str], None],
    base: EngineImage | None = None,
) -> Context:
    """The context of an environment, whose requirements are installed for it here.

    `base` is what its labels tell of, if the engine has it. Raises `RequirementsError`.
    """
    requirements: Path | None = None
    if environment.pins:
        requirements = requirements_layer(
            environment.lock.text,
            environment.python,
            environment.platform,
            plan.indexes,
            listen,
        )
    labels = {
        ENVIRONMENT_LABEL: environment.key,
        "io.penstock.python": environment.python,
        "io.penstock.version": environment.penstock,
        "org.opencontainers.image.base.name": environment.base,
        **_of_base(environment.base, base),
    }
    text = environment_dockerfile(
        environment.base,
        environment.packages,
        labels,
        requirements=requirements is not None,
    )
    context: dict[str, File] = {"Dockerfile": File(text.encode())}
    if requirements is not None:
        context[REQUIREMENTS] = File(requirements)
    for name, content in with_bytecode(
        plan.ourselves.files, f"/{HOME}", environment.python
    ).items():
        context[f"runtime/{HOME}/{name}"] = File(content)
    for folder in _FOLDERS:
        context[f"{WRITABLE}/{folder}/.penstock"] = File(b"")  # an empty folder is not sent
    return context


def _of_base(name: str, base: EngineImage | None) -> dict[str, str]:
    """Labels that tell which image the name of a base stood for."""
    labels = {} if base is None else {BASE_LABEL: base.id}
    # A base made on this machine has no digest of a registry.
    known = [name] if "@" in name else base.digests[:1] if base is not None else ()
    for one in known:
        labels["org.opencontainers.image.base.digest"] = one.rpartition("@")[2]
    return labels


def code_context(
    plan: ImagePlan, image: Image, environment: Environment, revision: Mapping[str, str]
) -> Context:
    """The context of the code on its environment."""
    labels = {
        **revision,
        ENVIRONMENT_LABEL: environment.key,
        PIPELINE_LABEL: plan.pipeline,
        "io.penstock.plan": plan.digest,
        "io.penstock.source": image.source,
        "org.opencontainers.image.title": image.name.partition(":")[0],
        "org.opencontainers.image.version": image.name.partition(":")[2],
    }
    text = code_dockerfile(
        environment.image, plan.source.path, labels, code=bool(plan.source.files)
    )
    context: dict[str, File] = {"Dockerfile": File(text.encode())}
    for name, content in plan.source.files.items():
        context[f"root/{name}"] = File(content, name in plan.source.programs)
    return context
