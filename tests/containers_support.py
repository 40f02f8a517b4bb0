"""Images of steps without the planning: a test's modules on the base image, with penstock."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from docker.errors import ImageNotFound
from engine_support import BASE, engine_or_skip
from local_project import Project, Ran
from packaging.requirements import Requirement

from penstock.cli.targets import load_target
from penstock.runner import RunOptions
from penstock_local.container_opening import ContainerEngine
from penstock_local.containers import ContainerExecutor
from penstock_local.executors import Job
from penstock_local.interrupts import Interrupts
from penstock_runtime.opening import open_store
from penstock_runtime.request import Request
from penstock_runtime.run_id import new_run_id

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("compiler/penstock", "runtime/penstock_runtime", "runtime/penstock_records")
LABEL = f"io.penstock.test={os.getpid()}"
ENGINE = os.environ.get("DOCKER_HOST", "/var/run/docker.sock").removeprefix("unix://")
"""Where the engine listens."""

_ENVIRONMENT = f"""\
FROM {BASE}
COPY root/ /
ENV PYTHONPATH=/app:/opt/penstock PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp
WORKDIR /app
USER 10001:10001
LABEL {LABEL}
CMD ["python3", "-m", "penstock_runtime"]
"""


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """There is an engine; the images that the tests of this process make are removed at last."""
    engine_or_skip()
    yield
    made: list[Any] = cast(Any, client()).images.list(filters={"label": LABEL})
    for image in sorted(made, key=lambda one: one.attrs["Created"], reverse=True):
        with suppress(ImageNotFound):  # it has gone with one that began with it
            client().images.remove(image.id, force=True)
    client().close()


def image_with(modules: Mapping[str, str], *, dockerfile: str = "", s3: bool = False) -> str:
    """The image with these modules in /app; `s3` also has what stores in S3 need."""
    files = {f"root/app/{name}.py": text.encode() for name, text in modules.items()}
    lines = (
        f"FROM {_environment_with_s3() if s3 else _environment()}\n"
        + "COPY root/ /\n" * bool(files)
        + dockerfile
    )
    return _built("penstock-test-step", {**files, "Dockerfile": lines.encode()})


def run_in_containers(
    project: Project,
    text: str | Path,
    parameters: Mapping[str, object] | None = None,
    *,
    image: str = "",
    jobs: int = 2,
    resume: str | None = None,
    cache: bool = True,
) -> Ran:
    """Runs the only pipeline of a module, by default in an image with that module."""
    file = project.write(text) if isinstance(text, str) else text
    image = image or image_with({file.stem: file.read_text()})
    target = load_target(str(file))
    return project.run_target(target, "docker", parameters, jobs, resume, cache, image)


@contextmanager
def executor_for(
    project: Project, file: Path, image: str
) -> Generator[tuple[ContainerExecutor, Job]]:
    """An executor without a run around it, and a job for the step called `only`."""
    target = load_target(str(file))
    options = RunOptions(str(project.store), target.root, executor="docker")
    open_store(options.store)
    images = {step.id: image for step in target.ir.steps}
    request = Request(new_run_id(), "only", 1, options.store, f"{file.stem}:only", {})
    with Interrupts() as interrupts:
        executor = ContainerEngine().executor(target.ir, images, options, interrupts)
        try:
            yield executor, Job(request)
        finally:
            executor.close()


def containers(**labels: str) -> list[Any]:
    """The containers with these labels of penstock, dead ones too."""
    wanted = [f"io.penstock.{name}={value}" for name, value in labels.items()]
    found: list[Any] = cast(Any, client()).containers.list(all=True, filters={"label": wanted})
    return found


@cache
def client() -> docker.DockerClient:
    """A connection to the engine."""
    return docker.from_env()


@cache
def _environment() -> str:
    files = {
        f"root/opt/penstock/{folder.name}/{file.relative_to(folder)}": file.read_bytes()
        for folder in (ROOT / package for package in PACKAGES)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts
    }
    return _built("penstock-test-env", {**files, "Dockerfile": _ENVIRONMENT.encode()})


@cache
def _environment_with_s3() -> str:
    """With s3fs and all that it needs, as they are installed here."""
    files: dict[str, bytes] = {}
    names = ["s3fs"]
    for name in names:
        found = distribution(name)
        for requirement in map(Requirement, found.requires or ()):
            marker = requirement.marker
            if requirement.name not in names and (marker is None or marker.evaluate({"extra": ""})):
                names.append(requirement.name)
        for file in found.files or ():
            # The library knows some hundred services.
            service = str(file).startswith("botocore/data/") and len(file.parts) > 3
            if service and not str(file).startswith("botocore/data/s3/"):
                continue
            if ".." in file.parts or "__pycache__" in file.parts:
                continue
            files[f"root/opt/penstock/{file}"] = Path(str(file.locate())).read_bytes()
    dockerfile = f"FROM {_environment()}\nCOPY root/ /\n"
    return _built("penstock-test-env", {**files, "Dockerfile": dockerfile.encode()})


def _built(repository: str, files: Mapping[str, bytes]) -> str:
    """An image by the digest of its files, which is not built again."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    tag = f"{repository}:{hashlib.sha256(stream.getvalue()).hexdigest()[:12]}"
    api = cast(Any, client().api)
    if not api.images(name=tag):
        stream.seek(0)
        told = list(api.build(fileobj=stream, custom_context=True, tag=tag, rm=True, decode=True))
        errors = [one["error"] for one in told if "error" in one]
        assert not errors, errors
    return tag
