"""What Kubeflow cannot express is refused at the user's line, with a code, a reason and a hint."""

from __future__ import annotations

from typing import Any

import pytest
from test_kubeflow_spec import MAKE, const, out, step, two

from penstock.backend import check_pipeline
from penstock.diagnostics import Diagnostic, PipelineError, Span
from penstock.ir.nodes import (
    Component,
    Input,
    Nested,
    Options,
    Output,
    Parameter,
    PipelineIR,
    PipelineOutput,
    Resources,
    Retry,
    Schedule,
    Secret,
    Step,
)
from penstock.ir.values import FromParameter
from penstock_kubeflow import KubeflowBackend

HERE = Span("p.py", 7, 5, 7, 9)


def found_in(ir: PipelineIR) -> list[Diagnostic]:
    try:
        return list(check_pipeline(ir, KubeflowBackend()).warnings)
    except PipelineError as error:
        return list(error.diagnostics)


def taking(type_text: str, value: object, **parts: Any) -> PipelineIR:
    """A pipeline whose one step is given a constant at HERE."""
    take = Component(code="m:take", inputs=(Input(name="x", type=type_text),))
    one = step("take", "m:take", x=const(value)).model_copy(update={"span": HERE})
    return PipelineIR(name="p", components=(take,), steps=(one,), **parts)


def parameter(type_text: str, **parts: Any) -> PipelineIR:
    """A pipeline that gives a parameter, written at HERE, to a step."""
    take = Component(code="m:take", inputs=(Input(name="x", type=type_text),))
    one = step("take", "m:take", x=FromParameter(parameter="p"))
    given = Parameter(name="p", type=type_text, span=HERE, **parts)
    return PipelineIR(name="p", parameters=(given,), components=(take,), steps=(one,))


def giving(made: str, taken: str) -> PipelineIR:
    """A pipeline that hands an output parameter on."""
    make = Component(
        code="m:make", outputs=(Output(name="value", type=made, kind="parameter"),), span=HERE
    )
    take = Component(code="m:take", inputs=(Input(name="x", type=taken),))
    last = step("take", "m:take", x=out("make")).model_copy(update={"span": HERE})
    return PipelineIR(name="p", components=(make, take), steps=(step("make", "m:make"), last))


def with_options(**options: Any) -> PipelineIR:
    ir = two(Options(**options))
    first, last = ir.steps
    return ir.model_copy(update={"steps": (first, last.model_copy(update={"span": HERE}))})


def named(*names: str) -> PipelineIR:
    steps = tuple(
        Step(id=name, component="m:make", span=Span("p.py", line, 1))
        for line, name in enumerate(names, 3)
    )
    return PipelineIR(name="p", components=(MAKE,), steps=steps)


def in_a_circle() -> PipelineIR:
    scopes = (Nested(id="one", pipeline="p", span=HERE), Nested(id="two", pipeline="p", span=HERE))
    steps = (
        step("a", "m:make", "one"),
        step("b", "m:make", "two", after=["a"]),
        step("c", "m:make", "one", after=["b"]),
    )
    return PipelineIR(name="p", components=(MAKE,), scopes=scopes, steps=steps)


def returning_a_parameter() -> PipelineIR:
    value = FromParameter(parameter="p")
    output = PipelineOutput(name="value", type="int", value=value)
    return parameter("int").model_copy(update={"outputs": (output,), "span": HERE})


REFUSED: dict[str, tuple[PipelineIR, str, str]] = {
    "a default with braces": (parameter("str", default='"{{x}}"'), "PS404", "default"),
    "a large default": (parameter("int", default=str(2**60 + 1)), "PS404", "exactly"),
    "a description": (parameter("str", description="{{x}}"), "PS404", "description"),
    "int | str": (parameter("int | str"), "PS404", "no parameter type"),
    "an output of None": (giving("str | None", "str | None"), "PS404", "None"),
    "an output of several types": (giving("int | str", "int | str"), "PS404", "no parameter type"),
    "a float to anything": (giving("float", "object"), "PS404", "1.0 into 1"),
    "disk": (with_options(resources=Resources(disk="1Gi")), "PS405", "disk"),
    "cpu": (with_options(resources=Resources(cpu="two")), "PS405", "cpu='two'"),
    "gpu": (with_options(resources=Resources(gpu=1, gpu_type="A100")), "PS405", "A100"),
    "backoff": (with_options(retry=Retry(times=1, delay=1.0, backoff=1.5)), "PS405", "1.5"),
    "a variable": (with_options(env=(("A", "{{x}}"),)), "PS405", "'A'"),
    "a variable's name": (with_options(env=(("A B", "x"),)), "PS403", "'A B'"),
    "a secret": (with_options(secrets=(Secret(name="My_DB", key="k", env="K"),)), "PS403", "My_DB"),
    "a circle of pipelines": (in_a_circle(), "PS401", "'two'"),
    "a returned parameter": (returning_a_parameter(), "PS401", "'value'"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_at_the_line(what: str) -> None:
    ir, code, words = REFUSED[what]
    # The checks of all targets may have found something as well.
    (one,) = (found for found in found_in(ir) if found.code.startswith("PS4"))
    assert (one.code, one.severity, one.span) == (code, "error", HERE)
    assert words in one.message
    assert one.hint


@pytest.mark.parametrize(
    ("names", "first"), [(("split", "Split"), "split"), (("a_b", "x", "a-b"), "a_b")]
)
def test_names_that_become_one(names: tuple[str, ...], first: str) -> None:
    (one,) = found_in(named(*names))
    assert one.code == "PS402"
    assert one.span == Span("p.py", 2 + len(names), 1)
    assert one.notes == ((Span("p.py", 3, 1), f"{first!r} is called here"),)


@pytest.mark.parametrize("name", ["___", "a" * 121])
def test_names_that_cannot_be(name: str) -> None:
    (one,) = found_in(named(name))
    assert one.code == "PS403"


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(cron="0 6 * * 1", timezone="Europe/Berlin"),
        Schedule(cron="0 6 * * 5-7"),
    ],
)
def test_schedules_that_a_recurring_run_cannot_have(schedule: Schedule) -> None:
    ir = two(Options(), schedule=schedule).model_copy(update={"span": HERE})
    assert [one.code for one in found_in(ir)] == ["PS406"]


def test_limits_that_are_only_told_are_a_warning() -> None:
    bounded = Parameter.model_validate({"name": "p", "type": "int", "constraints": {"ge": 1}})
    ir = parameter("int").model_copy(update={"parameters": (bounded,)})
    (one,) = found_in(ir)
    assert (one.code, one.severity) == ("PS407", "warning")
    assert "at least 1" in one.message


def test_large_pipelines_are_warned_of_and_large_values_refused() -> None:
    ir = named(*(f"s{number}" for number in range(600)))
    warned = found_in(ir)
    assert [one.severity for one in warned] == ["warning", "warning"]
    found = found_in(taking("str", "x" * 200_000))
    assert [one.code for one in found if one.severity == "error"] == ["PS404"]


def test_what_is_not_emitted_says_why() -> None:
    for feature, support in KubeflowBackend.supports.items():
        assert support.works or support.why, feature


def test_a_broken_pipeline_is_left_to_the_checks_of_all_targets() -> None:
    ir = PipelineIR(name="p", components=(MAKE,), steps=(step("a", "m:gone"),))
    assert all(not one.message.startswith("kubeflow") for one in found_in(ir))


def test_a_pipeline_without_steps_is_refused() -> None:
    assert "PS404" in {one.code for one in found_in(PipelineIR(name="p", span=HERE))}
