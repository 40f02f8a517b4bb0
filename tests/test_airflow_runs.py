"""The golden DAG files in the real Airflow: what it reads in them, and what comes out of a run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from airflow_support import in_airflow, once
from goldens_support import SOURCES, TESTS, golden_pipelines, load

from penstock.backend import Options, check_pipeline, compile_pipeline
from penstock.ir.graph import graph
from penstock.ir.lookup import lookup
from penstock.ir.nodes import Branch, Loop, Nested, PipelineIR
from penstock.ir.write import plan_digest
from penstock_airflow import AirflowBackend
from penstock_records.run import fold
from penstock_runtime.local import LocalStore
from penstock_runtime.run_id import stable_run_id

BACKEND = AirflowBackend()
GOLDENS = TESTS / "goldens/airflow"
FOLDER = TESTS / "airflow_pipelines"
HOSTILE = load(FOLDER / "hostile.py")
PIPELINES = {name: ir for name, ir in golden_pipelines() if (GOLDENS / f"{name}.py").exists()}
CONNECTION = {"conn_type": "generic", "password": "s3cr3t-{{ 7*7 }}"}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    files = {file.name: file.read_text("utf-8") for file in GOLDENS.iterdir()}
    files |= compile_pipeline(HOSTILE.hostile.trace(), BACKEND, Options())
    home = tmp_path_factory.mktemp("airflow")
    answer = once(
        tmp_path_factory, "airflow-import", lambda: in_airflow("airflow_import.py", files, home)
    )
    assert answer["errors"] == {}
    return dict(answer["dags"])


def test_airflow_reads_every_golden_file(imported: dict[str, Any]) -> None:
    assert set(imported) == {ir.name for ir in PIPELINES.values()} | {"hostile"}


@pytest.mark.parametrize("name", PIPELINES)
def test_airflow_sees_the_graph_of_the_pipeline(name: str, imported: dict[str, Any]) -> None:
    ir = PIPELINES[name]
    tasks = imported[ir.name]["tasks"]
    seen: nx.DiGraph[str] = nx.DiGraph()
    seen.add_edges_from((before, task) for task, one in tasks.items() for before in one["upstream"])
    # What another task has waited for already need not be waited for again.
    seen.remove_node("record")
    after = set(nx.transitive_closure(seen).edges)
    meant = set(nx.transitive_closure(graph(ir)).edges)
    assert meant <= after
    names = {step.id for step in ir.steps}
    assert names <= set(tasks)
    if not any(isinstance(one, Branch | Loop) for one in ir.scopes) and not ir.steps[-1].on_exit:
        assert meant == after
        assert names | {"record"} == set(tasks)
    for step in ir.steps:
        nested = step.scope is None or isinstance(lookup(ir).scopes[step.scope], Nested)
        assert not nested or tasks[step.id]["group"] == step.scope


@pytest.mark.parametrize("name", PIPELINES)
def test_airflow_shows_what_the_pipeline_says(name: str, imported: dict[str, Any]) -> None:
    ir = PIPELINES[name]
    dag, names = imported[ir.name], lookup(ir)
    assert ir.description.strip() in dag["doc"]
    assert plan_digest(check_pipeline(ir, BACKEND).lowered) in dag["doc"]
    assert dag["tags"] == sorted(ir.tags)
    for step in ir.steps:
        task = dag["tasks"][step.id]
        assert (task["doc"] or "") == names.components[step.component].description
        assert task["owner"] == (ir.owner or "airflow")
        assert task["auto_remove"] == "force"
        assert task["teardown"] == step.on_exit
    assert dag["params"] == {one.name: json.loads(one.default or "null") for one in ir.parameters}


def test_loops_branches_and_ends_are_those_of_airflow(imported: dict[str, Any]) -> None:
    tasks = imported["search"]["tasks"]
    assert {name for name, one in tasks.items() if one["at_once"] == 2} == {
        *("fit", "first", "prune", "again", "second"),
    }
    assert {name for name, one in tasks.items() if one["outlets"]} == {
        *("chosen.publish", "chosen.keep", "chosen.lose"),
    }
    assert tasks["report"]["rule"] == "none_failed_min_one_success"
    assert tasks["best"]["rule"] == "none_failed"
    assert tasks["notify"]["upstream"] and "notify" in tasks["done"]["upstream"]


@pytest.mark.parametrize("name", PIPELINES)
def test_a_dag_is_the_same_each_time_it_is_read(name: str, imported: dict[str, Any]) -> None:
    assert imported[PIPELINES[name].name]["unstable"] == []


def test_parameters_keep_their_types_and_bounds(imported: dict[str, Any]) -> None:
    assert imported["kinds"]["schemas"] == {
        "n": {"type": "integer", "minimum": 1, "maximum": 100, "multipleOf": 2},
        "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "word": {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[a-z]+$"},
        "flag": {"type": "boolean"},
        "sizes": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        "table": {"type": "object", "additionalProperties": {"type": "number"}},
        "color": {"type": "string", "enum": ["red", "blue"]},
        "mode": {"type": "string", "enum": ["fast", "slow"]},
        "maybe": {"type": ["integer", "null"]},
        "either": {"type": ["integer", "string"]},
    }


def test_options_reach_the_operators(imported: dict[str, Any]) -> None:
    dag = imported["options"]
    assert (dag["catchup"], dag["timezone"]) == (True, "Europe/Berlin")
    assert dag["start"] == "2026-02-27T23:00:00+00:00"  # midnight in Berlin
    keys = ("retries", "retry_delay", "timeout", "cpus", "mem_limit", "gpus")
    steps = {name: task for name, task in dag["tasks"].items() if name != "record"}
    found = {name: tuple(task[key] for key in keys) for name, task in steps.items()}
    assert found == {
        "extract": (3, 120, 3600, 2, "4g", [1]),
        "publish": (1, 30, 90, 0.5, None, []),
        "publish-copy": (1, 30, 7200, 0.5, None, []),
        "tell": (0, 30, None, 1.0, None, []),
    }
    # What the scheduler multiplies the delay by; 0 stands for the same delay each time.
    assert {name: dag["backoff"][name] for name in steps} == {
        "extract": 2.0,
        "publish": 0,
        "publish-copy": 0,
        "tell": 0,
    }
    assert dag["tasks"]["publish"]["image"] == "registry.example.org/team/loader:1.4"


RUNS: dict[str, dict[str, Any]] = {
    "chain": {"rows": 5},
    "kinds": {"n": 6, "maybe": 3, "word": "other"},
    "nested": {},
    "several": {},
    "hostile": {},
    "search": {"rows": 4, "depths": [3]},
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    irs: dict[str, PipelineIR] = {name: PIPELINES[name] for name in RUNS if name in PIPELINES}
    irs["hostile"] = HOSTILE.hostile.trace()
    files: dict[str, str] = {}
    store = str(tmp_path_factory.mktemp("store"))
    for ir in irs.values():
        files |= compile_pipeline(ir, BACKEND, Options(store))
    home = tmp_path_factory.mktemp("airflow")
    asked = {
        "path": ":".join(map(str, (*SOURCES, FOLDER))),
        "runs": RUNS,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_VAULT", json.dumps(CONNECTION))
        patch.setenv("AIRFLOW_CONN_REGISTRY", json.dumps(CONNECTION))
        answer = once(
            tmp_path_factory,
            "airflow-run",
            lambda: {**in_airflow("airflow_run.py", files, home, asked), "store": store},
        )
    assert answer["errors"] == {}
    for name, run in answer["runs"].items():
        logs = [task.get("log", "") for task in run["tasks"].values()]
        assert run["state"] == "success", (name, logs)
    return {**answer["runs"], "store": answer["store"]}


def values(run: dict[str, Any]) -> dict[str, Any]:
    return {name: task["xcom"] for name, task in run["tasks"].items()}


def test_artifacts_and_parameters_travel(ran: dict[str, Any]) -> None:
    found = values(ran["chain"])
    assert found["make"]["value"]["digest"] == digest(b"row\n" * 5)
    assert found["count"] == {"value": 5}
    assert found["report"] == {"value": "5 rows"}


def test_every_kind_of_parameter_arrives(ran: dict[str, Any]) -> None:
    assert values(ran["kinds"])["show"]["value"] == {
        "n": "6",
        "share": "0.5",
        "word": "'other'",
        "flag": "True",
        "sizes": "[1, 2]",
        "table": "[('a', 0.5), ('b', 2.0)]",
        "color": "'blue'",
        "mode": "'fast'",
        "maybe": "3",
        "either": "'five'",
        "weight": "2.0",
        "first": "1",
    }


def test_nested_pipelines_pass_values_in_and_out(ran: dict[str, Any]) -> None:
    found = values(ran["nested"])
    assert found["both.total"] == {"value": len("a text") + len("other")}
    assert found["total"] == {"value": 2 * len("a text") + len("other")}


def test_several_outputs_parts_and_lists_arrive(ran: dict[str, Any]) -> None:
    found = values(ran["several"])
    assert found["halve"]["left"]["digest"] == digest(b"some")
    assert found["halve"]["size"] == 9
    assert found["compare"]["value.bytes"] == 9.0
    assert found["publish"] == {"value": "9.0 2.0"}


def test_hostile_texts_arrive_as_they_were_written(ran: dict[str, Any]) -> None:
    found = values(ran["hostile"])
    table = ["{{ key }}", "x.env", "'\"\\", "{% value %}", "y.sh", "\n"]
    texts = HOSTILE.TEXTS
    assert found["same"]["texts"][: len(texts)] == texts
    assert found["same"]["texts"][len(texts)] == "{{ 7*7 }}"
    assert sorted(found["same"]["texts"][len(texts) + 1 :]) == sorted(table)
    assert found["same_2"]["texts"] == [*texts, "x.sh", *table]
    assert found["same"]["stored"]["digest"] == digest("".join(texts).encode())
    assert found["surroundings"]["value"] == {
        **HOSTILE.PLAIN_ENV,
        "default": "{{ 7*7 }}.sh",
        "secret": CONNECTION["password"][::-1],
    }
    assert found["parts"]["value"] == [
        "x.sh",
        "{{ 7*7 }}.sh",
        *[texts[0], "{{ 7*7 }}", "{{ 3*3 }}", "it's \"\\", "{{ 1 }}"],
        "".join(texts),
    ]
    assert found["attempts"] == {"value": 1}


def test_a_secret_stands_in_no_file_and_in_nothing_that_airflow_shows(ran: dict[str, Any]) -> None:
    task = ran["hostile"]["tasks"]["surroundings"]
    assert task["environment"]["VAULT"] == CONNECTION["password"]
    shown = json.dumps([one["rendered"] for one in ran["hostile"]["tasks"].values()])
    assert "penstock" in shown
    assert "VAULT" not in shown and "s3cr3t" not in shown
    for file in Path(ran["store"]).rglob("*"):
        assert not file.is_file() or b"s3cr3t" not in file.read_bytes()
    [text] = compile_pipeline(HOSTILE.hostile.trace(), BACKEND, Options()).values()
    assert "s3cr3t" not in text and '"VAULT": ("vault", "password")' in text


def test_loops_branches_and_ends_run(ran: dict[str, Any]) -> None:
    found = values(ran["search"])
    states = {name: task["state"] for name, task in ran["search"]["tasks"].items()}
    assert {name for name, state in states.items() if state == "skipped"} == {
        *("again[1]", "again[2]", "prune[0]", "chosen.keep", "chosen.lose"),
    }
    assert found["tell[1]"] == {"value": "{{ 7*7 }}.SH"}
    assert found["report"] == {"value": "16 1 1"}
    assert found["notify"] == {"value": "#ml: succeeded"}


@pytest.mark.parametrize("name", RUNS)
def test_the_run_is_recorded_in_the_store(name: str, ran: dict[str, Any]) -> None:
    run = ran[name]
    store = LocalStore(Path(ran["store"]), create=False)
    found = fold(store, stable_run_id(run["run_id"], name))
    assert (found.status, found.pipeline, found.problems) == ("succeeded", name, ())
    assert found.start is not None and found.end is not None
    assert found.start.parameters == found.end.parameters
    assert {key: found.start.parameters[key] for key in RUNS[name]} == RUNS[name]
    committed = {task for task, one in run["tasks"].items() if one["state"] == "success"}
    steps = {step_of(one.step, PIPELINES[name]) for one in found.steps} if name in PIPELINES else ()
    assert all(any(task.split("[")[0] == step for task in committed) for step in steps)
    assert {one.status for one in found.steps} == {"succeeded"}


def step_of(instance: str, ir: PipelineIR) -> str:
    """The step that this is an instance of, such as `fit` of `fit.3.0`."""
    names = {one.id for one in ir.steps}
    while instance not in names:
        instance = instance.rpartition(".")[0]
    return instance


def test_the_store_is_mounted(ran: dict[str, Any], imported: dict[str, Any]) -> None:
    [mount] = ran["chain"]["tasks"]["make"]["mounts"]
    assert (mount["Target"], mount["Source"], mount["Type"]) == (ran["store"], ran["store"], "bind")
    [mount] = imported["chain"]["tasks"]["make"]["mounts"]
    told = (mount["Target"], mount["Source"], mount["Type"])
    assert told == ("/data", "penstock-store", "volume")


def test_steps_run_under_the_name_of_the_run(ran: dict[str, Any]) -> None:
    for name in RUNS:
        steps = [pair for pair in ran[name]["tasks"].items() if "environment" in pair[1]]
        for task, one in steps:
            asked = json.loads(one["environment"]["PENSTOCK_REQUEST"] + _rest(one["environment"]))
            assert (asked["step"], asked["pipeline"]) == (task.split("[")[0], name)
            assert asked["run"] == ran[name]["run_id"]


def _rest(environment: dict[str, str]) -> str:
    names = (f"PENSTOCK_REQUEST_{number}" for number in range(1, 100))
    return "".join(environment.get(name, "") for name in names)


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_the_goldens_are_those_of_the_pipelines() -> None:
    """What Airflow reads above is what the compiler emits now."""
    for name, ir in PIPELINES.items():
        lowered = check_pipeline(ir, BACKEND).lowered
        [text] = BACKEND.emit(lowered, Options()).values()
        assert text == (GOLDENS / f"{name}.py").read_text("utf-8")
