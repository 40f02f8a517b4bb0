"""Every legal program traces, reads back, checks and compiles, each time to the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from conftest import LONG
from hypothesis import HealthCheck, given, settings
from programs import ALL, FLAT, Program, loaded, programs, traced

from penstock.backend import (
    Options,
    backend_names,
    check_pipeline,
    compile_pipeline,
    load_backend,
)
from penstock.diagnostics import PipelineError
from penstock.features import Feature
from penstock.ir.lookup import lookup
from penstock.ir.text import dump_pipeline, load_pipeline
from penstock.ir.write import plan_digest
from penstock.passes.supported import uses


def budget(examples: int) -> settings:
    """So many examples in the short profile, many more in the long one."""
    return settings(
        max_examples=5000 if LONG else examples,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


@contextmanager
def folder() -> Generator[Path]:
    """A folder for one program; hypothesis would share pytest's `tmp_path` among all."""
    with TemporaryDirectory() as name:
        yield Path(name)


@budget(100)
@given(programs())
def test_a_legal_program_is_accepted_and_reads_back(program: Program) -> None:
    with folder() as home:
        ir = traced(program, home)
    text = dump_pipeline(ir)
    again = load_pipeline(text)
    assert again == ir
    assert dump_pipeline(again) == text
    assert plan_digest(again) == plan_digest(ir)
    lowered = check_pipeline(ir).lowered
    assert load_pipeline(dump_pipeline(lowered)) == lowered
    assert {feature for feature, _ in uses(lookup(ir))} <= program.features


@budget(25)
@given(programs(features=FLAT))
def test_a_program_keeps_to_its_features(program: Program) -> None:
    assert program.features <= FLAT


@budget(40)
@given(programs())
def test_neither_the_folder_nor_the_run_shows(program: Program) -> None:
    with folder() as one, folder() as other:
        (other / "pyproject.toml").touch()
        deeper = other / "src"
        deeper.mkdir()
        with loaded(program, one) as module:
            first = dump_pipeline(getattr(module, program.pipeline).trace())
            second = dump_pipeline(getattr(module, program.pipeline).trace())
        assert first == second
        assert dump_pipeline(traced(program, other)) == first
        assert plan_digest(traced(program, deeper)) == plan_digest(load_pipeline(first))


ELSEWHERE = """
import importlib, json, sys
from penstock.backend import Options, check_pipeline, compile_pipeline, load_backend
from penstock.ir.text import dump_pipeline

sys.path.insert(0, sys.argv[1])
found = {}
for name in sys.argv[2:]:
    ir = importlib.import_module(name).main.trace()
    found[name] = [dump_pipeline(ir), dump_pipeline(check_pipeline(ir).lowered)]
print(json.dumps(found))
"""


def test_a_fresh_process_with_other_hashes_gives_the_same_bytes(tmp_path: Path) -> None:
    expected: dict[str, list[str]] = {}

    @budget(20)
    @given(programs())
    def collect(program: Program) -> None:
        ir = traced(program, tmp_path)
        lowered = check_pipeline(ir).lowered
        expected[program.module] = [dump_pipeline(ir), dump_pipeline(lowered)]

    collect()
    names = sorted(expected)[:200]
    seed = {"PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"}
    command = [sys.executable, "-c", ELSEWHERE, str(tmp_path), *names]
    done = subprocess.run(
        command, env=os.environ | seed, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {name: expected[name] for name in names}


def supported(backend: str) -> frozenset[Feature]:
    """What a program may use to be compiled to the backend."""
    supports = load_backend(backend).supports
    return frozenset(feature for feature in ALL if supports[feature].works)


@pytest.mark.parametrize("name", backend_names())
def test_a_backend_compiles_what_it_supports_to_the_same_bytes(name: str) -> None:
    backend = load_backend(name)
    compiled: list[bool] = []

    @budget(25)
    @given(programs(features=supported(name), size=6))
    def check(program: Program) -> None:
        with folder() as home:
            ir = traced(program, home)
        try:
            files = compile_pipeline(ir, backend, Options())
        except PipelineError as refused:
            # A target's own limits (lengths of names, say) are told as such, with the place.
            assert all(found.code.startswith("PS4") and found.span for found in refused.diagnostics)
            compiled.append(False)
            return
        compiled.append(True)
        again = compile_pipeline(load_pipeline(dump_pipeline(ir)), load_backend(name), Options())
        assert dict(files) == dict(again)
        assert list(files) == list(again)
        assert str(home) not in "".join(files.values())

    check()
    assert compiled.count(True) > len(compiled) / 4
