"""What Airflow needs to read an emitted DAG file, against one by hand for the same tasks."""

from __future__ import annotations

import os
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from benchmarks.processes import told
from benchmarks.programs import SHAPES
from benchmarks.report import Figure

SIZES = (10, 100, 1_000)
RATIO = 1.3
BYTES = 400.0
_HEAD = '''\
"""A chain of steps, written by hand."""

from __future__ import annotations

import json

from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import DAG
from docker.types import Mount


class StepOperator(DockerOperator):
    pickling_library = json


STEP = {
    "image": "bench:1",
    "command": ["python", "-m", "bench"],
    "auto_remove": "force",
    "mount_tmp_dir": False,
    "mounts": [Mount(target="/data", source="store", type="volume")],
    "retrieve_output": True,
    "retrieve_output_path": "/airflow/xcom/return.json",
}


def env(step: str, **inputs: str) -> dict[str, str]:
    names = {f"IN_{name.upper()}": value for name, value in inputs.items()}
    return {"STEP": step, "RUN": "{{ run_id }}", "STORE": "/data"} | names


with DAG(dag_id="bench", schedule=None):
    first = StepOperator(task_id="first", environment=env("first"), **STEP)
'''
_TASK = """\
    more_{now} = StepOperator(
        task_id="more_{now}",
        environment=env(
            "more", value="{{{{ ti.xcom_pull(task_ids='{before}') | tojson }}}}"
        ),
        **STEP,
    )
"""


def by_hand(steps: int) -> str:
    """The DAG file of a chain as a person would write it."""
    names = ["first", *(f"more_{number}" for number in range(2, steps + 1))]
    tasks = [_TASK.format(now=number, before=names[number - 2]) for number in range(2, steps + 1)]
    edges = "".join(f"    {one} >> {other}\n" for one, other in pairwise(names))
    return _HEAD + "".join(tasks) + edges


def figures(root: Path, quick: bool) -> list[Figure]:
    """Time to execute and serialize at each size, and bytes a task."""
    airflow = root / ".envs/airflow-3.3/bin/python"
    if not airflow.exists():
        print("no .envs/airflow-3.3: run `make airflow` first", file=sys.stderr)
        return []
    sizes = SIZES[:2] if quick else SIZES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        emitted = {size: _emitted(folder, size) for size in sizes}
        hand = {size: folder / f"hand{size}.py" for size in sizes}
        for size, file in hand.items():
            file.write_text(by_hand(size))
        # Airflow keeps what it finds out about itself in its home.
        os.environ["AIRFLOW_HOME"] = str(folder / "home")
        try:
            script = root / "benchmarks/airflow_parse.py"
            times = told([airflow, script, *emitted.values(), *hand.values()])
        finally:
            del os.environ["AIRFLOW_HOME"]
        found: list[Figure] = []
        for size in sizes:
            ours, theirs = sum(times[str(emitted[size])]), sum(times[str(hand[size])])
            what = f"Airflow reads {size} emitted tasks"
            found.append(
                Figure(what, "s", "cpu", ours, RATIO * theirs, None, None, theirs, "by hand")
            )
        small, large = sizes[0], sizes[-1]
        grown = emitted[large].stat().st_size - emitted[small].stat().st_size
        found.append(Figure("bytes of a plain task", "bytes", "", grown / (large - small), BYTES))
        return found


def _emitted(folder: Path, size: int) -> Path:
    from penstock.backend import Options, compile_pipeline, load_backend
    from penstock.cli.targets import load_target

    source = folder / f"chain{size}.py"
    source.write_text(SHAPES["chain"](size))
    ir = load_target(str(source)).ir
    options = Options(values={"records": "no"})
    [text] = compile_pipeline(ir, load_backend("airflow"), options).values()
    file = folder / f"emitted{size}.py"
    file.write_text(text)
    return file
