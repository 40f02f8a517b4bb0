"""The same four steps as kedro-airflow and Metaflow put them out for Airflow; on request."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.processes import told
from benchmarks.report import Figure

PACKAGES = ("kedro==1.7.0", "kedro-airflow", "metaflow==2.19.39", "boto3>=1.40", "kubernetes>=30")
_OURS = """\
from typing import NamedTuple

from penstock import Metrics, pipeline, step


class Split(NamedTuple):
    train: bytes
    test: bytes


@step
def load(C: float) -> bytes:
    return b"1"


@step
def split(data: bytes) -> Split:
    return Split(data, data)


@step
def fit(train: bytes, C: float) -> bytes:
    return train


@step
def score(model: bytes, test: bytes) -> Metrics:
    return Metrics(auc=1)


@pipeline
def bench(C: float = 1.0) -> Metrics:
    train, test = split(load(C))
    return score(fit(train, C), test)
"""
_KEDRO = {
    "pyproject.toml": """\
[project]
name = "bench"
version = "0.1"

[tool.kedro]
package_name = "bench"
project_name = "bench"
kedro_init_version = "1.7.0"
source_dir = "src"
""",
    "src/bench/__init__.py": "",
    "src/bench/settings.py": "",
    "conf/base/parameters.yml": "C: 1.0\n",
    "conf/base/catalog.yml": "{}\n",
    "conf/local/parameters.yml": "{}\n",
    "src/bench/pipeline_registry.py": """\
from kedro.pipeline import Pipeline, node


def one(*inputs):
    return 1


def two(data):
    return 1, 2


def register_pipelines():
    return {
        "__default__": Pipeline(
            [
                node(one, "params:C", "data", name="load"),
                node(two, "data", ["train", "test"], name="split"),
                node(one, ["train", "params:C"], "model", name="fit"),
                node(one, ["model", "test"], "metrics", name="score"),
            ]
        )
    }
""",
}
_METAFLOW = """\
from metaflow import FlowSpec, Parameter, step


class Bench(FlowSpec):
    C = Parameter("C", default=1.0)

    @step
    def start(self):
        self.data = [1]
        self.next(self.split)

    @step
    def split(self):
        self.train, self.test = [1], [2]
        self.next(self.fit)

    @step
    def fit(self):
        self.model = 1
        self.next(self.end)

    @step
    def end(self):
        self.metrics = 1


if __name__ == "__main__":
    Bench()
"""


def figures(root: Path) -> list[Figure]:
    """Lines, bytes, and the time that Airflow 3.3 needs to read each file, if it can."""
    python = root / ".envs/bench-peers/bin/python"
    uv = Path(sys.executable).with_name("uv")
    if not python.exists():
        print(f"installing {', '.join(PACKAGES)} ...", file=sys.stderr)
        subprocess.run([uv, "venv", "-q", python.parent.parent], check=True)
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *PACKAGES], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {
            "penstock": _ours(folder),
            "kedro-airflow": _kedro(folder / "kedro", python),
            "Metaflow": _metaflow(folder, python),
        }
        found: list[Figure] = []
        for who, file in files.items():
            text = file.read_text("utf-8")
            found.append(Figure(f"{who}: lines of four steps", "lines", "", text.count("\n")))
            found.append(Figure(f"{who}: bytes of four steps", "bytes", "", len(text.encode())))
            found += _read(root, python, who, file, folder)
        return found


def _read(root: Path, python: Path, who: str, file: Path, folder: Path) -> list[Figure]:
    """The time to read it; kedro's own packages are lent to Airflow, as its files need them."""
    airflow, script = root / ".envs/airflow-3.3/bin/python", root / "benchmarks/airflow_parse.py"
    packages = next((python.parent.parent / "lib").glob("python*/site-packages"))
    lent = (
        f"import sys; sys.path.append({str(packages)!r}); sys.argv = {[str(script), str(file)]!r}"
    )
    program = f"{lent}; import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    os.environ["AIRFLOW_HOME"] = str(folder / "home")
    try:
        times = told([airflow, "-c", program])
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        print(f"{who}: Airflow 3.3 cannot read it: {reason}", file=sys.stderr)
        return []
    finally:
        del os.environ["AIRFLOW_HOME"]
    return [Figure(f"{who}: Airflow reads four steps", "s", "cpu", sum(times[str(file)]))]


def _ours(folder: Path) -> Path:
    (folder / "four.py").write_text(_OURS)
    penstock = Path(sys.executable).with_name("penstock")
    _call([penstock, "compile", "four.py", "--to", "airflow", "-o", "ours"], folder, os.environ)
    return folder / "ours/bench.py"


def _kedro(folder: Path, python: Path) -> Path:
    for name, text in _KEDRO.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    command: list[str | Path] = [python.with_name("kedro"), "airflow", "create", "-t", "out"]
    _call(command, folder, {**os.environ, "DO_NOT_TRACK": "1"})
    return folder / "out/bench_dag.py"


def _metaflow(folder: Path, python: Path) -> Path:
    """It uploads its package while it compiles, so it needs a bucket."""
    (folder / "flow.py").write_text(_METAFLOW)
    with _bucket() as address:
        env = {
            **os.environ,
            **address,
            "USER": "ada",
            "METAFLOW_DEFAULT_METADATA": "local",
            "METAFLOW_DATASTORE_SYSROOT_S3": "s3://bench/x",
            "METAFLOW_KUBERNETES_NAMESPACE": "default",
        }
        words = ("flow.py", "--datastore=s3", "--no-pylint", "airflow", "create", "mf.py")
        _call([python, *words], folder, env)
    return folder / "mf.py"


def _call(command: Sequence[str | Path], folder: Path, env: Mapping[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


@contextmanager
def _bucket() -> Generator[Mapping[str, str]]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        urllib.request.urlopen(urllib.request.Request(f"{url}/bench", method="PUT")).close()
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        yield {**keys, "AWS_DEFAULT_REGION": "us-east-1", "METAFLOW_S3_ENDPOINT_URL": url}
    finally:
        server.stop()
