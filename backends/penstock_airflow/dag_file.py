"""The text of a DAG file: the frame is a template, and all that enters it is Python source."""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

import jinja2

from penstock.images import images_of
from penstock.ir.lookup import lookup
from penstock.ir.nodes import Branch, Loop, PipelineIR
from penstock.ir.projections import projections
from penstock.ir.write import plan_digest
from penstock_airflow import python_text as py
from penstock_airflow.body import Body
from penstock_airflow.dag_arguments import dag_arguments, default_arguments
from penstock_airflow.ending import Ending, makers
from penstock_airflow.flow import Flow, flow
from penstock_airflow.imports import import_lines
from penstock_airflow.labels import Labels
from penstock_airflow.names import variable
from penstock_airflow.prose import docstring
from penstock_airflow.references import References
from penstock_airflow.runners import runner_of
from penstock_airflow.shared import Shared, checked_place
from penstock_airflow.target import Target
from penstock_airflow.wanted import wanted_names

_CHECKED_SIZE = 60_000  # above some 300 tasks, parsing would take as long as all the rest


class Source(str):
    """Text that is Python source already; nothing else may enter the template."""

    __slots__ = ()


def dag_file(ir: PipelineIR, target: Target) -> str:
    """The DAG file of a lowered pipeline."""
    shared = _shared(ir, target)
    body = Body(shared)
    ending = Ending(shared, records=target.records)
    statements = body.text()
    last = "\n".join(ending.statements())
    edges = body.edges() + "".join(ending.edges(*body.lasts()))
    arguments = list(dag_arguments(ir, shared.names))
    defaults = list(default_arguments(ir, shared.image, shared))
    if target.records:
        shared.references.used.add("RunState")
    facts = {
        "runner": target.runner,
        "two": target.two,
        "records": target.records,
        "secrets": _secrets(shared),
        "items": any(isinstance(one, Loop) for one in ir.scopes),
        "flat": "flat" in shared.flow.mapped.values(),
        "guards": bool(shared.flow.guards),
        "skips": any(isinstance(one, Branch) for one in ir.scopes),
        "used": shared.references.used,
    }
    names = wanted_names(
        shared,
        marks=ending.marks,
        assets=bool(ir.outputs),
        skips=bool(facts["guards"] or facts["skips"]),
    )
    found = _template().render(
        docstring=Source(docstring(_description(ir))),
        imports=Source(import_lines(names, target.version)),
        python=Source(py.lit(target.python, column=len("PYTHON = "))),
        store=Source(py.lit(target.store, column=len("STORE = "))),
        plan=Source(py.lit(plan_digest(ir), column=len("PLAN = "))),
        arguments=[Source(one) for one in arguments],
        defaults=[Source(one) for one in defaults],
        body=Source("\n".join(one for one in (statements, last) if one)),
        edges=Source(edges),
        runner_template=f"{target.runner}.j2",
        execute_template=f"{target.runner}_execute.j2",
        defaults_template=f"{target.runner}_defaults.j2",
        **facts,
    )
    _check(found, ir.name)
    return found


def _shared(ir: PipelineIR, target: Target) -> Shared:
    names = lookup(ir)
    images = images_of(ir)
    found = flow(names)
    return Shared(
        names=names,
        flow=found,
        labels=Labels({step: variable(step) for step in names.steps}),
        references=References(found),
        runner=runner_of(target),
        target=target,
        parts=projections(ir),
        assets=_assets(ir, found),
        image=Counter(images.values()).most_common(1)[0][0] if images else "",
        images=images,
    )


def _assets(ir: PipelineIR, found: Flow) -> dict[str, tuple[str, ...]]:
    """The outputs of the pipeline that each step makes."""
    made: dict[str, tuple[str, ...]] = {}
    for one in ir.outputs:
        for step in makers(one.value, found):
            made[step] = (*made.get(step, ()), one.name)
    return made


def _secrets(shared: Shared) -> str:
    """Where the secrets of the steps come from; empty if there are none."""
    if not any(step.options.secrets for step in shared.names.ir.steps):
        return ""
    return shared.target.secrets


def _description(ir: PipelineIR) -> str:
    """What the DAG's page in Airflow says."""
    place = f" in {ir.span.file}" if ir.span and checked_place(ir.span) else ""
    made = (
        f"Compiled by penstock from the pipeline {ir.name}{place}.\n"
        "Change the pipeline and compile it again; changes made here are lost.\n"
    )
    description = ir.description.strip()
    return f"{description}\n\n{made}" if description else made


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
