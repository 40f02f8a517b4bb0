"""The arguments of `DAG(...)`: parameters, schedule, and what all tasks have in common."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Options, Parameter, PipelineIR
from penstock.ir.types import parse
from penstock_airflow import python_text as py
from penstock_airflow.prose import prose
from penstock_airflow.schema import constrained, schema_of
from penstock_airflow.settings import run_arguments
from penstock_airflow.shared import Shared

LONG_AGO = date(2024, 1, 1)
"""The start of a schedule without one: fixed, so that the same pipeline gives the same file."""


def dag_arguments(ir: PipelineIR, names: Lookup) -> Iterator[str]:
    """The keyword arguments, each on one line or over several."""
    yield from _argument("dag_id", py.Literal(ir.name))
    if ir.description.strip():
        first = ir.description.strip().partition("\n")[0]
        yield f"description={prose(first, 4 + len('description='), indent=4, suffix=',')},"
    yield 'doc_md=f"{__doc__}\\nPlan {PLAN}\\n",'
    schedule = ir.schedule
    yield from _argument("schedule", py.Literal(schedule.cron if schedule else None))
    if schedule is not None:
        day = date.fromisoformat(schedule.start) if schedule.start else LONG_AGO
        yield from _argument(
            "start_date",
            py.Call(
                "pendulum.datetime",
                (py.Literal(day.year), py.Literal(day.month), py.Literal(day.day)),
                (("tz", py.Literal(schedule.timezone)),),
            ),
        )
        yield from _argument("catchup", py.Literal(schedule.catchup))
    if ir.tags:
        yield from _argument("tags", py.Literal(list(ir.tags)))
    if ir.parameters:
        params = "".join(f"{' ' * 8}{_param(one, names)},\n" for one in ir.parameters)
        yield f"params={{\n{params}{' ' * 4}}},"


def _argument(name: str, node: py.Node) -> Iterator[str]:
    yield f"{name}={py.render(node, column=4 + len(name) + 1, indent=4, suffix=',')},"


def _param(one: Parameter, names: Lookup) -> str:
    schema = constrained(schema_of(parse(one.type), names.classes), one.constraints)
    default = () if one.default is None else (py.Literal(json.loads(one.default)),)
    kwargs = tuple((key, py.Literal(value)) for key, value in schema.items())
    key = f"{py.lit(one.name)}: "
    if one.description:
        kwargs += (("description", py.Literal(one.description)),)
    call = py.Call("Param", default, kwargs)
    return key + py.render(call, column=8 + len(key), indent=8, suffix=",")


def default_arguments(ir: PipelineIR, image: str, shared: Shared) -> Iterator[str]:
    """The entries of default_args that differ from file to file."""
    if ir.owner:
        yield from _entry("owner", py.Literal(ir.owner))
    said = dict(run_arguments(ir.options, Options(), shared.target))
    said.setdefault("retries", py.Literal(0))
    for name, node in said.items():
        yield from _entry(name, node)
    if image:
        for name, node in shared.runner.image(image):
            yield from _entry(name, node)
    for name, node in shared.runner.defaults():
        yield from _entry(name, node)


def _entry(name: str, node: py.Node) -> Iterator[str]:
    key = f"{py.lit(name)}: "
    yield f"{key}{py.render(node, column=8 + len(key), indent=8, suffix=',')},"
