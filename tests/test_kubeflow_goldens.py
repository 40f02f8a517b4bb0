"""The specs of golden pipelines and random programs: kept to the letter, parsed, verified."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from goldens_support import check_golden, golden_pipelines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kubeflow_specs import problems, read
from programs import FLAT, Program, programs, traced

from penstock.backend import Options, check_pipeline, compile_pipeline
from penstock.diagnostics import PipelineError
from penstock.features import Feature
from penstock.ir.nodes import PipelineIR
from penstock_kubeflow import KubeflowBackend

GOLDENS = Path(__file__).parent / "goldens" / "kubeflow"
NAMES = [name for name, _ in golden_pipelines()]


def emitted(ir: PipelineIR) -> Mapping[str, str]:
    """The files of a pipeline."""
    return compile_pipeline(ir, KubeflowBackend(), Options())


def said(ir: PipelineIR) -> str:
    """What the checks say of a pipeline, errors first to last, or its warnings."""
    try:
        found = check_pipeline(ir, KubeflowBackend()).warnings
    except PipelineError as error:
        found = error.diagnostics
    lines = (
        f"{one.severity}[{one.code}] {one.span.file if one.span else '?'}:"
        f"{one.span.line if one.span else 0}: {one.message}"
        for one in found
    )
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("name", NAMES)
def test_goldens(name: str) -> None:
    ir = dict(golden_pipelines())[name]
    report = said(ir)
    if report:
        check_golden(GOLDENS / f"{name}.said.txt", report)
    if "error[" in report:
        return
    for file, text in emitted(ir).items():
        check_golden(GOLDENS / name / file, text)


@pytest.mark.parametrize("name", NAMES)
def test_golden_specs_are_valid(name: str) -> None:
    ir = dict(golden_pipelines())[name]
    if "error[" in said(ir):
        assert (GOLDENS / f"{name}.said.txt").is_file()  # why it is refused, for people to read
        return
    for file, text in emitted(ir).items():
        if file.endswith(".yaml"):
            assert problems(read(text)) == []


def test_most_goldens_are_not_refused() -> None:
    assert sum("error[" not in said(ir) for _, ir in golden_pipelines()) >= 3


REFUSALS = {"PS401", "PS402", "PS403", "PS404", "PS405", "PS406"}


EXPRESSIBLE = FLAT - {
    Feature.LIST_INPUT,
    Feature.RESOURCES,
    Feature.GPU,
    Feature.SCHEDULE,
    Feature.SECRET,
}


@given(st.data())
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_programs_compile_to_valid_specs_or_are_refused_in_words(data: st.DataObject) -> None:
    program: Program = data.draw(programs(features=EXPRESSIBLE, size=5))
    with tempfile.TemporaryDirectory() as folder:
        ir = traced(program, Path(folder))
    try:
        files = emitted(ir)
    except PipelineError as error:
        found = {one.code for one in error.diagnostics if one.severity == "error"}
        assert found <= REFUSALS
        return
    assert problems(read(files[f"{ir.name}.yaml"])) == []
    assert emitted(ir) == files


def test_nothing_of_kubeflow_is_imported() -> None:
    code = (
        "import sys; import penstock_kubeflow; "
        "sys.exit(any(name.partition('.')[0] == 'kfp' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
