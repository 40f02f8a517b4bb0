"""Every example and random programs, executed by kfp.local in the images that penstock builds:
the same values and digests as in a local run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli_support import process
from conftest import LONG
from engine_support import BASE, engine_or_skip
from kubeflow_specs import Spec, problems, read
from programs import ALL, Program
from test_docker_examples import EXAMPLES
from test_docker_examples import NAMES as EXAMPLE_NAMES
from test_kubeflow_meaning import base_of, generated
from test_local_meaning import case

from penstock.features import Feature

ROOT = Path(__file__).resolve().parents[1]
SDK = ROOT / ".envs/kubeflow/bin/python"
GOLDENS = ROOT / "tests/golden_pipelines"
# Without images that nobody has, what this machine may not have, what only a cluster gives.
IN_CONTAINERS = ALL - {
    Feature.IMAGE,
    Feature.RESOURCES,
    Feature.GPU,
    Feature.SCHEDULE,
    Feature.SECRET,
    Feature.RETRY_BACKOFF,
}
Outputs = list[tuple[str, str]]
"""The steps of a run, each with what it gave, as JSON."""


@dataclass
class Job:
    """A pipeline in a folder, to be run in both ways."""

    folder: Path
    target: str
    values: dict[str, Any]

    def build(self) -> None:
        """Its images and its spec."""
        text = f'[tool.penstock.images]\nbase = "{BASE}"\n'
        (self.folder / "pyproject.toml").write_text(text)
        built = process("build", self.target, cwd=self.folder)
        assert built.code == 0, built.out + built.err
        done = process("compile", self.target, "--to", "kubeflow", "-o", "specs", cwd=self.folder)
        assert done.code == 0, done.out + done.err
        assert problems(read(self.spec.read_text("utf-8"))) == []

    @property
    def spec(self) -> Path:
        """The file of the spec."""
        [file] = (self.folder / "specs").glob("*.yaml")
        return file

    @property
    def root(self) -> Path:
        """Where kfp.local keeps artifacts; the user of the images writes there."""
        root = self.folder / "artifacts"
        root.mkdir(exist_ok=True)
        root.chmod(0o777)
        return root

    def job(self) -> dict[str, Any]:
        """What kfp.local is asked for."""
        return {"spec": str(self.spec), "values": self.values, "root": str(self.root)}

    def there(self) -> Outputs:
        """What each step gave there, by the ExecutorOutputs that kfp.local has read."""
        names = steps_of(read(self.spec.read_text("utf-8")).spec)
        found: Outputs = []
        for file in self.root.rglob("executor_output.json"):
            output = json.loads(file.read_bytes())
            # Parts of outputs have a dash in their names.
            values = {n: v for n, v in output["parameterValues"].items() if "-" not in n}
            values |= {
                name: one["artifacts"][0]["metadata"]["digest"]
                for name, one in output["artifacts"].items()
            }
            found.append((names[file.parent.name], _text(values)))
        return sorted(found)

    def here(self) -> tuple[Outputs, Any]:
        """What each step gives in a local run, and what the pipeline returns."""
        words = [f"-p{name}={_given(value)}" for name, value in self.values.items()]
        done = process(
            *("run", self.target, "--no-cache", "--format", "json", "--store", "store"),
            *words,
            cwd=self.folder,
        )
        assert done.code == 0, done.out + done.err
        last = json.loads(done.out.splitlines()[-1])
        found = [
            (base_of(one["step"]), _text(_identities(one["outputs"])))
            for one in last["steps"]
            if one["state"] == "succeeded"
        ]
        return sorted(found), _identities(last["outputs"])


def steps_of(spec: Spec) -> dict[str, str]:
    """The step of each task that runs one."""
    dags = [one["dag"] for one in (spec["root"], *spec["components"].values()) if "dag" in one]
    given = {
        name: task.get("inputs", {}).get("parameters", {}).get("step-id")
        for dag in dags
        for name, task in dag["tasks"].items()
    }
    return {
        name: said["runtimeValue"]["constant"].rstrip("*")
        for name, said in given.items()
        if said is not None
    }


def _identities(outputs: dict[str, Any]) -> dict[str, Any]:
    return {name: _identity(value) for name, value in outputs.items()}


def _identity(value: Any) -> Any:
    if "list" in value:
        return [_identity(one) for one in value["list"]]
    return value["artifact"]["digest"] if "artifact" in value else value["value"]


def _text(values: dict[str, Any]) -> str:
    # A double that is whole looks like an int on the way.
    return json.dumps(json.loads(json.dumps(values), parse_int=float), sort_keys=True)


def _given(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def executed(jobs: list[Job], folder: Path) -> list[dict[str, Any]]:
    """The jobs, one after the other, in one process of the kfp environment."""
    (folder / "jobs.json").write_text(json.dumps([one.job() for one in jobs]))
    script = Path(__file__).with_name("kubeflow_local.py")
    done = subprocess.run(
        [str(SDK), str(script), str(folder / "jobs.json"), str(folder / "answer.json")],
        capture_output=True,
        text=True,
        check=False,
        timeout=3000,
        env={name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    answers: list[dict[str, Any]] = json.loads((folder / "answer.json").read_bytes())
    return answers


def compare(jobs: list[Job], folder: Path) -> None:
    """Builds and runs the jobs in both ways."""
    engine_or_skip()
    for one in jobs:
        one.build()
    for one, outputs in zip(jobs, executed(jobs, folder), strict=True):
        steps, returned = one.here()
        assert one.there() == steps, one.target
        assert _text(outputs) == _text(returned)


@pytest.mark.parametrize("name", EXAMPLE_NAMES)
def test_examples_make_the_same_artifacts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This choice of a shell's user changes the last bits of sums; images do not know of it.
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    shutil.copy(EXAMPLES / f"{name}.py", tmp_path)
    compare([Job(tmp_path, f"{name}.py", {})], tmp_path)


def test_branches_loops_and_exits_make_the_same_artifacts(tmp_path: Path) -> None:
    jobs: list[Job] = []
    for name, values in (
        ("tune", {}),
        ("tune", {"mode": "plain", "count": 2, "settings": {"names": ["x"]}}),
        ("nested", {"text": "{{ x }} $HOME 'it''s'"}),
    ):
        folder = tmp_path / str(len(jobs))
        folder.mkdir()
        shutil.copy(GOLDENS / f"{name}.py", folder)
        jobs.append(Job(folder, f"{name}.py:{name}", values))
    compare(jobs, tmp_path)


def without_requirements(program: Program) -> bool:
    """Whether no step asks for packages: each set of them is an image that takes its time."""
    return "requires=" not in program.source


def test_random_programs_make_the_same_artifacts(tmp_path: Path) -> None:
    engine_or_skip()
    with ExitStack() as stack:
        jobs: list[Job] = []
        for program in generated(30 if LONG else 3, IN_CONTAINERS, fits=without_requirements):
            one = stack.enter_context(case(program))
            jobs.append(Job(one.folder, f"{program.module}.py:{program.pipeline}", one.values))
        compare(jobs, tmp_path)
