"""Random legal pipelines as Python source, to compile and run in every way there is.

`programs(features=..., size=...)` is a hypothesis strategy. A program's steps do real, cheap and
deterministic work, so that runs of it can be compared; its text is hostile wherever text can be.

    @given(programs(features=FLAT))
    def test_something(program: Program) -> None:
        with loaded(program, folder) as module:
            ir = module.main.trace()
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from programs_body import Body, Sub
from programs_steps import Draw, Module, Take
from programs_values import (
    CONSTANTS,
    FLOAT,
    INT,
    INTS,
    MADE,
    PRELUDE,
    STR,
    TABLE,
    UNLUCKY,
    WORDS,
    Constant,
    Known,
    constants,
    harmless_texts,
    texts,
)

from penstock.features import Feature
from penstock.ir.nodes import PipelineIR

ALL = frozenset(Feature)
"""Everything that the language has."""

FLAT = ALL - {
    Feature.BRANCH,
    Feature.ONE_OF,
    Feature.LOOP_STATIC,
    Feature.LOOP_PARAMETER,
    Feature.LOOP_OUTPUT,
    Feature.LOOP_NESTED,
    Feature.PARALLEL,
    Feature.GATHER,
    Feature.EXIT,
    Feature.RUN_STATUS,
}
"""Steps, values, options, and nested pipelines: no control flow."""

IMPORTS = """
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import Enum
from typing import Annotated, Literal, NamedTuple

from penstock import (
    DataSourceStep, DeployerStep, EvaluatorStep, Field, Metrics, Resources, Retry, RunStatus,
    Schedule, Secret, SplitStep, Step, TrainerStep, each, elsewhen, gather, log_metadata, on_exit,
    one_of, otherwise, pipeline, step, when,
)
"""


@dataclass(frozen=True, repr=False)
class Program:
    """A module with one pipeline to compile and run.

    `values` are parameters to run it with, as JSON has them; `features` is what it may use.
    """

    source: str
    pipeline: str
    values: dict[str, Any]
    features: frozenset[Feature]

    def __repr__(self) -> str:
        return f"<program {self.module} with {self.values}>"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # hypothesis would print the whole source on one line

    @property
    def module(self) -> str:
        """The module's name, which tells it from every other program."""
        return "program_" + hashlib.sha256(self.source.encode()).hexdigest()[:16]


@st.composite
def programs(
    draw: st.DrawFn,
    *,
    features: frozenset[Feature] = ALL,
    size: int = 8,
    failing: bool = False,
) -> Program:
    """Legal programs that use no other features than these, of about `size` statements.

    The steps of `failing` ones raise now and then, at each run for the same inputs.
    """
    module = Module(draw, features | {Feature.SEQUENCE}, failing)
    key = draw(texts().filter(lambda text: text != "alpha"))
    level = draw(texts().filter(lambda text: text != "low"))
    future = draw(st.booleans())
    subs: list[Sub] = []
    if module.may(Feature.NESTED):
        for _ in range(draw(st.integers(0, 2))):
            subs.append(_nested(module, subs, max(1, size // 3)))
    values = _main(module, subs, size)
    imports = "from __future__ import annotations\n" * future + IMPORTS
    parts = [
        imports.strip() + "\n\n" + PRELUDE.format(key=key, level=level, unlucky=UNLUCKY).strip(),
        *module.parts,
    ]
    program = Program("\n\n\n".join(parts) + "\n", "main", values, frozenset(module.used))
    note(program.source)
    return program


@contextmanager
def loaded(program: Program, folder: Path) -> Generator[ModuleType]:
    """The program as an imported module whose file lies in the folder; gone again afterwards."""
    file = folder / f"{program.module}.py"
    file.write_text(program.source, "utf-8", newline="\n")
    module = ModuleType(program.module)
    module.__file__ = str(file)
    previous = sys.modules.get(program.module)
    sys.modules[program.module] = module
    try:
        exec(compile(program.source, str(file), "exec"), vars(module))
        yield module
    finally:
        if previous is None:
            del sys.modules[program.module]
        else:
            sys.modules[program.module] = previous


def traced(program: Program, folder: Path) -> PipelineIR:
    """The program's pipeline as data."""
    with loaded(program, folder) as module:
        ir = getattr(module, program.pipeline).trace()
    assert isinstance(ir, PipelineIR)
    return ir


def _nested(module: Module, others: list[Sub], size: int) -> Sub:
    """A pipeline for others to call."""
    name = module.name("part")
    takes = tuple(take for take in module.takes(module.number(3), MADE))
    body = Body(module, list(others), size, nested=True)
    body.here.known += [_parameter(take) for take in takes]
    body.block()
    gives = body.returned(name)
    result = "None"
    if gives:
        result = gives[0][1].annotation if gives[0][0] == "" else f"{name}_outputs"
    signature = [_annotated(take, "") for take in takes]
    module.parts.append(_pipeline(module, name, signature, result, body, own=False))
    return Sub(name, takes, gives, body.has_loops)


def _main(module: Module, subs: list[Sub], size: int) -> dict[str, Any]:
    """The pipeline itself; returns values for its parameters."""
    body = Body(module, subs, size, nested=False)
    values: dict[str, Any] = {}
    required: list[str] = []
    optional: list[str] = []
    if module.may(Feature.PARAMETER):
        takes = module.takes(module.number(4), CONSTANTS)
        for take in takes:
            text = _declared(module, take, values)
            (required if take.default is None else optional).append(text)
            body.here.known.append(_parameter(take))
    for _ in range(1 + module.number(size - 1)):
        if body.left > 0:
            body.statement()
    if module.chance(Feature.EXIT):
        body.on_exit()
    gives = body.returned("main")
    result = "None"
    if gives:
        result = gives[0][1].annotation if gives[0][0] == "" else "main_outputs"
    module.parts.append(_pipeline(module, "main", [*required, *optional], result, body, own=True))
    return values


def _parameter(take: Take) -> Known:
    loop = Feature.LOOP_PARAMETER if take.kind in (INTS, WORDS) else None
    return Known(take.name, take.kind, loop=loop)


def _declared(module: Module, take: Take, values: dict[str, Any]) -> str:
    """A parameter of the pipeline as source text; perhaps constrained, perhaps given a value."""
    module.use(Feature.PARAMETER)
    given: Constant = module.draw(constants(take.kind))
    if take.default is None or module.draw(st.booleans()):
        values[take.name] = given.value
    constraint = _CONSTRAINTS.get(take.kind.annotation, "")
    if constraint and module.chance(Feature.CONSTRAINT):
        description = module.draw(texts())
        return _annotated(take, f"Field({constraint}, description={description!r})")
    return _annotated(take, "")


_CONSTRAINTS = {
    INT.annotation: f"ge=-{2**53}, le={2**53}",
    FLOAT.annotation: "ge=-1.7976931348623157e308, le=1.7976931348623157e308",
    STR.annotation: 'min_length=0, max_length=2000, pattern=r"(?s)^.*$"',
    INTS.annotation: "max_length=3",
    TABLE.annotation: "min_length=1",
}


def _annotated(take: Take, constraint: str) -> str:
    kind = take.kind.annotation
    hint = f"Annotated[{kind}, {constraint}]" if constraint else kind
    return f"{take.name}: {hint}" + ("" if take.default is None else f" = {take.default}")


def _pipeline(
    module: Module, name: str, signature: list[str], result: str, body: Body, *, own: bool
) -> str:
    options = module.step_options()
    if own:
        options.update(_own_options(module))
    given = ", ".join(f"{key}={value}" for key, value in options.items())
    description = module.description() if module.may(Feature.CATALOG) else ""
    if description:
        module.use(Feature.CATALOG)
    return "\n".join(
        [
            f"@pipeline({given})" if given else "@pipeline",
            f"def {name}({', '.join(signature)}) -> {result}:",
            *([f"    {description}"] if description else []),
            *body.lines,
        ]
    )


def _own_options(module: Module) -> dict[str, str]:
    """Options that only a whole pipeline has."""
    found: dict[str, str] = {}
    seldom = partial(_seldom, module.draw)
    if module.may(Feature.SCHEDULE) and seldom():
        module.use(Feature.SCHEDULE)
        found["schedule"] = module.pick(
            '"0 6 * * 1"',
            'Schedule("*/5 * * * *", timezone="Europe/Berlin", catchup=True)',
            'Schedule("@daily", start=date(2024, 2, 29))',
        )
    if module.may(Feature.CATALOG) and seldom():
        module.use(Feature.CATALOG)
        tags = module.draw(st.lists(texts().map(lambda text: text[:60] or "tag"), max_size=3))
        found["tags"] = repr(list(dict.fromkeys(tags)))
        found["owner"] = repr(module.draw(harmless_texts()))
        found["description"] = repr(module.draw(texts()))
    return found


def _seldom(draw: Draw) -> bool:
    return bool(draw(st.integers(0, 3)) == 3)
