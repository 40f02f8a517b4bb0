"""The request comes from outside: it is understood exactly, or refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock_runtime.errors import BadRequest
from penstock_runtime.records import utc_now
from penstock_runtime.reference import ArtifactRef, parse_value, value_to_json
from penstock_runtime.request import parse_request
from penstock_runtime.run_id import day_folder, new_run_id, stable_run_id

DIGEST = "sha256:" + "ab" * 32
REF: dict[str, Any] = {
    "digest": DIGEST,
    "size": 3,
    "type": "builtins:list",
    "materializer": "json",
    "media": "application/json",
    "unsafe": False,
    "preview": None,
}
GOOD: dict[str, Any] = {
    "format": 1,
    "run": "01890a5d-ac96-774b-bcce-b302099a8057",
    "step": "split",
    "attempt": 1,
    "store": "/store",
    "code": "churn.steps:Fit.inner",
    "path": ["/source"],
    "inputs": {
        "data": {"list": [{"artifact": REF}, {"value": [1, None]}, {"list": []}]},
        "C": {"value": 0.5},
    },
    "fields": ["C"],
    "projections": {"value.auc": ["value", "auc", 0]},
    "env": {"A": "b"},
}


def test_a_request_round_trips() -> None:
    request = parse_request(json.dumps(GOOD))
    assert request.to_json() == GOOD
    assert parse_request(json.dumps(request.to_json()).encode()) == request


def test_what_is_not_needed_may_be_left_out() -> None:
    few = {k: GOOD[k] for k in ("format", "run", "step", "attempt", "store", "code")}
    request = parse_request(json.dumps({**few, "inputs": {}}))
    assert (request.path, request.fields, request.projections, request.env) == ((), (), {}, {})


HOSTILE_NAMES = ["", ".", "..", "a/b", "a\\b", "a b", "é", "a\n", "x" * 201, None, 1, ["a"]]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_are_labels(name: Any) -> None:
    with pytest.raises(BadRequest, match="step"):
        parse_request(json.dumps({**GOOD, "step": name}))
    if isinstance(name, str) and name != "é":
        for key in ("inputs", "projections"):
            with pytest.raises(BadRequest):
                parse_request(json.dumps({**GOOD, "fields": [], key: {name: {"value": 1}}}))


def test_an_input_may_have_any_python_name() -> None:
    request = parse_request(json.dumps({**GOOD, "fields": [], "inputs": {"größe": {"value": 1}}}))
    assert list(request.inputs) == ["größe"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2), ("format", "1"), ("run", "x"), ("run", "../../x"), ("run", None),
        ("run", GOOD["run"].upper()), ("attempt", 0), ("attempt", True), ("attempt", "1"),
        ("attempt", 1.0), ("store", ""), ("store", None), ("store", "a\0"), ("code", "os"),
        ("code", "a:b:c"), ("code", "a:<locals>"), ("code", "a:b()"), ("code", ":x"),
        ("path", "/x"), ("path", ["x"]), ("path", ["/x\0"]), ("path", [1]), ("inputs", []),
        ("inputs", {"x": 1}), ("inputs", {"x": {}}), ("inputs", {"x": {"value": 1, "list": []}}),
        ("inputs", {"x": {"list": {}}}), ("inputs", {"x": {"pickle": "x"}}), ("fields", ["none"]),
        ("fields", "C"), ("projections", {"p": []}), ("projections", {"p": [1]}),
        ("projections", {"p": ["value", True]}), ("projections", {"p": ["value", 1.5]}),
        ("env", {"A=B": "x"}), ("env", {"A": 1}), ("env", {"A": "\0"}), ("env", {"1A": ""}),
        ("orchestrator_run", 3), ("unknown", 1),
    ],
)  # fmt: skip
def test_anything_odd_is_refused(key: str, value: object) -> None:
    with pytest.raises(BadRequest):
        parse_request(json.dumps({**GOOD, key: value}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("digest", "sha256:" + "AB" * 32), ("digest", "md5:1"), ("digest", DIGEST + "\n"),
        ("digest", "../x"), ("size", -1), ("size", True), ("size", "3"), ("materializer", "../x"),
        ("materializer", ""), ("unsafe", 1), ("unsafe", "false"), ("preview", "x"), ("media", 1),
        ("type", "x" * 501), ("module", "os"),
    ],
)  # fmt: skip
def test_references_are_checked(key: str, value: object) -> None:
    with pytest.raises(BadRequest):
        parse_value({"artifact": {**REF, key: value}}, "input x")


@pytest.mark.parametrize("key", [k for k in REF if k not in ("unsafe", "preview")])
def test_a_reference_is_complete(key: str) -> None:
    ref = {k: v for k, v in REF.items() if k != key}
    with pytest.raises(BadRequest, match=f"lacks the key '{key}'"):
        parse_value({"artifact": ref}, "input x")


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "1", '{"format":1,"format":1}', '{"a":NaN}', "\ufeff{}", "[" * 10**5,
        b"\xff\xfe{", b"\xff",
    ],
)  # fmt: skip
def test_odd_json_is_refused(text: Any) -> None:
    with pytest.raises(BadRequest):
        parse_request(text)


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(BadRequest, match="twice"):
        parse_request(json.dumps(GOOD)[:-1] + ', "step": "other"}')


def test_lists_have_a_bottom() -> None:
    value: dict[str, Any] = {"value": 1}
    for _ in range(40):
        value = {"list": [value]}
    with pytest.raises(BadRequest, match="deep"):
        parse_value(value, "input x")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@given(st.sampled_from(sorted(GOOD)), _JSON)
def test_a_mutated_request_is_refused_or_understood(key: str, value: object) -> None:
    data = {**GOOD, key: value}
    try:
        request = parse_request(json.dumps(data))
    except BadRequest:
        return
    assert request.to_json() == data


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_noise_is_refused(noise: Any) -> None:
    with pytest.raises(BadRequest):
        parse_request(noise)


def test_values_round_trip() -> None:
    value = parse_value(GOOD["inputs"]["data"], "input data")
    assert value_to_json(value) == GOOD["inputs"]["data"]
    assert ArtifactRef(**REF).to_json() == REF


def test_run_ids_sort_by_time_and_tell_their_day() -> None:
    made = [new_run_id() for _ in range(200)]
    assert len(set(made)) == 200
    assert [run[:17] for run in made] == sorted(run[:17] for run in made)
    assert all(run[14] == "7" and run[19] in "89ab" for run in made)
    assert day_folder(made[0]) <= utc_now()[:10].replace("-", "/") <= day_folder(new_run_id())
    assert day_folder("017f22e2-79b0-7cc3-98c4-dc0c0c07398f") == "2022/02/22"  # from RFC 9562
    assert day_folder("f47ac10b-58cc-4372-a567-0e02b2c3d479") == "0000/00/00"


def test_an_orchestrators_run_is_always_the_same_run() -> None:
    text = "manual__2026-01-02T23:59:59.123+00:00"
    run = stable_run_id(text, "churn")
    assert run == stable_run_id(text, "churn") == "019b8127-5c18-" + run[14:]
    assert day_folder(run) == "2026/01/02"
    others = {stable_run_id(text), stable_run_id(text, "b"), stable_run_id("x"), stable_run_id("y")}
    assert len(others | {run}) == 5
    assert stable_run_id(run.upper(), "churn") == run
    assert day_folder(stable_run_id("my run")) == "0000/00/00"
    assert day_folder(stable_run_id("2026-13-99T99:00:00")) == "0000/00/00"
