"""The text of a DAG file: the frame is a template, and all that enters it is Python source."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import jinja2

from penstock.images import images_of
from penstock.ir.graph import upstream
from penstock.ir.lookup import Lookup, inner_values, lookup
from penstock.ir.nodes import Options, Parameter, PipelineIR
from penstock.ir.projections import projections
from penstock.ir.types import parse
from penstock.ir.values import FromParameter, FromStep, ListOf
from penstock.ir.write import plan_digest
from penstock_airflow import python_text as py
from penstock_airflow.edges import edge_lines
from penstock_airflow.groups import group_texts, grouped
from penstock_airflow.names import variable
from penstock_airflow.prose import docstring, prose
from penstock_airflow.schema import constrained, schema_of
from penstock_airflow.settings import run_arguments, text
from penstock_airflow.target import Target
from penstock_airflow.tasks import Shared, checked_place

LONG_AGO = date(2024, 1, 1)
"""The start of a schedule without one: fixed, so that the same pipeline gives the same file."""


_CHECKED_SIZE = 60_000  # above some 300 tasks, parsing would take as long as all the rest


class Source(str):
    """Text that is Python source already; nothing else may enter the template."""

    __slots__ = ()


def dag_file(ir: PipelineIR, target: Target) -> str:
    """The DAG file of a lowered pipeline."""
    names = lookup(ir)
    images = images_of(ir)
    image = Counter(images.values()).most_common(1)[0][0] if images else ""
    shared = Shared(names, projections(ir), image, images)
    body = _body(names, shared)
    found = _template().render(
        docstring=Source(docstring(_description(ir))),
        store=Source(py.lit(target.store, column=len("STORE = "))),
        arguments=[Source(one) for one in _dag_arguments(ir, names)],
        defaults=[Source(one) for one in _defaults(ir, image, target)],
        body=Source(body),
        edges=Source("".join(_edges(names))),
        scheduled=ir.schedule is not None,
        groups=bool(ir.scopes),
        mounts=target.mount is not None,
        **_needed(names, body),
    )
    _check(found, ir.name)
    return found


def _body(names: Lookup, shared: Shared) -> str:
    out: list[str] = []
    for statement in group_texts(grouped(names.ir.steps, names), shared):
        if out and not out[-1].endswith(":\n"):
            out.append("\n")
        out.append(statement)
    return "".join(out)


def _edges(names: Lookup) -> Iterator[str]:
    return edge_lines(upstream(names.ir, names), {step: variable(step) for step in names.steps})


def _needed(names: Lookup, body: str) -> dict[str, bool]:
    """Which imports and helpers the file uses; what it does not use is not in it."""
    values = [
        inner
        for step in names.ir.steps
        for binding in step.inputs
        for inner in inner_values(binding.value)
    ]
    options = [names.ir.options, *(step.options for step in names.ir.steps)]
    return {
        "periods": any(
            one.timeout is not None or (one.retry is not None and one.retry.times > 0)
            for one in options
        ),
        "devices": any(one.resources is not None and bool(one.resources.gpu) for one in options),
        "secrets": any(bool(step.options.secrets) for step in names.ir.steps),
        "listings": any(isinstance(one, ListOf) for one in values),
        "outputs": any(isinstance(one, FromStep) for one in values),
        "params": any(isinstance(one, FromParameter) for one in values),
        "typed_params": bool(names.ir.parameters),
    }


def _description(ir: PipelineIR) -> str:
    """What the DAG's page in Airflow says; the digest makes a new version of each change."""
    place = f" in {ir.span.file}" if ir.span and checked_place(ir.span) else ""
    made = (
        f"Compiled by penstock from the pipeline {ir.name}{place}.\n"
        "Change the pipeline and compile it again; changes made here are lost.\n"
        f"Plan {plan_digest(ir)}"
    )
    description = ir.description.strip()
    return f"{description}\n\n{made}\n" if description else f"{made}\n"


def _dag_arguments(ir: PipelineIR, names: Lookup) -> Iterator[str]:
    yield from _argument("dag_id", py.Literal(ir.name))
    if ir.description.strip():
        first = ir.description.strip().partition("\n")[0]
        yield f"description={prose(first, 4 + len('description='), indent=4, suffix=',')},"
    yield "doc_md=__doc__,"
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


def _defaults(ir: PipelineIR, image: str, target: Target) -> Iterator[str]:
    """The entries of default_args that differ from file to file."""
    if ir.owner:
        yield from _entry("owner", py.Literal(ir.owner))
    said = dict(run_arguments(ir.options, Options()))
    said.setdefault("retries", py.Literal(0))
    for name, node in said.items():
        yield from _entry(name, node)
    yield from _entry("image", text(image))
    if target.mount is not None:
        folder, source, kind = target.mount
        call = py.Call(
            "Mount",
            kwargs=(("target", text(folder)), ("source", text(source)), ("type", py.Literal(kind))),
        )
        yield from _entry("mounts", py.ListOf((call,)))


def _entry(name: str, node: py.Node) -> Iterator[str]:
    key = f"{py.lit(name)}: "
    yield f"{key}{py.render(node, column=8 + len(key), indent=8, suffix=',')},"


def _only_source(value: object) -> object:
    if isinstance(value, Source):
        return value
    raise TypeError(f"a {type(value).__name__} would enter the DAG file unprinted")


@cache
def _template() -> jinja2.Template:
    # Autoescaping is for HTML and would break Python; `finalize` lets only printed source in.
    # Variables are written ${...}, since the file itself holds templates of Airflow.
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - see above
        finalize=_only_source,
        variable_start_string="${",
        variable_end_string="}",
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("dag.py.j2")


def _check(found: str, name: str) -> None:
    """The last guard: what is no Python never leaves; a failure is a bug of penstock."""
    if len(found) > _CHECKED_SIZE:
        return
    try:
        ast.parse(found)
    except SyntaxError as error:
        raise AssertionError(f"the DAG file of {name} is no Python: {error}") from error
