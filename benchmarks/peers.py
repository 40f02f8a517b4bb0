"""The same pipeline written for kfp and compiled by it, for comparison; installed on request."""

from __future__ import annotations

import sys
import tempfile
import venv
from pathlib import Path

from benchmarks.compile_speed import SMALL
from benchmarks.processes import timed
from benchmarks.report import Figure

KFP = "kfp==2.17.0"
_PROGRAM = """\
from kfp import compiler, dsl


@dsl.container_component
def more(value: str):
    return dsl.ContainerSpec(image="python", command=["true"], args=[value])


@dsl.pipeline
def bench():
    before = more(value="0")
    for number in range(1, {steps}):
        step = more(value=str(number))
        step.after(before)
        before = step


compiler.Compiler().compile(bench, "bench.yaml")
"""


def figures(root: Path) -> list[Figure]:
    """A whole process of kfp, its imports included."""
    folder = root / ".envs" / "bench"
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"installing {KFP} into {folder} ...", file=sys.stderr)
        venv.create(folder, with_pip=True)
        timed([python, "-m", "pip", "install", "--quiet", KFP], 1)
    with tempfile.TemporaryDirectory() as name:
        program = Path(name) / "program.py"
        program.write_text(
            _PROGRAM.format(steps=SMALL).replace('"bench.yaml"', repr(f"{name}/b.yaml"))
        )
        runs = timed([python, program], 1)
    return [Figure(f"peer: kfp compiles {SMALL} tasks", "s", "cpu", runs[0].cpu, wall=runs[0].wall)]
