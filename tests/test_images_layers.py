"""What is in the layers of planned images: the same on every engine, and nothing needless."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import docker
import pytest
from cli_support import process
from engine_support import (
    BASE,
    base_with_apt,
    engine_or_skip,
    remove_pipeline,
    second_engine,
)

from penstock_runtime.run_id import new_run_id

HEAD = "from penstock import pipeline, step\n\n"
PLAIN = HEAD + "@step\ndef double(n: int) -> int:\n    return 2 * n\n"
NAME = f"layered-{secrets.token_hex(4)}"
ENDING = f"\n\n@pipeline(name={NAME!r})\n" + "def layered() -> int:\n    return {call}\n"
PLAIN_PIPELINE = PLAIN + ENDING.format(call="double(21)")


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    """The engine; the images of a test are its own, and are removed at its end."""
    engine_or_skip()
    with closing(docker.from_env()) as found:
        yield found
        remove_pipeline(found, NAME)


def built(folder: Path, text: str, base: str = BASE, **env: str) -> list[str]:
    """The names of the images of a pipeline, environments first."""
    (folder / "layered.py").write_text(text)
    (folder / "pyproject.toml").write_text(f'[tool.penstock.images]\nbase = "{base}"\n')
    done = process("build", "layered.py", "--format", "json", cwd=folder, env=env)
    assert done.code == 0, done.out + done.err
    facts = [json.loads(line) for line in done.out.splitlines()]
    return [one["image"] for one in facts if "image" in one]


def layers(client: docker.DockerClient, name: str) -> list[str]:
    return list(cast(Any, client.images.get(name).attrs)["RootFS"]["Layers"])


def test_two_engines_make_the_same_layers(client: docker.DockerClient, tmp_path: Path) -> None:
    text = "import yaml\n" + PLAIN_PIPELINE
    with second_engine() as host, closing(docker.DockerClient(base_url=host)) as other:
        (loaded,) = other.images.load(b"".join(client.images.get(BASE).save()))
        repository, _, tag = BASE.rpartition(":")
        loaded.tag(repository, tag)
        here = built(tmp_path, text)
        caches = str(tmp_path / "caches")  # the layer of the requirements is made anew
        there = built(tmp_path, text, DOCKER_HOST=host, XDG_CACHE_HOME=caches)
        assert here == there
        for name in here:
            assert layers(client, name) == layers(other, name)


def test_an_image_without_requirements_holds_penstock_and_nothing_else(
    client: docker.DockerClient, tmp_path: Path
) -> None:
    _, name = built(tmp_path, PLAIN_PIPELINE)
    program = "import importlib.metadata as m; print([d.name for d in m.distributions()])"
    said = client.containers.run(name, ["python3", "-c", program], remove=True)
    assert said == b"['penstock']\n"
    config = cast(Any, client.images.get(name).attrs)["Config"]
    assert config["User"] == "10001:10001"
    assert not [one for one in config["Env"] if "CERT" in one and "penstock" in one.lower()]


def test_a_step_starts_with_the_network_off(client: docker.DockerClient, tmp_path: Path) -> None:
    _, name = built(tmp_path, PLAIN_PIPELINE)
    store = tmp_path / "store"
    store.mkdir(mode=0o777)
    store.chmod(0o777)
    request = {
        "format": 1,
        "run": new_run_id(),
        "step": "double",
        "attempt": 1,
        "store": "/store",
        "code": "layered:double",
        "inputs": {"n": {"value": 21}},
    }
    (tmp_path / "request.json").write_text(json.dumps(request))
    (tmp_path / "request.json").chmod(0o644)
    said = client.containers.run(
        name,
        ["python3", "-m", "penstock_runtime", "/request.json"],
        network_mode="none",
        read_only=True,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        tmpfs={"/tmp": ""},
        volumes={
            str(store): {"bind": "/store", "mode": "rw"},
            str(tmp_path / "request.json"): {"bind": "/request.json", "mode": "ro"},
        },
        remove=True,
        stderr=False,
    )
    assert json.loads(said)["outputs"] == {"value": {"value": 42}}


def test_debian_packages_are_installed(client: docker.DockerClient, tmp_path: Path) -> None:
    base = base_with_apt()
    text = HEAD + (
        'import subprocess\n\n\n@step(packages=["hello"])\ndef greet() -> str:\n'
        '    return subprocess.run(["hello"], capture_output=True, text=True).stdout\n'
    )
    environment, name = built(tmp_path, text + ENDING.format(call="greet()"), base)
    assert client.containers.run(name, ["hello"], remove=True) == b"Hello, world!\n"
    history = json.dumps(cast(Any, client.images.get(environment)).history())
    assert "apt-get install -y --no-install-recommends hello" in history


def test_a_package_that_debian_does_not_have_is_told(
    client: docker.DockerClient, tmp_path: Path
) -> None:
    text = PLAIN_PIPELINE.replace("@step", '@step(packages=["nobody-has-this-1x2y"])')
    (tmp_path / "layered.py").write_text(text)
    settings = f'[tool.penstock.images]\nbase = "{base_with_apt()}"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    planned = process("build", "layered.py", "--dry-run", "--format", "json", cwd=tmp_path)
    done = process("build", "layered.py", cwd=tmp_path)
    assert done.code == 1
    assert "Unable to locate package nobody-has-this-1x2y" in done.err
    assert not client.images.list(json.loads(planned.out)["name"])
