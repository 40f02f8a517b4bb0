"""`penstock build` on a real engine: locks, builds, checks and pushes; tells what goes wrong."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import docker
import pytest
import yaml
from cli_support import EXECUTABLE, Done
from engine_support import BASE, REGISTRY, registry_or_skip, remove_pipeline

from penstock.images.context import File, packed

pytestmark = pytest.mark.usefixtures("engine")

NAME = f"built-{secrets.token_hex(4)}"
"""Of this process alone, so that tests side by side do not remove each other's images."""

PIPELINE = """import yaml

from penstock import pipeline, step


@step
def load() -> list[int]:
    return list(yaml.safe_load("[1, 2]"))


@step
def total(numbers: list[int]) -> int:
    return sum(numbers)


@pipeline(name="NAME")
def built(extra: int = 0) -> int:
    return total(load())
""".replace("NAME", NAME)
SETTINGS = f'[tool.penstock.images]\nbase = "{BASE}"\n'
IMAGE = re.compile(r"penstock-[a-z0-9-]+:[0-9a-f]{12}")


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    """The engine; what the tests of this module have built is removed afterwards."""
    registry_or_skip()
    client = docker.from_env()
    try:
        yield client
    finally:
        remove_pipeline(client, NAME)
        client.close()


class Project:
    """A folder with a pipeline, and the command line in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("built.py", PIPELINE)
        self.write("pyproject.toml", SETTINGS)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def __call__(self, *words: str) -> Done:
        done = subprocess.run(
            [EXECUTABLE, *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def build(self, *words: str) -> list[str]:
        """The names of the images, environments first; fails unless the build succeeds."""
        done = self("build", "built.py", *words)
        assert done.code == 0, done.out + done.err
        return [one[0] for line in done.out.splitlines() if (one := IMAGE.match(line))]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_an_image_runs_what_was_planned(project: Project, engine: docker.DockerClient) -> None:
    planned = json.loads(project("build", "built.py", "--dry-run", "--format", "json").out)
    assert not (project.folder / "images.lock").exists()
    environment, name = project.build()
    assert name == planned["name"]
    config = engine.images.get(name).attrs["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] is None
    assert config["Cmd"] == ["python3", "-m", "penstock_runtime"]
    assert config["WorkingDir"] == "/app"
    labels = config["Labels"]
    assert labels["io.penstock.pipeline"] == NAME
    assert labels["io.penstock.env"] == environment.partition(":")[2]
    assert labels["io.penstock.base"] == engine.images.get(BASE).id
    assert labels["org.opencontainers.image.version"] == name.partition(":")[2]
    done = project("run", "built.py", "--executor", "docker", "--format", "json")
    assert done.code == 0, done.err
    assert json.loads(done.out.splitlines()[-1])["outputs"] == {"value": {"value": 3}}


def test_a_new_volume_and_the_answer_belong_to_the_user(
    project: Project, engine: docker.DockerClient
) -> None:
    _, name = project.build()
    program = "for name in ('/data/x', '/airflow/xcom/return.json'): open(name, 'x').close()"
    volume = engine.volumes.create(f"penstock-test-{NAME}")
    try:
        mounted = {volume.name: {"bind": "/data", "mode": "rw"}}
        engine.containers.run(name, ["python3", "-c", program], volumes=mounted, remove=True)
    finally:
        volume.remove()


def test_the_requirements_are_there_in_the_locked_version_with_bytecode(
    project: Project, engine: docker.DockerClient
) -> None:
    _, name = project.build()
    lock = (project.folder / f"images.lock/{NAME}.txt").read_text()
    (version,) = re.findall(r"^pyyaml==(\S+)", lock, re.M)
    program = (
        "import yaml, os, importlib.metadata as m; print(m.version('pyyaml'), yaml.__cached__, "
        "os.path.exists(yaml.__cached__), [d.name for d in m.distributions() if d.name != 'x'])"
    )
    said = engine.containers.run(name, ["python3", "-c", program], remove=True).decode()
    assert said.startswith(f"{version} /opt/requirements/yaml/__pycache__/__init__.cpython")
    assert "True" in said
    assert "pydantic" not in said
    assert json.loads((project.folder / f"images.lock/{NAME}.cdx.json").read_text())["components"]


def test_nothing_is_built_twice_and_an_edit_makes_one_layer(
    project: Project, engine: docker.DockerClient
) -> None:
    first = project.build()
    done = project("build", "built.py")
    assert done.out.count("was there") == 2
    project.write("built.py", PIPELINE.replace("sum(numbers)", "sum(numbers) + 1"))
    second = project.build()
    assert (first[0], first[1] == second[1]) == (second[0], False)
    before, after = (engine.images.get(one[1]).attrs["RootFS"]["Layers"] for one in (first, second))
    assert len(before) == len(after)
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 1


def test_a_base_that_has_changed_is_built_upon_anew(
    project: Project, engine: docker.DockerClient
) -> None:
    project.write("pyproject.toml", SETTINGS.replace(BASE, "penstock-test-moving:1"))
    engine.images.get(BASE).tag("penstock-test-moving", "1")
    try:
        project.build()
        assert project("build", "built.py").out.count("was there") == 2
        made, _ = engine.images.build(
            fileobj=_dockerfile(f"FROM {BASE}\nCOPY Dockerfile /moved\n"), custom_context=True
        )
        made.tag("penstock-test-moving", "1")
        assert "was there" not in project("build", "built.py").out
        engine.images.get(BASE).tag("penstock-test-moving", "1")
        assert "was there" not in project("build", "built.py").out  # fewer layers, the same first
        assert project("build", "built.py").out.count("was there") == 2
    finally:
        engine.images.remove("penstock-test-moving:1", force=True)


def _dockerfile(text: str) -> BinaryIO:
    return packed({"Dockerfile": File(text.encode())})


def test_a_step_that_does_not_import_leaves_no_image(
    project: Project, engine: docker.DockerClient
) -> None:
    text = (
        PIPELINE + "\n\nimport pathlib\nif pathlib.Path('/app').exists():\n    raise OSError(7)\n"
    )
    project.write("built.py", text)
    planned = json.loads(project("build", "built.py", "--dry-run", "--format", "json").out)
    done = project("build", "built.py")
    assert done.code == 1
    assert re.search(
        r"error: built:load does not import in penstock-built-\w+:\w+: .*OSError: 7", done.err
    )
    assert not engine.images.list(planned["name"])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_build_that_is_stopped_leaves_no_image_that_was_not_checked(
    project: Project, engine: docker.DockerClient, how: signal.Signals
) -> None:
    slow = "import pathlib, time\ntime.sleep(60 * pathlib.Path('/app').exists())\n"
    project.write("built.py", PIPELINE + f"\n\n{slow}# {how.name}\n")
    planned = json.loads(project("build", "built.py", "--dry-run", "--format", "json").out)
    with subprocess.Popen(
        [EXECUTABLE, "build", "built.py"],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as building:
        assert building.stdout is not None
        assert any("importing 2 steps" in line for line in building.stdout)
        building.send_signal(how)
        _, error = building.communicate(timeout=30)
    if how is signal.SIGINT:
        assert (building.returncode, error.strip()) == (130, "stopped")
    assert not engine.images.list(planned["name"])


def test_what_steps_print_while_they_are_imported_is_no_matter(project: Project) -> None:
    project.write("built.py", PIPELINE + "\n\nimport atexit\natexit.register(print, '[1]')\n")
    assert len(project.build()) == 2


def test_a_base_of_another_python_is_told(project: Project) -> None:
    project.write("pyproject.toml", SETTINGS + 'python = "3.10"\n')
    project.write(
        "built.py", PIPELINE.replace("import yaml\n", "").replace("yaml.safe_load", "eval")
    )
    done = project("build", "built.py")
    assert done.code == 1
    assert "has Python 3." in done.err or "Python 3.10" in done.err


def test_a_base_that_is_nowhere_is_told(project: Project) -> None:
    project.write("pyproject.toml", SETTINGS.replace(BASE, f"{REGISTRY}/nobody/has-it:1"))
    done = project("build", "built.py")
    assert (done.code, len(done.lines)) == (1, 1)
    assert f"{REGISTRY}/nobody/has-it:1" in done.err


def test_a_requirement_that_nobody_has_is_told_at_its_line(project: Project) -> None:
    text = PIPELINE.replace("@step\ndef load", '@step(requires=["nobody-has-this-1x2y"])\ndef load')
    project.write("built.py", text)
    done = project("build", "built.py")
    assert done.code == 1
    assert "error[PS308]" in done.err
    assert "nobody-has-this-1x2y" in done.err
    assert "built.py:7" in done.err


def test_contexts_written_out_build_the_same_layers(
    project: Project, engine: docker.DockerClient, tmp_path: Path
) -> None:
    environment, name = project.build()
    done = project("build", "built.py", "-o", "out")
    assert done.code == 0, done.err
    folder = tmp_path / "out" / name.replace(":", "-")
    written = sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())
    assert written == ["Dockerfile", "root/app/built.py"]
    assert (folder / "Dockerfile").read_text().startswith(f"FROM {environment}\n")
    assert (tmp_path / "out" / environment.replace(":", "-") / "requirements.tar").exists()


def test_pushed_images_are_pinned_by_what_is_compiled(project: Project) -> None:
    _, name = project.build("--push", f"{REGISTRY}/team")
    pushed = yaml.safe_load((project.folder / "images.lock.yaml").read_text())
    reference = pushed["images"][name]["reference"]
    assert re.fullmatch(rf"{REGISTRY}/team/penstock-{NAME}@sha256:[0-9a-f]{{64}}", reference)
    assert project("compile", "built.py", "--to", "airflow", "-o", "dags").code == 0
    assert reference in (project.folder / f"dags/{NAME}.py").read_text()
    before = (project.folder / "images.lock.yaml").read_bytes()
    project.build("--push", f"{REGISTRY}/team")
    assert (project.folder / "images.lock.yaml").read_bytes() == before


def test_a_push_that_fails_is_told(project: Project) -> None:
    done = project("build", "built.py", "--push", "127.0.0.1:1/team")
    assert done.code == 1
    assert "127.0.0.1:1" in done.err
    assert not (project.folder / "images.lock.yaml").exists()


def test_a_registry_in_the_settings_must_be_one(project: Project) -> None:
    text = '[tool.penstock]\nregistry = "https://example.com"\n'
    project.write("pyproject.toml", text)
    done = project("check", "built.py")
    assert (done.code, "is no registry" in done.err) == (2, True)


def test_old_layers_leave_the_cache(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(project.folder / "caches"))
    layers = project.folder / "caches/penstock/layers"
    layers.mkdir(parents=True)
    for name, moment in (("old.tar", 0), ("new.tar", time.time())):
        (layers / name).write_bytes(b"")
        os.utime(layers / name, (moment, moment))
    shown = project("images", "prune", "built.py", "--dry-run")
    assert "would remove 1 layer of the cache" in shown.out
    assert sorted(one.name for one in layers.iterdir()) == ["new.tar", "old.tar"]


@pytest.mark.parametrize("registry", ["https://example.com", "a b", "", "-x", "example.com/UP"])
def test_what_is_no_registry_is_wrong_usage(project: Project, registry: str) -> None:
    done = project("build", "built.py", "--push", registry)
    assert (done.code, "is no registry" in done.err) == (2, True)


def test_images_are_listed_and_unused_ones_removed(
    project: Project, engine: docker.DockerClient
) -> None:
    old = project.build()[1]
    project.write("built.py", PIPELINE + "# edited\n")
    new = project.build()[1]
    listed = project("images").out
    assert old in listed
    assert new in listed
    assert project("images", "prune", "built.py").code == 2  # it asks, and nobody is there
    shown = project("images", "prune", "built.py", "--dry-run").out
    assert old in shown
    assert new not in shown
    assert engine.images.list(old)


def test_without_an_engine_one_sentence_says_so(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    for words in (("build", "built.py"), ("images",), ("images", "prune", "--yes")):
        done = project(*words)
        assert (done.code, len(done.lines)) == (1, 1)
        assert "/nowhere/docker.sock" in done.err
    assert project("build", "built.py", "--dry-run").code == 0
    assert project("compile", "built.py", "--to", "kubeflow", "-o", "out").code == 0
