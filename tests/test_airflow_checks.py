"""What the Airflow backend refuses, and the parts of the emitted file one by one."""

from __future__ import annotations

import ast
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.backend import (
    BackendError,
    Options,
    check_pipeline,
    compile_pipeline,
    load_backend,
)
from penstock.diagnostics import Diagnostic, PipelineError
from penstock.features import Feature
from penstock.ir.nodes import PipelineIR, Schedule
from penstock.ir.plain import from_plain
from penstock_airflow import AirflowBackend
from penstock_airflow.edges import edge_lines
from penstock_airflow.names import variable
from penstock_airflow.prose import docstring, prose

BACKEND = AirflowBackend()
STEP: dict[str, Any] = {"call": "code:work", "at": "code.py:9"}


def pipeline(**changes: Any) -> PipelineIR:
    """A pipeline of one step, changed at the top; `steps` and `components` are joined."""
    steps = changes.pop("steps", {"work": STEP})
    component: dict[str, Any] = {"outputs": {"value": {"parameter": "int"}}, "at": "code.py:3"}
    plain: dict[str, Any] = {
        "penstock": 1,
        "name": "small",
        "at": "code.py:7",
        "components": {"code:work": component | changes.pop("component", {})},
        "steps": steps,
    }
    return from_plain(plain | changes)


def emitted(ir: PipelineIR, **options: Any) -> str:
    [text] = compile_pipeline(ir, BACKEND, Options(**options)).values()
    return text


def refused(ir: PipelineIR) -> Diagnostic:
    with pytest.raises(PipelineError) as caught:
        check_pipeline(ir, BACKEND)
    [found] = caught.value.diagnostics
    return found


def test_the_backend_is_found_and_takes_a_position_on_everything() -> None:
    backend = load_backend("airflow")
    assert isinstance(backend, AirflowBackend)
    assert set(backend.supports) == set(Feature)


@pytest.mark.parametrize(
    ("first", "second"),
    [("split", "Split"), ("two-words", "two_words"), ("step_2nd", "2nd"), ("list", "list_")],
)
def test_two_steps_with_one_python_name_are_refused(first: str, second: str) -> None:
    ir = pipeline(steps={first: STEP, second: {**STEP, "at": "code.py:10"}})
    found = refused(ir)
    assert (found.code, found.span and found.span.line) == ("PS402", 10)
    assert [span.line for span, _ in found.notes] == [9]
    assert ".options(name=" in found.hint


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("load", "load"),
        ("Load", "load"),
        ("TrainModel", "train_model"),
        ("HTTPServer", "http_server"),
        ("prep.clean-up", "prep_clean_up"),
        ("2nd", "step_2nd"),
        ("_x", "_x"),
        ("class", "class_"),
        ("print", "print_"),
        ("json", "json_"),
        ("request", "request_"),
        ("None", "none"),
    ],
)
def test_a_step_has_a_readable_python_name(label: str, name: str) -> None:
    assert variable(label) == name


@given(st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,199}\Z"))
def test_every_id_has_a_python_name(label: str) -> None:
    name = variable(label)
    assert name.isidentifier() and len(name) <= 63 and name == name.lower()
    ast.parse(f"{name} = 1")


def test_a_schedule_needs_a_value_for_each_parameter() -> None:
    parameters = {"n": {"type": "int", "at": "code.py:8"}}
    work = {**STEP, "inputs": {"n": {"parameter": "n"}}}
    change: dict[str, Any] = {
        "parameters": parameters,
        "component": {"inputs": {"n": "int"}},
        "steps": {"work": work},
    }
    found = refused(pipeline(**change, schedule={"cron": "0 6 * * *"}))
    assert (found.code, found.span and found.span.line) == ("PS406", 8)
    assert 'Param(type="integer")' in emitted(pipeline(**change))


def test_catching_up_needs_a_start() -> None:
    assert refused(pipeline(schedule={"cron": "0 6 * * *", "catchup": True})).code == "PS406"
    text = emitted(pipeline(schedule={"cron": "0 6 * * *", "catchup": True, "start": "2026-01-31"}))
    assert 'start_date=pendulum.datetime(2026, 1, 31, tz="UTC")' in text


def test_a_schedule_without_start_begins_on_a_fixed_day() -> None:
    text = emitted(pipeline(schedule={"cron": "@daily"}))
    assert 'pendulum.datetime(2024, 1, 1, tz="UTC")' in text
    assert "catchup=False" in text


@pytest.mark.parametrize("size", [1_490_000, 1_510_000])
def test_a_value_must_fit_into_the_environment(size: int) -> None:
    ir = pipeline(
        component={"inputs": {"text": "str"}},
        steps={"work": {**STEP, "inputs": {"text": {"value": "x" * size}}}},
    )
    if size < 1_500_000:
        assert "x" * size in emitted(ir)
    else:
        found = refused(ir)
        assert (found.code, found.span and found.span.line) == ("PS404", 9)


def test_a_value_of_escapes_counts_as_python_writes_it() -> None:
    change = {"component": {"inputs": {"text": "str"}}}
    steps = {"work": {**STEP, "inputs": {"text": {"value": "é" * 250_100}}}}
    assert refused(pipeline(**change, steps=steps)).code == "PS404"


@pytest.mark.parametrize(
    "options",
    [
        {"resources": {"disk": "1Gi"}},
        {"resources": {"gpu": 1, "gpu_type": "a100"}},
        {"retry": {"times": 1, "backoff": 3.0}},
        {"retry": {"times": 1, "delay": 1e12}},
        {"timeout": 1e12},
        {"env": {"PENSTOCK_STORE": "/tmp"}},
        {"env": {"A": "\0"}},
    ],
)
def test_an_option_that_airflow_lacks_is_refused(options: dict[str, Any]) -> None:
    found = refused(pipeline(steps={"work": {**STEP, "options": options}}))
    assert (found.code, found.span and found.span.line) == ("PS405", 9)
    assert found.hint


def test_the_cache_is_told_to_be_unused() -> None:
    ir = pipeline(steps={"work": {**STEP, "options": {"cache": True}}})
    assert [one.code for one in check_pipeline(ir, BACKEND).warnings] == ["PS407"]


def test_a_parameter_that_may_be_none_needs_a_default_to_be_the_same_everywhere() -> None:
    for default, codes in (({}, ["PS407"]), ({"default": None}, [])):
        ir = pipeline(parameters={"n": {"type": "int | None", "at": "code.py:8", **default}})
        assert [one.code for one in check_pipeline(ir, BACKEND).warnings] == codes


def test_a_list_holds_artifacts_or_values() -> None:
    ir = pipeline(
        component={
            "inputs": {"items": {"type": "list[Any]", "default": []}},
            "outputs": {"value": {"artifact": "bytes"}, "size": {"parameter": "int"}},
        },
        steps={
            "work": STEP,
            "mix": {
                **STEP,
                "inputs": {
                    "items": {"list": [{"step": "work"}, {"step": "work", "output": "size"}]}
                },
                "at": "code.py:10",
            },
        },
    )
    found = refused(ir)
    assert (found.code, found.span and found.span.line) == ("PS404", 10)


def test_a_constant_is_nested_as_deep_as_python_reads() -> None:
    def nested(depth: int) -> Any:
        return [] if depth == 1 else [nested(depth - 1)]

    for depth, fine in ((30, True), (62, False)):
        ir = pipeline(
            component={"inputs": {"tree": "Any"}},
            steps={"work": {**STEP, "inputs": {"tree": {"value": nested(depth)}}}},
        )
        if fine:
            assert "[" * depth in emitted(ir)
        else:
            assert refused(ir).code == "PS404"


def test_the_store_is_a_volume_a_folder_or_remote() -> None:
    ir = pipeline()
    assert 'Mount(target="/data", source="penstock-store", type="volume")' in emitted(ir)
    assert 'source="other", type="volume"' in emitted(ir, values={"volume": "other"})
    folder = emitted(ir, store="/srv/runs")
    assert 'Mount(target="/srv/runs", source="/srv/runs", type="bind")' in folder
    assert 'STORE = "/srv/runs"' in folder
    remote = emitted(ir, store="s3://bucket/runs")
    assert "Mount" not in remote and 'STORE = "s3://bucket/runs"' in remote
    assert 'STORE = "file:///a%20b"' in (text := emitted(ir, store="file:///a%20b"))
    assert 'source="/a b"' in text


@pytest.mark.parametrize(
    ("store", "values"),
    [
        ("runs", {}),
        ("/", {}),
        ("/a\nb", {}),
        ("/runs", {"volume": "x"}),
        (None, {"volume": "/etc"}),
        (None, {"airflow-version": "2.10"}),
        (None, {"runner": "podman"}),
        (None, {"runner": "python"}),
        ("/runs", {"runner": "kubernetes"}),
        (None, {"namespace": "x"}),
        (None, {"runner": "kubernetes", "namespace": "X"}),
        (None, {"runner": "kubernetes", "volume": "X"}),
        (None, {"runner": "kubernetes", "gpu-label": "a b"}),
        (None, {"records": "maybe"}),
        (None, {"secrets": "vault"}),
        (None, {"secrets": "kubernetes"}),
        (None, {"unknown": "x"}),
    ],
)
def test_an_option_of_the_backend_is_checked(store: str | None, values: dict[str, str]) -> None:
    with pytest.raises(BackendError):
        BACKEND.emit(check_pipeline(pipeline(), BACKEND).lowered, Options(store, values))


def test_the_version_is_no_part_of_the_text() -> None:
    ir = pipeline()
    assert emitted(ir, values={"airflow-version": "3.0"}) == emitted(ir)


def test_shared_settings_are_said_once() -> None:
    text = emitted(
        pipeline(
            options={"retry": {"times": 2, "delay": 60.0, "backoff": 2.0}, "timeout": 5400.0},
            steps={
                "one": STEP,
                "two": {**STEP, "options": {"retry": {"times": 1}}},
                "three": {**STEP, "options": {"image": "own:1.sh"}},
            },
        )
    )
    assert text.count("retry_delay") == 2 and text.count("execution_timeout") == 1
    assert '"retry_delay": timedelta(minutes=1)' in text
    assert "retry_exponential_backoff=False" in text
    assert 'image=literal("own:1.sh")' in text


def test_what_is_not_used_is_not_in_the_file() -> None:
    text = emitted(pipeline())
    for word in ("timedelta", "pendulum", "TaskGroup", "Param(", "Connection", "DeviceRequest"):
        assert word not in text
    for helper in ("def param", "def output", "def listing", "def secret"):
        assert helper not in text


def test_odd_group_ids_become_ones_that_airflow_takes() -> None:
    """Ids stay what they are; only the group, which is for people, gets another label."""
    scope = {"pipeline": "p", "at": "code.py:8"}
    text = emitted(
        pipeline(
            scopes={"a.b": scope, "c": {**scope, "in": "a.b"}, "d": scope},
            steps={
                "a.b.x": {**STEP, "in": "a.b"},
                "y": {**STEP, "in": "c"},
                "d.z": {**STEP, "in": "d"},
            },
        )
    )
    assert 'with TaskGroup("a-b", prefix_group_id=False):' in text
    assert 'with TaskGroup("c", prefix_group_id=False):' in text
    assert 'with TaskGroup("d"):' in text
    for task_id in ("a.b.x", "y", "z"):
        assert f'task_id="{task_id}"' in text


def test_deep_nesting_is_no_deep_indentation() -> None:
    depth = 100
    scopes = {
        f"g{i}": {"pipeline": "p", "at": "code.py:8", **({"in": f"g{i - 1}"} if i else {})}
        for i in range(depth)
    }
    steps = {f"s{i}": {**STEP, "in": f"g{i}"} for i in range(depth)}
    text = emitted(pipeline(scopes=scopes, steps=steps))
    compile(text, "small.py", "exec", dont_inherit=True)
    assert max(len(line) - len(line.lstrip()) for line in text.splitlines()) < 40
    assert text.count("TaskGroup(") == depth and text.count("parent_group=") == depth // 5 - 1


EDGES = {
    "chain": ({"a": (), "b": ("a",), "c": ("b",)}, ["a >> b >> c"]),
    "fan": ({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}, ["a >> [b, c] >> d"]),
    "many to many": (
        {"a": (), "b": (), "c": ("a", "b"), "d": ("a", "b")},
        ["[a, b] >> c", "[a, b] >> d"],
    ),
}


@pytest.mark.parametrize(("upstream", "lines"), EDGES.values(), ids=EDGES.keys())
def test_edges_are_drawn_as_a_person_would(
    upstream: dict[str, tuple[str, ...]], lines: list[str]
) -> None:
    found = edge_lines(upstream, {name: name for name in upstream}, 4)
    assert [line.strip() for line in found] == lines


@given(st.lists(st.sets(st.integers(0, 11)), min_size=1, max_size=12))
def test_every_edge_is_drawn_once(before: list[set[int]]) -> None:
    upstream = {
        f"task_{task}": tuple(f"task_{one}" for one in sorted(set_) if one < task)
        for task, set_ in enumerate(before)
    }
    found: list[tuple[str, str]] = []
    for statement in ast.parse(
        "".join(edge_lines(upstream, {n: n for n in upstream}, 4)).replace("    ", "")
    ).body:
        assert isinstance(statement, ast.Expr)
        operands = _operands(statement.value)
        for left, right in pairwise(operands):
            found += [(one, other) for one in left for other in right]
    assert sorted(found) == sorted((b, task) for task, all_ in upstream.items() for b in all_)


def _operands(node: ast.expr) -> list[list[str]]:
    if isinstance(node, ast.BinOp):
        return [*_operands(node.left), *_operands(node.right)]
    if isinstance(node, ast.List):
        return [[ast.unparse(one) for one in node.elts]]
    return [[ast.unparse(node)]]


@given(st.text(max_size=300))
def test_free_text_stays_what_it_is(text: str) -> None:
    assert ast.literal_eval(prose(text, 20, indent=8, suffix=",")) == text
    shown = docstring(text)
    assert ast.literal_eval(shown).strip("\n") == text.strip("\n")


def test_json_of_emitted_defaults_is_exact() -> None:
    values: list[Any] = [0.1, 1e300, -0.0, 10**18, "é\n", None, True, [], {"a": [1.0, 1]}]
    ir = pipeline(
        parameters={"p": {"type": "Any", "default": values, "at": "code.py:8"}},
        schedule={"cron": "0 6 * * *"},
    )
    tree = ast.parse(emitted(ir))
    [default] = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Param"
    ]
    assert json.dumps(ast.literal_eval(default)) == json.dumps(values)
    assert Schedule(cron="0 6 * * *") == ir.schedule
