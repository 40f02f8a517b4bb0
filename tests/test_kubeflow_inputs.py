"""The inputs of a step on Kubeflow, put together from the ports of its task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.images.dockerfile import code_dockerfile
from penstock.images.revision import REVISION
from penstock_runtime.errors import BadRequest
from penstock_runtime.hosts.kubeflow_inputs import loaded
from penstock_runtime.reference import Constant, value_to_json
from penstock_runtime.target import Target, find_target

MODULE = """
from typing import Any

def take(x: Any = None, y: int = 0, z: list[float] | None = None) -> None: ...
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    (tmp_path / "kubeflow_taken.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))  # pyright: ignore[reportUnknownMemberType] - of pytest
    return find_target("take", "kubeflow_taken:take", ())


def taken(target: Target, values: dict[str, Any], shapes: dict[str, Any]) -> dict[str, Any]:
    given = {"parameterValues": values}
    return loaded(given, frozenset(), shapes, target, Path("/nowhere")).values


SHAPES: list[tuple[dict[str, Any], Any]] = [
    ({"value": {"a": None}}, {"a": None}),
    ({"in": "p"}, {"rows": [{"n": 1.0}, {"n": 2.0}], "k": ["a", "b"]}),
    ({"in": "p", "at": ["rows", -1, "n"]}, 2.0),
    ({"in": "p", "at": ["rows"], "each": ["n"]}, [1.0, 2.0]),
    ({"in": "p", "at": ["rows"], "each": ["n"], "pick": [1]}, 2.0),
    ({"list": [{"in": "p", "at": ["k", 0]}, {"value": None}, {"list": []}]}, ["a", None, []]),
    ({"in": "missing", "optional": True}, None),
    ({"value": [1, 2], "at": [0]}, 1),
]


@pytest.mark.parametrize(("shape", "expected"), SHAPES)
def test_shapes(target: Target, shape: dict[str, Any], expected: Any) -> None:
    values = {"p": {"rows": [{"n": 1.0}, {"n": 2.0}], "k": ["a", "b"]}, "y": 3.0}
    found = taken(target, values, {"x": shape})
    assert found.pop("x", None) == expected
    assert found["y"] == 3 and type(found["y"]) is int


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        ({}, "none of the keys"),
        ("x", "JSON object"),
        ({"in": "missing"}, "which is not given"),
        ({"in": "p", "at": [9]}, "no 9"),
        ({"in": "p", "at": ["a"]}, "no 'a'"),
        ({"in": "p", "at": [0, 0]}, "no 0"),
        ({"in": "p", "at": 0}, "JSON list"),
        ({"in": "y", "each": []}, "no list"),
        ({"in": "p", "exec": "rm"}, "unknown key"),
        ({"list": [{"in": "missing"}]}, "not given"),
    ],
)
def test_wrong_shapes_are_refused(target: Target, shape: Any, word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        taken(target, {"p": [1], "y": 2}, {"x": shape})


def test_what_is_recorded_is_what_a_local_run_records(target: Target) -> None:
    given = {"parameterValues": {"y": 3.0, "z": [1.0, 2.0]}}
    found = loaded(given, frozenset(), {"x": {"value": "a"}}, target, Path("/nowhere"))
    recorded = {name: value_to_json(one) for name, one in found.recorded.items()}
    expected = {"x": {"value": "a"}, "y": {"value": 3}, "z": {"value": [1.0, 2.0]}}
    assert json.dumps(recorded, sort_keys=True) == json.dumps(expected, sort_keys=True)
    assert found.recorded["y"] == Constant(3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON)
def test_any_shape_is_a_value_or_refused(value: Any, shape: Any) -> None:
    from penstock_runtime.hosts import kubeflow_inputs

    ports = {"x": kubeflow_inputs.Json(value)}
    try:
        kubeflow_inputs.shaped(shape, ports, set(), "x")
    except BadRequest as error:
        assert "\n" not in str(error)[:200]


def test_an_image_tells_its_commit_to_the_steps() -> None:
    text = code_dockerfile("env:1", ["/app"], {REVISION: "abc-dirty"})
    assert 'ENV PENSTOCK_COMMIT="abc-dirty"' in text.splitlines()
    assert "PENSTOCK_COMMIT" not in code_dockerfile("env:1", ["/app"], {})
