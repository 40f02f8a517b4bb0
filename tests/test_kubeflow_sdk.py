"""The verifier on what the real SDK compiles: silent where it is right, and not where it is not."""

from __future__ import annotations

import copy
import subprocess
from pathlib import Path
from typing import Any

import pytest
from kubeflow_specs import Spec, read
from test_kubeflow_verifier import errors, references

from penstock_kubeflow.verifier import faults_in
from penstock_kubeflow.verifier import read as read_spec

ROOT = Path(__file__).resolve().parents[1]
SDK = ROOT / ".envs/kubeflow/bin/python"


@pytest.fixture(scope="module")
def specs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The documents of each pipeline by name."""
    folder = tmp_path_factory.mktemp("sdk")
    script = Path(__file__).with_name("kubeflow_sdk.py")
    subprocess.run([SDK, "-W", "ignore", script, folder], check=True, capture_output=True)
    found: dict[str, list[Any]] = {}
    for file in sorted(folder.iterdir()):
        text = file.read_text("utf-8")
        read(text)
        found[file.stem] = [one.data for one in read_spec(text)]
    assert len(found) > 20
    return found


def test_valid_specs_have_no_faults(specs: dict[str, list[Any]]) -> None:
    for name, documents in specs.items():
        if name != "quoted":
            assert list(faults_in(documents)) == [], name


def test_a_quote_that_the_sdk_does_not_escape_is_found(specs: dict[str, list[Any]]) -> None:
    [fault] = faults_in(specs["quoted"])
    assert "cannot be decided" in fault.message


def test_each_reference_is_followed(specs: dict[str, list[Any]]) -> None:
    count = 0
    for name, documents in specs.items():
        for place in references(documents[0]):
            broken: Any = copy.deepcopy(documents[0])
            at: Any = broken
            for key in place[:-1]:
                at = at[key]
            at[place[-1]] = "nothing-of-that-name"
            assert errors(broken, *documents[1:]), (name, place)
            count += 1
    assert count > 250


def test_each_unknown_field_is_found(specs: dict[str, list[Any]]) -> None:
    """An unknown key beside each key that is known, wherever a message has fields."""
    free = {"metadata", "defaultValue", "constant", "labels", "annotations", "literals"}
    count = 0
    for name, documents in specs.items():
        for number, document in enumerate(documents):
            for place in _mappings(document, free):
                broken: Any = copy.deepcopy(documents)
                at: Any = broken[number]
                for key in place:
                    at = at[key]
                at["noSuchField"] = "x"
                assert errors(*broken), (name, number, place)
                count += 1
    assert count > 500


# Under these keys stand names of the user's own.
NAMED = {"components", "executors", "tasks", "parameters", "artifacts", "platforms"}


def _mappings(data: Spec, free: set[str]) -> list[tuple[Any, ...]]:
    """The places of messages in a document."""
    found: list[tuple[Any, ...]] = []
    todo: list[tuple[tuple[Any, ...], Any]] = [((), data)]
    while todo:
        place, at = todo.pop()
        if isinstance(at, dict):
            inside: dict[str, Any] = dict(at)  # pyright: ignore[reportUnknownArgumentType] - JSON
            if not place or place[-1] not in NAMED or place[-2:-1] in (("tasks",), ("executors",)):
                found.append(place)
            todo += [((*place, key), one) for key, one in inside.items() if key not in free]
        elif isinstance(at, list):
            items: list[Any] = list(at)  # pyright: ignore[reportUnknownArgumentType] - JSON
            todo += [((*place, number), one) for number, one in enumerate(items)]
    return found
