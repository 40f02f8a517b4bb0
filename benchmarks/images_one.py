"""Measures one kind of build in this process, and prints its times as JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

BASE = f"penstock-test-base:{sys.version_info.major}.{sys.version_info.minor}"
SMALL = ("click", "idna", "jinja2", "markupsafe", "packaging", "pluggy", "pyyaml", "rich", "six")
HEAD = "from penstock import pipeline, step\n"


def main(kind: str, folder: str, repeat: int) -> None:
    """Builds `repeat` times, after a first time that is not counted where caches count."""
    root = Path(folder, kind)
    root.mkdir(exist_ok=True)
    (root / "pyproject.toml").write_text(f'[tool.penstock.images]\nbase = "{BASE}"\n')
    {"unchanged": unchanged, "edited": edited, "first": first}[kind](root, repeat)


def unchanged(root: Path, repeat: int) -> None:
    """Ten images, each of other packages, that are all there."""
    from penstock.backend import check_pipeline
    from penstock.cli.targets import load_target
    from penstock.images.building import build_images
    from penstock.images.engine import Engine
    from penstock.images.plan import plan_images
    from penstock.images.project import Project

    steps = [
        f"@step(requires={list(names)!r})\ndef step_{number}() -> int:\n    return {number}\n"
        for number, names in enumerate([(), *((one,) for one in SMALL)])
    ]
    calls = "".join(f"    step_{number}()\n" for number in range(len(steps)))
    file = root / "many.py"
    file.write_text(HEAD + "".join(steps) + "@pipeline\ndef many() -> None:\n" + calls)
    build(file)
    target = load_target(str(file))
    lowered = check_pipeline(target.ir).lowered
    engine = Engine()
    times: list[float] = []
    for _ in range(repeat + 1):
        plan = plan_images(lowered, Project(root, (str(root),)))
        began = time.perf_counter()
        made = list(build_images(plan, root, engine, _ignore))
        times.append((time.perf_counter() - began) * 1000)
        if len(plan.images) != 10 or any(one.seconds is not None for one in made):
            raise RuntimeError("something was built")
    print(json.dumps({"milliseconds": times[1:]}))


def edited(root: Path, repeat: int) -> None:
    """One line of the source is edited before each build."""
    file = root / "edited.py"
    times: list[float] = []
    for number in range(repeat + 1):
        text = f"@step\ndef one() -> str:\n    return {uuid.uuid4().hex + str(number)!r}\n"
        file.write_text(HEAD + text + "@pipeline\ndef edited() -> str:\n    return one()\n")
        times.append(build(file))
    print(json.dumps({"seconds": times[1:]}))


def first(root: Path, repeat: int) -> None:
    """An environment that no engine, and no cache, has seen before."""
    file = root / "first.py"
    text = "import pandas\nimport sklearn\n" + HEAD + "@step\ndef one() -> int:\n    return 1\n"
    file.write_text(text + "@pipeline\ndef first() -> int:\n    return one()\n")
    build(file, "--lock")
    times: list[float] = []
    for _ in range(repeat):
        settings = f'[tool.penstock.images]\nbase = "{_fresh_base()}"\n'
        (root / "pyproject.toml").write_text(settings)
        with tempfile.TemporaryDirectory() as caches:
            times.append(build(file, XDG_CACHE_HOME=caches, UV_CACHE_DIR=f"{caches}/uv"))
    print(json.dumps({"seconds": times, "lock": str(root / "images.lock" / "first.txt")}))


def _fresh_base() -> str:
    """The same base under a new name, so that no builder remembers anything of it."""
    from penstock.images.engine import Engine

    name = f"penstock-bench:{uuid.uuid4().hex[:12]}"
    Engine().tag(BASE, name)
    return name


def build(file: Path, *words: str, **variables: str) -> float:
    """The seconds that `penstock build` took, start and end included."""
    command: list[str | Path] = [Path(sys.executable).with_name("penstock"), "build", file, *words]
    began = time.perf_counter()
    done = subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return time.perf_counter() - began


def _ignore(_: str) -> None:
    """Nobody watches a measurement."""


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
