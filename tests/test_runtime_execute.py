"""Running one step: what it gets, what it gives, what is recorded, how it fails."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from runtime_fixtures import runtime_steps

from penstock_runtime.artifacts import load_value, save_value
from penstock_runtime.curves import read_points
from penstock_runtime.errors import (
    ArtifactCorrupt,
    BadRequest,
    StepFailed,
    StoreError,
    Terminated,
    UntrustedArtifact,
)
from penstock_runtime.execute import execute
from penstock_runtime.local import LocalStore
from penstock_runtime.records import RunRecords
from penstock_runtime.reference import Artifact, Constant, Several, Value
from penstock_runtime.request import Request
from penstock_runtime.response import Response
from penstock_runtime.run_id import new_run_id, run_folder
from penstock_runtime.target import find_target

MODULE = runtime_steps.__name__


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def ask(store: LocalStore) -> Callable[..., Request]:
    """A request for one of the fixtures' steps; plain values are constants."""

    def make(name: str, inputs: Mapping[str, Any] | None = None, **options: Any) -> Request:
        values: dict[str, Value] = {
            key: value if isinstance(value, (Constant, Artifact, Several)) else Constant(value)
            for key, value in (inputs or {}).items()
        }
        facts: dict[str, Any] = {"run": new_run_id(), "step": name, "attempt": 1}
        facts |= {"code": f"{MODULE}:{name}", "store": store.url, "inputs": values, **options}
        return Request(**facts)

    return make


Ask = Callable[..., Request]


def loaded(store: LocalStore, value: Value, hint: Any = Any) -> Any:
    assert isinstance(value, Artifact)
    with store.scratch() as scratch:
        return load_value(value.ref, hint, store, scratch / "v")


def saved(store: LocalStore, value: object) -> Artifact:
    with store.scratch() as scratch:
        return Artifact(save_value(value, store, scratch / "v"))


def records_of(store: LocalStore, request: Request, kind: str) -> list[Any]:
    import json

    folder = f"{run_folder(request.run)}/steps/{request.step}/{request.attempt}"
    found = [store.read(f"{folder}/{n}") for n in store.names(folder) if n.startswith(kind)]
    return [json.loads(data or b"") for data in found]


def test_several_outputs(store: LocalStore, ask: Ask) -> None:
    request = ask(
        "split", {"data": saved(store, [1, 2, 3, 4])}, projections={"first": ("train", 0)}
    )
    response = execute(request)
    assert loaded(store, response.outputs["train"]) == [1, 2]
    assert response.outputs["n"] == Constant(2)
    assert repr(response.outputs["ratio"]) == repr(Constant(1.0)), "an int became the float"
    assert response.projections == {"first": 1}
    commit = RunRecords(store, request.run).committed("split")
    assert commit is not None
    assert commit["status"] == "succeeded"
    assert commit["outputs"] == response.to_json()["outputs"]
    assert list(commit["durations"]) == ["load", "run", "store", "total"]
    assert commit["started"] <= commit["ended"]
    assert os.listdir(Path(store.url) / "tmp") == []


def test_values_arrive_as_annotated(store: LocalStore, ask: Ask) -> None:
    made = execute(ask("facts", {"colour": "red"})).outputs["value"]
    response = execute(ask("describe", {"facts": made}))
    assert response.outputs == {"value": Constant("3 RED (1, 'a')")}
    assert execute(ask("status", {"final": "failed"})).outputs["value"] == Constant(
        "<RunStatus.FAILED: 'failed'>"
    )
    many = Several((saved(store, [1]), Constant([2, 3]), saved(store, [])))
    assert execute(ask("gathered", {"many": many})).outputs["value"] == Constant(6)
    assert execute(ask("gathered", {"many": Several(())})).outputs["value"] == Constant(0)


def test_the_step_decorator_is_looked_through(store: LocalStore, ask: Ask) -> None:
    assert execute(ask("decorated", {"n": 1})).outputs["value"] == Constant(2)
    assert execute(ask("decorated_twice", {"n": 1, "m": 2})).outputs["value"] == Constant(6)
    assert execute(ask("DecoratedRun", {"n": 2})).outputs["value"] == Constant(4)
    request = ask("Fit", {"C": 2, "data": saved(store, [1])}, fields=("C",))
    response = execute(replace(request, code=f"{MODULE}:Fit"))
    assert loaded(store, response.outputs["value"]) == {"C": 2.0, "rows": 1, "items": (1,)}


def test_metrics_and_metadata_are_recorded(store: LocalStore, ask: Ask) -> None:
    request = ask(
        "score", {"data": saved(store, [1, 2])}, projections={"value.auc": ("value", "auc")}
    )
    response = execute(request)
    assert response.projections == {"value.auc": 0.75}
    assert response.metrics == {"loss": 0.25, "auc": 0.75}
    commit = RunRecords(store, request.run).committed("score")
    assert commit is not None
    assert (commit["metrics"], commit["metadata"]) == (response.metrics, {"rows": 2})
    curve = read_points(store, f"{run_folder(request.run)}/metrics/score-1-0.jsonl")
    assert curve is not None
    assert len(curve) == 2


def test_the_run_and_its_environment(store: LocalStore, ask: Ask) -> None:
    request = ask("where", orchestrator_run="manual__1")
    assert execute(request).outputs["value"] == Constant(
        {"run": request.run, "step": "where", "text": "manual__1"}
    )
    response = execute(ask("reads_env", env={"PENSTOCK_TEST_VALUE": "set"}))
    assert response.outputs["value"] == Constant("set")
    assert "PENSTOCK_TEST_VALUE" not in os.environ


def test_source_roots_come_first(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"penstock_src_{name}.py").write_text("def f() -> int: return 1\n")
    roots = (str(tmp_path / "one"), str(tmp_path / "two"))
    for name in ("one", "two", "one"):
        execute(ask("f", code=f"penstock_src_{name}:f", path=roots))
    assert tuple(sys.path[:2]) == roots
    assert sys.path.count(roots[0]) == 1


def test_folders_travel(store: LocalStore, ask: Ask, tmp_path: Path) -> None:
    made = execute(ask("writes_folder", {"work": str(tmp_path)})).outputs["value"]
    for _ in range(2):
        response = execute(ask("reads_folder", {"folder": made}))
        assert response.outputs["value"] == Constant(["a.txt", "sub", "sub/run.sh"])


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("wrong_count", {"data": [1]}, "promises 3 outputs (train, n, ratio) but returned 2"),
        ("no_tuple", {}, "'no_tuple' promises 3 outputs (train, n, ratio) but returned NoneType"),
        ("wrong_class", {}, "'wrong_class' returned str for 'value', which is annotated bytes"),
        ("leaves", {}, "'leaves' called sys.exit(0)"),
        ("fails", {"secret": "luck"}, "'fails' raised ValueError: no luck"),
        ("unpicklable", {}, "output 'value' of step 'unpicklable' (function) cannot be stored"),
    ],
)  # fmt: skip
def test_what_the_user_gets_wrong(
    store: LocalStore, ask: Ask, name: str, inputs: dict[str, Any], message: str
) -> None:
    request = ask(name, inputs)
    with pytest.raises(StepFailed) as caught:
        execute(request, announce=True)
    assert message in str(caught.value)
    assert RunRecords(store, request.run).committed(name) is None
    (failure,) = records_of(store, request, "fail-")
    assert (failure["status"], failure["error"]["message"]) == ("failed", str(caught.value))
    assert len(records_of(store, request, "start-")) == 1
    assert os.listdir(Path(store.url) / "tmp") == []


def test_the_traceback_is_the_users(ask: Ask) -> None:
    with pytest.raises(StepFailed) as caught:
        execute(ask("fails", {"secret": "x"}))
    assert isinstance(caught.value.__cause__, ValueError)
    trace = caught.value.trace
    assert trace.count("File ") == 2
    assert "_inner(secret)" in trace
    assert "execute.py" not in trace


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"code": "penstock_no_module:f"}, "no module 'penstock_no_module'"),
        ({"code": f"{MODULE}:none"}, "has no 'none'"),
        ({"code": f"{MODULE}:sys"}, "not callable"),
        ({"code": f"{MODULE}:Colour"}, "without a `run`"),
        ({"inputs": {"n": Constant("x")}}, "input 'n' of step 'double': expected int, got str"),
        ({"inputs": {"m": Constant(1)}}, "cannot be called"),
        ({"inputs": {}}, "missing 1 required"),
    ],
)
def test_what_the_executor_gets_wrong(ask: Ask, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequest, match=message.replace("(", "\\(")):
        execute(replace(ask("double", {"n": 1}), **options))


def test_a_projection_that_is_missing(store: LocalStore, ask: Ask) -> None:
    data = {"data": saved(store, [1])}
    for keys in (("value", "f1"), ("value", "__class__"), ("value", 0), ("none",)):
        with pytest.raises(StepFailed, match="a later step uses 'p'"):
            execute(ask("score", data, projections={"p": keys}))
    with pytest.raises(StepFailed, match="cannot be passed on"):
        execute(ask("facts", {"colour": "red"}, projections={"p": ("value",)}))


def test_a_module_that_raises_is_the_users(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "penstock_bad_module.py").write_text("import penstock_missing_dependency\n")
    with pytest.raises(StepFailed, match="No module named 'penstock_missing_dependency'") as caught:
        execute(ask("f", code="penstock_bad_module:f", path=(str(tmp_path),)))
    sys.path.remove(str(tmp_path))
    assert "penstock_bad_module.py" in caught.value.trace


def test_rotten_and_untrusted_inputs(
    store: LocalStore, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PENSTOCK_TEST_BOMB", str(tmp_path / "exploded"))
    made = execute(ask("bomb")).outputs["value"]
    with pytest.raises(UntrustedArtifact):
        execute(ask("takes", {"thing": made}), trusted=False)
    assert not (tmp_path / "exploded").exists()
    good = saved(store, [1, 2])
    blob = Path(store.url) / "cas/sha256" / good.ref.digest[7:9] / good.ref.digest[9:]
    blob.chmod(0o644)
    blob.write_bytes(b"[1,3]")
    request = ask("takes", {"thing": good})
    with pytest.raises(ArtifactCorrupt):
        execute(request)
    assert records_of(store, request, "fail-")[0]["error"]["class"].endswith(":ArtifactCorrupt")


def test_a_step_commits_once(store: LocalStore, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    request = ask("double", {"n": 2})
    first = execute(request)
    monkeypatch.setattr(runtime_steps, "double", runtime_steps.fails)
    assert execute(replace(request, attempt=2)) == first, "adopted, not called again"
    with pytest.raises(BadRequest, match="committed already, with other inputs"):
        execute(replace(request, inputs={"n": Constant(3)}))


def test_what_was_done_during_slow_imports_is_not_called_again(
    store: LocalStore, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask("double", {"n": 2})
    find = find_target
    first: list[Response] = []

    def slow(*given: Any) -> Any:
        if not first:
            first.append(Response({}, {}, {}))
            first[0] = execute(replace(request, attempt=2))
            monkeypatch.setattr(runtime_steps, "double", runtime_steps.fails)
            time.sleep(0.1)
        return find(*given)

    monkeypatch.setattr("penstock_runtime.execute.find_target", slow)
    assert execute(request) == first[0]
    assert records_of(store, request, "fail-") == []


def test_the_loser_of_a_race_adopts(
    store: LocalStore, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask("double", {"n": 2})
    commit = RunRecords.commit

    def late(self: RunRecords, step: str, facts: Mapping[str, Any]) -> bool:
        other = {**facts, "outputs": {"value": {"value": 44}}}
        assert commit(self, step, other)
        return commit(self, step, facts)

    monkeypatch.setattr(RunRecords, "commit", late)
    assert execute(request).outputs == {"value": Constant(44)}


def test_being_stopped_is_recorded(
    store: LocalStore, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(n: int) -> int:
        raise Terminated(143)

    monkeypatch.setattr(runtime_steps, "double", stopped)
    request = ask("double", {"n": 1})
    with pytest.raises(SystemExit):
        execute(request)
    (failure,) = records_of(store, request, "fail-")
    assert failure["status"] == "cancelled"
    assert RunRecords(store, request.run).committed("double") is None


def test_a_damaged_commit_is_an_error(store: LocalStore, ask: Ask) -> None:
    request = ask("double", {"n": 1})
    store.create(f"{run_folder(request.run)}/steps/double/commit.json", b"{")
    with pytest.raises(StoreError, match="damaged"):
        execute(request)
