"""The size of an emitted spec against that of the SDK for the same pipeline, and deep nesting."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.programs import SHAPES
from benchmarks.report import Figure

TASKS = 100
SHARE = 0.7
"""A spec is to be at least 30 % smaller than the SDK's."""
DEPTHS = (50, 100)
GROWTH = 2.0
_SDK = """\
from kfp import compiler, dsl


@dsl.container_component
def first(result: dsl.OutputPath(int)):
    return dsl.ContainerSpec(
        image="bench:1", command=["python3", "-m", "bench", "first"], args=["--result", result]
    )


@dsl.container_component
def more(value: int, result: dsl.OutputPath(int)):
    return dsl.ContainerSpec(
        image="bench:1",
        command=["python3", "-m", "bench", "more"],
        args=["--value", value, "--result", result],
    )


@dsl.pipeline
def bench() -> int:
    before = first()
    for number in range(1, {tasks}):
        before = more(value=before.outputs["result"])
    return before.outputs["result"]


compiler.Compiler().compile(bench, {file!r})
"""
_DEEP = """\
from penstock import pipeline, step, when


@step
def first() -> int:
    return 0


@step
def more(value: int) -> int:
    return value + 1


def level(value: int, left: int) -> None:
    value = more(value)
    if left:
        with when(value > 1):
            level(value, left - 1)


@pipeline
def bench() -> None:
    level(first(), {depth} - 1)
"""


def figures(root: Path, quick: bool) -> list[Figure]:
    """Bytes of a spec, and how the time grows with the depth of conditions."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = _sizes(root, folder)
        times = [_seconds(folder, depth, 3 if quick else 15) for depth in DEPTHS]
    what = f"{DEPTHS[1]} nested conditions take as long as {DEPTHS[0]}, times"
    return [*found, Figure(what, "x", "cpu", times[1] / times[0], GROWTH * 1.1)]


def _sizes(root: Path, folder: Path) -> list[Figure]:
    sdk = root / ".envs/kubeflow/bin/python"
    if not sdk.exists():
        print("no .envs/kubeflow: run `make kubeflow` first", file=sys.stderr)
        return []
    theirs = folder / "theirs.yaml"
    program = folder / "theirs.py"
    program.write_text(_SDK.format(tasks=TASKS, file=str(theirs)))
    subprocess.run([sdk, "-W", "ignore", program], check=True, stdout=subprocess.DEVNULL)
    size = float(len(theirs.read_bytes()))
    ours = float(len(_emitted(folder, "chain", SHAPES["chain"](TASKS))))
    what = f"spec of {TASKS} container tasks"
    return [Figure(what, "bytes", "", ours, SHARE * size, None, None, size, "the SDK")]


def _emitted(folder: Path, name: str, source: str) -> bytes:
    from penstock.backend import Options, compile_pipeline, load_backend
    from penstock.cli.targets import load_target

    file = folder / f"kubeflow_{name}.py"
    file.write_text(source)
    ir = load_target(str(file)).ir
    files = compile_pipeline(ir, load_backend("kubeflow"), Options())
    return files["bench.yaml"].encode()


def _seconds(folder: Path, depth: int, repeat: int) -> float:
    """The least time of a compilation, from the pipeline as data to the text."""
    from penstock.backend import Options, compile_pipeline, load_backend
    from penstock.cli.targets import load_target

    file = folder / f"kubeflow_deep{depth}.py"
    file.write_text(_DEEP.format(depth=depth))
    ir, backend = load_target(str(file)).ir, load_backend("kubeflow")
    times: list[float] = []
    for _ in range(repeat):
        began = time.process_time()
        compile_pipeline(ir, backend, Options())
        times.append(time.process_time() - began)
    return min(times)
