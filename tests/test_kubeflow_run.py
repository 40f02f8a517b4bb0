"""Emitted specs run: each task through the runtime's adapter, with the ExecutorInput that the
backend would make.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from goldens_support import golden_pipelines, golden_source
from kubeflow_backend import COMPLETE, FAILED, SKIPPED, Backend, BackendFailed, Done
from kubeflow_specs import Documents, Spec, compiled, problems, read
from kubeflow_specs import files as emitted
from test_kubeflow_spec import const, out, step

from penstock.backend import check_pipeline
from penstock.cli.targets import load_target
from penstock.ir.nodes import Component, Input, Nested, Output, Parameter, PipelineIR
from penstock.ir.values import FromParameter
from penstock_kubeflow import KubeflowBackend

NUMBER = iter(range(10**6))


def traced(folder: Path, source: str) -> PipelineIR:
    """The pipeline in a source text, under a module name that no other test has."""
    file = folder / f"kubeflow_flow_{next(NUMBER)}.py"
    file.write_text("from penstock import *\nfrom penstock import Retry, RunStatus\n" + source)
    return load_target(str(file)).ir


def run(found: Documents, folder: Path, values: Spec, **environ: str) -> tuple[Backend, Done]:
    """A run of a spec."""
    backend = Backend(found, folder, environ)
    return backend, backend.run(values)


@pytest.fixture(autouse=True)
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The steps of a test are imported from its own folder, which is forgotten again."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PENSTOCK_PATH", str(tmp_path))
    yield


def ran(folder: Path, source: str, **values: Any) -> tuple[Backend, Done]:
    """A pipeline, traced, compiled, and run."""
    return run(compiled(traced(folder, source)), folder / "run", values)


MODULE = """
from typing import NamedTuple
from penstock import EvaluatorStep, Metrics

class Pair(NamedTuple):
    data: bytes
    count: int

def make(text: str, times: int = 2) -> Pair:
    return Pair((text * times).encode(), len(text) * times)

class Score(EvaluatorStep):
    weight: float = 1.0
    def run(self, data: bytes) -> Metrics:
        return Metrics(auc=len(data) * self.weight)

def tell(auc: float, count: int, rate: float, odd: dict[str, str], maybe: str | None = None) -> str:
    return repr((auc, count, rate, odd, maybe))
"""


def test_values_of_every_kind_arrive(tmp_path: Path) -> None:
    (tmp_path / "kubeflow_steps.py").write_text(MODULE)
    make = Component(
        code="kubeflow_steps:make",
        inputs=(Input(name="text", type="str"), Input(name="times", type="int", default="2")),
        outputs=(
            Output(name="data", type="bytes", kind="artifact"),
            Output(name="count", type="int", kind="parameter"),
        ),
    )
    score = Component(
        code="kubeflow_steps:Score",
        inputs=(
            Input(name="weight", type="float", default="1.0", field=True),
            Input(name="data", type="bytes"),
        ),
        outputs=(Output(name="value", type="penstock.Metrics", kind="artifact"),),
    )
    tell = Component(
        code="kubeflow_steps:tell",
        inputs=(
            Input(name="auc", type="float"),
            Input(name="count", type="int"),
            Input(name="rate", type="float"),
            Input(name="odd", type="dict[str, str]"),
            Input(name="maybe", type="str | None", default="null"),
        ),
        outputs=(Output(name="value", type="str", kind="parameter"),),
    )
    odd = {'a"\\\n\r\u2028 }} %s `ls`': "\0 $HOME $ 'x' \U0001f600"}
    ir = PipelineIR(
        name="all",
        parameters=(Parameter(name="config", type="dict[str, list[float]]"),),
        components=(make, score, tell),
        scopes=(Nested(id="outer", pipeline="p"), Nested(id="inner", parent="outer", pipeline="p")),
        steps=(
            step("make", "kubeflow_steps:make", "inner", text=const("äb")),
            step("score", "kubeflow_steps:Score", "outer", data=out("make", "data")),
            step(
                "tell",
                "kubeflow_steps:tell",
                auc=out("score", "value", "auc"),
                count=out("make", "count"),
                rate=FromParameter(parameter="config", path=("rates", 1)),
                odd=const(odd),
            ),
        ),
    )
    shown = tmp_path / "run"
    found = compiled(ir)
    run(found, shown, {"config": {"rates": [1, 2]}})
    told = json.loads((shown / "tell" / "0" / "output_metadata.json").read_text())
    assert told["parameterValues"]["value"] == repr((6.0, 4, 2.0, odd, None))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("chain", {}, "3 rows"),
        ("nested", {}, 17),
        ("several", {}, "9.0 2.0"),
        ("tune", {}, "20 AT 0.5 ['a', 'b'] 0"),
        ("tune", {"mode": "plain", "count": 1}, "0 at 0.5 ['a', 'b'] 0"),
        ("tune", {"mode": "?", "settings": {"names": []}}, "20 at 0.5 [] 0"),
    ],
)
def test_golden_specs_run(name: str, values: Spec, expected: Any, tmp_path: Path) -> None:
    found = compiled(dict(golden_pipelines())[name])
    backend, done = run(found, tmp_path, values, PENSTOCK_PATH=str(golden_source(name)))
    assert (done.state, done.parameters) == (COMPLETE, {"value": expected}), backend.failures


EXIT = """
@step
def work(n: int) -> int:
    if n > 2:
        raise ValueError("too much")
    return n

@step
def told(status: RunStatus, where: str) -> str:
    return f"{status.value} {where}"

@pipeline
def guarded(n: int = 1, where: str = "here") -> int:
    last = work(n)
    on_exit(told(RunStatus.SUCCEEDED, where))
    on_exit(told.options(name="again")(RunStatus.SUCCEEDED, "there"))
    return last
"""


@pytest.mark.parametrize(
    ("n", "state", "word"), [(1, COMPLETE, "succeeded"), (3, FAILED, "failed")]
)
def test_exit_steps_are_told_how_it_ended(n: int, state: str, word: str, tmp_path: Path) -> None:
    source = EXIT.replace("told(RunStatus.SUCCEEDED, where)", "told(where=where)")
    source = source.replace('(RunStatus.SUCCEEDED, "there")', '(where="there")')
    source = source.replace("status: RunStatus, where: str", "where: str, status: RunStatus = None")
    backend, done = ran(tmp_path, source, n=n)
    assert done.state == state
    for task, where in (("told", "here"), ("again", "there")):
        [file] = (tmp_path / "run").glob(f"**/{task}/0/output_metadata.json")
        told = json.loads(file.read_text())["parameterValues"]["value"]
        assert told == f"{word} {where}", backend.states


MAYBE = """
@step
def ask(name: str | None = None) -> str:
    return repr(name)

@pipeline
def maybe(name: str | None = None) -> str:
    return ask(name)
"""


def test_a_parameter_may_be_none(tmp_path: Path) -> None:
    assert ran(tmp_path, MAYBE)[1].parameters == {"value": "None"}
    assert ran(tmp_path, MAYBE, name="x")[1].parameters == {"value": "'x'"}


ODD = """
@step
def ask(text: str, many: list[str], n: int, odd: dict[str, object], none: int | None = 3) -> str:
    return repr((text, many, n, odd, none))

@pipeline
def odd() -> str:
    return ask("{{workflow.uid}} $(HOME) $$", ["{{$}}"], 2**60 + 1, {"a": 1.0, "b": -0.0}, None)
"""


def test_what_no_parameter_can_hold_travels_in_the_arguments(tmp_path: Path) -> None:
    expected = ("{{workflow.uid}} $(HOME) $$", ["{{$}}"], 2**60 + 1, {"a": 1.0, "b": -0.0}, None)
    assert ran(tmp_path, ODD)[1].parameters == {"value": repr(expected)}


GATHERED = """
@step
def make(n: int) -> list[int]:
    return [n, n + 1]

@step
def data(n: int) -> bytes:
    return str(n).encode()

@step
def show(items: list[int], first: int, last: int, names: list[str], one: bytes, both: list[bytes]
    ) -> str:
    return repr((items, first, last, names, one, both))

@pipeline
def gathered(rows: list[dict[str, str]] = [{"name": "a"}, {"name": "b"}], n: int = 2) -> str:
    pair = make(n)
    with each(pair) as item:
        inner = make(item)
        file = data(item)
    with each(rows) as row:
        seen = data(n)
    lists = gather(inner)
    files = gather(file)
    names = gather(row["name"])
    return show(lists[0], lists[-1][1], pair[-1], names, files[1], [file_of(n), files[0]])

@step
def file_of(n: int) -> bytes:
    return b"of %d" % n
"""


def test_lists_are_picked_from_and_joined(tmp_path: Path) -> None:
    expected = ([2, 3], 4, 3, ["a", "b"], b"3", [b"of 2", b"2"])
    assert ran(tmp_path, GATHERED)[1].parameters == {"value": repr(expected)}


AFTER = """
@step
def work(n: int) -> int:
    return n

@pipeline
def after(n: int = 1) -> int:
    first = work(n)
    with when(first > 1):
        inner = work.options(name="inner")(first)
    return work.options(name="last", after=[inner])(n)
"""


@pytest.mark.parametrize("n", [1, 2])
def test_what_waits_for_a_branch_runs_whether_it_is_taken_or_not(n: int, tmp_path: Path) -> None:
    backend, done = ran(tmp_path, AFTER, n=n)
    assert done.parameters == {"value": n}
    assert dict(backend.states)["when"] == (COMPLETE if n > 1 else SKIPPED)


EMPTY = """
@step
def rows(n: int) -> list[int]:
    return list(range(n))

@step
def twice(n: int) -> int:
    return 2 * n

@step
def total(items: list[int]) -> int:
    return sum(items)

@pipeline
def empty(n: int = 2) -> int:
    with each(rows(n)) as item:
        double = twice(item)
    return total(gather(double))
"""


def test_nothing_is_gathered_from_a_loop_without_rounds(tmp_path: Path) -> None:
    assert ran(tmp_path, EMPTY)[1].parameters == {"value": 2}
    with pytest.raises(BackendFailed, match="all-twice-value"):
        ran(tmp_path, EMPTY, n=0)


RETRIED = """
from pathlib import Path

@step(retries=Retry(2))
def flaky(place: str) -> int:
    file = Path(place)
    count = len(file.read_text()) + 1 if file.exists() else 1
    file.write_text("x" * count)
    if count < 3:
        raise ValueError("not yet")
    return count

@pipeline
def retried(place: str) -> int:
    return flaky(place)
"""


def test_attempts_are_recorded_one_by_one(tmp_path: Path) -> None:
    ir = traced(tmp_path, RETRIED)
    store = tmp_path / "store"
    found = compiled(ir, store="s3://bucket/store")
    backend = Backend(found, tmp_path / "run", {"PENSTOCK_STORE": str(store)})
    assert backend.run({"place": str(tmp_path / "count")}).parameters == {"value": 3}
    [records] = store.glob("runs/*/*/*/*")
    assert len(list(records.glob("steps/flaky/*/fail-*.json"))) == 2
    commit = json.loads((records / "steps/flaky/commit.json").read_bytes())
    assert (commit["attempt"], commit["orchestrator_run"]) == (3, backend.run_id)
    start = json.loads((records / "00-start.json").read_bytes())
    assert (start["pipeline"], start["backend"]) == ("retried", "kubeflow")


@pytest.mark.parametrize(
    "store", ["s3://no-such-bucket.invalid/x", "/proc/nowhere/store", "nonsense://x"]
)
def test_a_store_that_cannot_be_reached_fails_no_step(
    store: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    found = compiled(traced(tmp_path, EMPTY), store="s3://bucket/store")
    backend = Backend(found, tmp_path / "run", {"PENSTOCK_STORE": store})
    assert backend.run({}).parameters == {"value": 2}
    assert "not recorded" in capfd.readouterr().err


SHOWN = """
@step
def fit(n: int) -> bytes:
    return b"x" * n

@step
def score(model: bytes) -> Metrics:
    return Metrics(size=len(model))

@pipeline
def shown() -> None:
    score(fit(3))
"""


def test_artifacts_tell_where_they_come_from(tmp_path: Path) -> None:
    found = compiled(traced(tmp_path, SHOWN))
    run(found, tmp_path / "run", {}, PENSTOCK_COMMIT="abc123")
    output = json.loads((tmp_path / "run/score/0/output_metadata.json").read_bytes())
    metadata = output["artifacts"]["value"]["artifacts"][0]["metadata"]
    assert metadata["metric.size"] == 3.0
    assert metadata["git_commit"] == "abc123"
    assert metadata["plan"].startswith("sha256:")
    assert metadata["digest"].startswith("sha256:")


def test_steps_of_one_interface_share_a_container(tmp_path: Path) -> None:
    source = EMPTY.replace("double = twice(item)", "double = twice(twice(twice(item)))")
    ir = traced(tmp_path, source)
    spec = read(emitted(ir)["empty.yaml"]).spec
    assert len(spec["deploymentSpec"]["executors"]) == 3
    assert ran(tmp_path, source)[1].parameters == {"value": 8}
    assert problems(read(emitted(ir)["empty.yaml"])) == []


JOINED = """
@step
def make(n: int) -> bytes:
    return b"x" * n

@step
def count(n: int) -> int:
    return n

@step
def size(data: bytes, label: str) -> int:
    return len(data)

@step
def add(one: int, other: int) -> int:
    return one + other

@step
def total(sizes: list[int], files: list[bytes], last: int, rounds: list[int]) -> str:
    return repr((sizes, files, last, rounds))

@pipeline
def joined(n: int = 2) -> str:
    with each([make(n), make(1)], parallel=2) as data:
        length = size(data, "a")
        with when(length > 1):
            big = add(length, n)
        with otherwise():
            small = count(length)
        chosen = one_of(big, small)
    with each([count(n), 5, n]) as number:
        with each([number, 1]) as inner:
            both = add(number, inner)
        pair = add(gather(both)[0], gather(both)[1])
        file = make(pair)
    return total.options(after=[pair])(
        gather(chosen), gather(file), gather(pair)[-1], gather(pair)
    )
"""


def test_a_loop_over_what_comes_from_several_places_is_written_out(tmp_path: Path) -> None:
    ir = traced(tmp_path, JOINED)
    backend, done = run(compiled(ir), tmp_path / "run", {"n": 2})
    pairs = [(n + n) + (n + 1) for n in (2, 5, 2)]
    expected = ([4, 1], [b"x" * one for one in pairs], pairs[-1], pairs)
    assert done.parameters == {"value": repr(expected)}, backend.failures
    assert {"size-0", "size-1", "add-3-2", "pair-0"} & {name for name, _ in backend.states}


def test_a_limit_of_rounds_that_is_lost_is_told(tmp_path: Path) -> None:
    ir = traced(tmp_path, JOINED)
    found = check_pipeline(ir, KubeflowBackend()).warnings
    assert [one.code for one in found] == ["PS407"]
    assert "all rounds of this loop at once" in found[0].message
