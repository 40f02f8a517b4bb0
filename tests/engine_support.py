"""The Docker engine of the tests; scripts/engine.sh starts it and leaves word in `.envs/engine`."""

import os
import secrets
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from functools import cache
from typing import Any, cast

import docker
import docker.errors
import pytest
from apt_base import base_with_apt as made_base_with_apt
from apt_base import why_no_apt
from base_image import BASE as BASE
from engine_notes import noted
from engine_ready import REGISTRY as REGISTRY
from engine_ready import why_no_engine, why_no_registry
from second_engine import second_engine as started_engine
from second_engine import why_no_second_engine

LABEL = "io.penstock.test"
"""Stands on whatever a test has made; its value is the test's own."""


def engine_or_skip() -> None:
    """Skip the test where no Docker engine runs; with PENSTOCK_NEEDS_ENGINE=1 fail it."""
    if reason := _missing():
        skip_or_fail(f"no Docker engine: {reason}")


def registry_or_skip() -> None:
    """The same for the registry."""
    engine_or_skip()
    if reason := _registry_missing():
        skip_or_fail(f"no registry: {reason}")


def base_with_apt() -> str:
    """The image of a Debian with apt and Python, made by the first test that needs it."""
    engine_or_skip()
    if reason := why_no_apt():
        skip_or_fail(f"no base with apt: {reason}")
    return made_base_with_apt(BASE)


@contextmanager
def second_engine() -> Generator[str]:
    """The DOCKER_HOST of another engine, which has no image and no network."""
    if reason := why_no_second_engine():
        skip_or_fail(f"no second Docker engine: {reason}")
    with started_engine() as host:
        yield host


def skip_or_fail(reason: str) -> None:
    """Skip the test; where it must not be skipped, fail it."""
    if os.environ.get("PENSTOCK_NEEDS_ENGINE") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@contextmanager
def own_images() -> Generator[str]:
    """A prefix for a test's images; what is called or labelled so goes at the end."""
    prefix = f"penstock-test-{secrets.token_hex(4)}"
    try:
        yield prefix
    finally:
        remove_made(prefix)


def remove_made(prefix: str) -> None:
    """Remove the containers and images that are called `prefix...` or labelled so."""
    with closing(docker.from_env()) as client:
        # The lists as the engine gives them: the SDK asks for each one again, while others go.
        api = cast(Any, client.api)
        images: list[dict[str, Any]] = api.images()
        containers: list[dict[str, Any]] = api.containers(all=True)
        named = [
            str(tag)
            for image in images
            for tag in image["RepoTags"] or ()
            if str(tag).removeprefix(f"{REGISTRY}/").startswith(prefix)
        ]
        labelled = [str(image["Id"]) for image in images if _label(image) == prefix]
        for one in containers:
            # By the name that it was made with: an image may be another test's too.
            by_image = str(one["Image"]).removesuffix(":latest") in {
                name.removesuffix(":latest") for name in named
            }
            by_name = any(str(name).startswith(f"/{prefix}") for name in one["Names"] or ())
            if by_image or by_name or one["ImageID"] in labelled or _label(one) == prefix:
                with suppress(docker.errors.NotFound):
                    api.remove_container(one["Id"], force=True, v=True)
        for name in [*named, *labelled]:
            with suppress(docker.errors.ImageNotFound):  # parents without a name go with a child
                client.images.remove(name, force=True)


def _label(thing: dict[str, Any]) -> str | None:
    labels: dict[str, str] = thing.get("Labels") or {}
    return labels.get(LABEL)


def remove_pipeline(client: docker.DockerClient, name: str) -> None:
    """Remove the images of a pipeline; those of its environments are shared, and stay."""
    for image in client.images.list(filters={"label": f"io.penstock.pipeline={name}"}):
        client.images.remove(str(image.id), force=True)


@cache
def _missing() -> str:
    """Why no test can use an engine, or nothing."""
    if reason := why_no_engine():
        return noted("NO_ENGINE") or f"{reason}; `make engine` starts one"
    with closing(docker.from_env()) as client:
        try:
            client.images.get(BASE)
        except docker.errors.ImageNotFound:
            return noted("NO_ENGINE") or f"it has no image {BASE}; `make engine` makes it"
    return ""


@cache
def _registry_missing() -> str:
    """Why no test can use the registry, or nothing."""
    if reason := why_no_registry():
        return noted("NO_REGISTRY") or f"{reason}; `make engine` starts one"
    return ""
