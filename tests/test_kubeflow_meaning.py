"""Any program means the same on Kubeflow as in a local run, commit by commit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import LONG
from hypothesis import HealthCheck, Phase, given, seed, settings
from kubeflow_backend import COMPLETE, OMITTED, Backend, BackendFailed
from kubeflow_specs import Documents, files, problems, read
from programs import ALL, Program, programs
from test_local_meaning import Case, case

from penstock.backend import check_pipeline
from penstock.diagnostics import PipelineError
from penstock.features import Feature
from penstock.ir.nodes import PipelineIR
from penstock_kubeflow import KubeflowBackend

# Parts of outputs are made only where they are used, in a loop that is written out by round.
COMPARED = ("code", "inputs", "fields", "outputs", "metrics", "metadata")
EXPRESSIBLE = ALL - {Feature.RESOURCES, Feature.SCHEDULE}
# A program may wait for itself, which no target takes.
REFUSALS = {"PS110", "PS401", "PS402", "PS403", "PS404", "PS405", "PS406"}
PROGRAMS = 1500 if LONG else 40


def documents(ir: PipelineIR, **options: Any) -> Documents | None:
    """The spec of a pipeline; None for what Kubeflow cannot express."""
    try:
        text = files(ir, **options)[f"{ir.name}.yaml"]
    except PipelineError as refused:
        errors = [one for one in refused.diagnostics if one.severity == "error"]
        assert {one.code for one in errors} <= REFUSALS, errors
        return None
    found = read(text)
    assert problems(found) == [], problems(found)
    return found


def generated(
    count: int,
    features: frozenset[Feature] = EXPRESSIBLE,
    fits: Callable[[Program], bool] = lambda _: True,
) -> list[Program]:
    """So many programs that Kubeflow can express, the same in every test run."""
    found: dict[str, Program] = {}

    @seed(20261125)
    @settings(
        max_examples=20 * count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(programs(features=features, size=10))
    def collect(program: Program) -> None:
        if len(found) < count and program.module not in found and fits(program):
            with case(program) as one:
                if documents(one.target.ir) is not None:
                    found[program.module] = program

    collect()
    assert len(found) == count
    return list(found.values())


def commits(folder: Path) -> list[tuple[str, str]]:
    """What the steps of a run have committed, without what two runs cannot have in common.

    Kubeflow tells no step the round of its loop: rounds are compared as a collection.
    """
    found: list[tuple[str, str]] = []
    for file in folder.glob("steps/*/commit*.json"):
        record = json.loads(file.read_bytes())
        kept = {key: record.get(key) for key in COMPARED}
        # A float is asked and an int given: here the int is recorded, there a double arrives.
        kept["inputs"] = json.loads(json.dumps(kept["inputs"]), parse_int=float)
        found.append((base_of(file.parent.name), json.dumps(kept, sort_keys=True)))
    return sorted(found)


def base_of(step: str) -> str:
    """The name of a step without the numbers of rounds."""
    return re.sub(r"(\.\d+)+$", "", step)


def same(one: Case, found: Documents, folder: Path) -> None:
    """A run in the stand-in commits what a local run commits."""
    local = one.ran("inline", 1)
    store = folder / "store"
    environ = {"PENSTOCK_PATH": str(one.folder), "PENSTOCK_STORE": str(store)}
    backend = Backend(found, folder / "artifacts", environ)
    try:
        done = backend.run(one.values)
    except BackendFailed:
        # The one thing that fails there and not here; nobody is surprised by it.
        told = check_pipeline(one.target.ir, KubeflowBackend()).warnings
        assert any("its list is empty" in warning.message for warning in told)
        return
    assert done.state == COMPLETE, backend.failures
    assert OMITTED not in {state for _, state in backend.states}, backend.states
    runs = list(store.glob("runs/*/*/*/*"))
    assert [one.name for one in runs] in ([backend.run_id], [])  # none if no step is to run
    ours = [commit for one in runs for commit in commits(one)]
    theirs = commits(local.folder)
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    assert ours == theirs


@pytest.mark.parametrize("part", range(4))
def test_random_programs_mean_on_kubeflow_what_they_mean_here(part: int, tmp_path: Path) -> None:
    for number, program in enumerate(generated(PROGRAMS)[part::4]):
        with case(program) as one:
            found = documents(one.target.ir, store="s3://bucket/store")
            assert found is not None
            same(one, found, tmp_path / str(number))
