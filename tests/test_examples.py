"""Every example compiles for every target, runs on its real data, and has steps of plain Python."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner
from diagnostics_support import fresh_imports

from penstock.backend import Options, backend_names, check_pipeline, compile_pipeline, load_backend
from penstock.cli import penstock
from penstock.cli.targets import Target, load_target
from penstock.ir.text import dump_pipeline, load_pipeline
from penstock.runner import Event, Runner, RunOptions, RunResult
from penstock_runtime.local import LocalStore
from penstock_runtime.reference import Artifact, Constant, Value

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py"))


@dataclass(frozen=True)
class Example:
    """An example as the command line loads it, and its module."""

    name: str
    target: Target
    module: Any


@pytest.fixture(scope="module", params=NAMES)
def example(request: pytest.FixtureRequest) -> Iterator[Example]:
    name = cast(str, request.param)
    with fresh_imports(EXAMPLES):
        target = load_target(str(EXAMPLES / f"{name}.py"))
        yield Example(name, target, sys.modules[name])


def run(example: Example, folder: Path, **parameters: object) -> RunResult:
    """Runs the example in this process, on its own data."""
    backend = load_backend("local")
    ready = check_pipeline(example.target.ir, backend)
    events: list[Event] = []
    options = RunOptions(
        store=str(folder / "store"), root=EXAMPLES, path=(str(EXAMPLES),), executor="inline"
    )
    given = {
        one.name: json.loads(one.default)
        for one in ready.lowered.parameters
        if one.default is not None
    }
    result = cast(Runner, backend).run(ready.lowered, given | parameters, options, events.append)
    assert result.state == "succeeded", events
    return result


def metrics(result: RunResult, step: str) -> dict[str, float]:
    """The metrics of one step; all must be numbers."""
    (found,) = (one.metrics for one in result.steps if one.step == step)
    return {name: float(value) for name, value in found.items()}


def returned(result: RunResult) -> Value:
    return result.outputs["value"]


@pytest.mark.parametrize("backend", backend_names())
def test_an_example_compiles_for_every_target(example: Example, backend: str) -> None:
    port = load_backend(backend)
    assert check_pipeline(example.target.ir, port).written == example.target.ir
    bundle = compile_pipeline(example.target.ir, port, Options())
    assert any(example.target.ir.name in name for name in bundle)
    assert bundle == compile_pipeline(
        load_pipeline(dump_pipeline(example.target.ir).encode()), port, Options()
    )


@pytest.mark.parametrize("backend", ["airflow", "kubeflow", "local"])
def test_compiling_never_writes_over_the_pipeline(backend: str, tmp_path: Path) -> None:
    """The emitted file may have the very name of the source, and `-o` is this folder by default."""
    source = tmp_path / "hello.py"
    source.write_text((EXAMPLES / "hello.py").read_text("utf-8"), "utf-8")
    plan = tmp_path / "hello.yaml"
    with chdir(tmp_path), fresh_imports(tmp_path):
        plan.write_text(dump_pipeline(load_target("hello.py").ir), "utf-8")
        before = (source.read_bytes(), plan.read_bytes())
        for target in ("hello.py", "hello.py:hello", "hello.yaml"):
            done = CliRunner().invoke(penstock, ["compile", target, "--to", backend])
            if "the pipeline itself" in done.output:
                assert done.exit_code == 2
            assert backend != "airflow" or done.exit_code == 2
            assert source.read_bytes() == before[0]
            assert target != "hello.yaml" or plan.read_bytes() == before[1]
            plan.write_bytes(before[1])
        done = CliRunner().invoke(penstock, ["compile", "hello.py", "--to", backend, "-o", "build"])
        assert done.exit_code == 0


def test_an_example_says_what_it_is(example: Example) -> None:
    """The file, and every step that is more than a line."""
    assert example.module.__doc__
    assert example.target.ir.description or example.name == "hello"
    for component in example.target.ir.components:
        assert component.description or example.name == "hello", component.code


def test_an_example_runs_on_its_data(example: Example, tmp_path: Path) -> None:
    result = run(example, tmp_path)
    check = {"breast_cancer": tumours, "hello": greeting, "text_tokens": tokens}.get(example.name)
    assert check is not None, f"say here what {example.name} must give"
    check(result, LocalStore(tmp_path / "store", create=False))


def greeting(result: RunResult, store: LocalStore) -> None:
    assert returned(result) == Constant("HELLO, WORLD!")


def tumours(result: RunResult, store: LocalStore) -> None:
    scores = metrics(result, "Evaluate")
    assert 0.98 < scores["auc"] <= 1
    assert 0.95 < scores["accuracy"] <= 1
    assert returned(result) == Constant("ship it")
    kinds = {
        one.step: value.ref.type
        for one in result.steps
        for value in one.outputs.values()
        if isinstance(value, Artifact)
    }
    assert "DataFrame" in kinds["Scale"]
    assert "LogisticRegression" in kinds["Train"]


def tokens(result: RunResult, store: LocalStore) -> None:
    found = metrics(result, "measure")
    assert 0.5 < found["coverage"] < 1
    assert 2 < found["characters_per_token"] < 10
    value = returned(result)
    assert isinstance(value, Artifact)
    kept = json.loads(store.read_bytes(value.ref.digest))
    assert kept == pytest.approx(found)


def test_the_floor_of_breast_cancer_decides(tmp_path: Path) -> None:
    with fresh_imports(EXAMPLES):
        target = load_target(str(EXAMPLES / "breast_cancer.py"))
        example = Example("breast_cancer", target, sys.modules["breast_cancer"])
        result = run(example, tmp_path, floor=1.0)
    assert returned(result) == Constant("keep the old one")


def test_the_steps_are_ordinary_python() -> None:
    """By hand, without a pipeline: the same data, the same result."""
    with fresh_imports(EXAMPLES):
        for name in NAMES:
            load_target(str(EXAMPLES / f"{name}.py"))
        cancer, hello, text = (sys.modules[name] for name in NAMES)
        assert hello.shout(hello.greet("Ada")) == "HELLO, ADA!"

        data = cancer.Load().run()
        assert data.shape == (569, 31)
        parts = cancer.Divide(test_share=0.5, seed=1).run(data)
        assert len(parts.train) + len(parts.test) == 569
        scaled = cancer.Scale().run(*parts)
        assert abs(scaled.train.drop(columns=cancer.LABEL).mean()).max() < 1e-9
        model = cancer.Train(C=0.1).run(scaled.train)
        assert cancer.Evaluate().run(model, scaled.test)["auc"] > 0.98
        assert cancer.decide(0.9, floor=0.95) == "keep the old one"

        texts = text.Manuals(limit=8).run()
        assert 1 < len(texts) <= 8
        parts = text.EveryFourth().run(texts)
        assert sorted([*parts.test, *parts.train]) == sorted(texts)
        words = text.learn(["a b a", "b a"], size=1)
        assert words == {"a": 1}
        numbers = text.Tokenize().run(["a b"], words)
        assert numbers == [[1, 0]]
        assert text.measure(["a b"], numbers)["coverage"] == 0.5
