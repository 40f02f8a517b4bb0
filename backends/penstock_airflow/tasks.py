"""One operator per step, as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.diagnostics import Span
from penstock.images import image_of
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Component, Options, Step
from penstock.ir.projections import Projection
from penstock_airflow import python_text as py
from penstock_airflow.prose import prose
from penstock_airflow.settings import machine_arguments, run_arguments, secret_arguments, text
from penstock_airflow.values import expression, is_artifact

# What may stand in a comment: nothing that ends the line or means something to Python's reader.
_CHECKED_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")


@dataclass(frozen=True)
class Shared:
    """What all tasks of a file have in common: defaults need not be said again."""

    names: Lookup
    parts: Mapping[str, Mapping[str, Projection]]
    image: str
    defaults: Options


def source_comment(span: Span | None, indent: int) -> str:
    """`# churn.py:49`, or nothing where the path holds anything unusual."""
    if span is None or not checked_place(span):
        return ""
    return f"{' ' * indent}# {span.file}:{span.line}\n"


def checked_place(span: Span) -> bool:
    """Whether the place holds nothing but characters that mean nothing in a comment."""
    return _CHECKED_PATH.fullmatch(span.file) is not None and span.line > 0


def task(step: Step, task_id: str, name: str, shared: Shared, indent: int) -> str:
    """The statement `name = StepOperator(...)`, with the place of the step's call above it."""
    inner = indent + 4
    pad = " " * inner
    component = shared.names.components[step.component]
    out = [
        source_comment(step.span, indent),
        f"{' ' * indent}{name} = StepOperator(\n{pad}task_id={py.lit(task_id)},\n",
    ]
    image = image_of(shared.names.ir, step)
    if image != shared.image:
        out.append(_line("image", text(image), pad))
    out.append(_line("environment", _environment(step, component, shared), pad))
    options = step.options
    for arguments in (
        secret_arguments(options.secrets),
        run_arguments(options, shared.defaults),
        machine_arguments(options.resources),
    ):
        out += [_line(key, node, pad) for key, node in arguments]
    if component.description:
        column = inner + len("doc_md=")
        doc = prose(component.description, column, indent=inner, suffix=",")
        out.append(f"{pad}doc_md={doc},\n")
    out.append(f"{' ' * indent})\n")
    return "".join(out)


def _line(key: str, node: py.Node, pad: str) -> str:
    indent = len(pad)
    shown = py.render(node, column=indent + len(key) + 1, indent=indent, suffix=",")
    return f"{pad}{key}={shown},\n"


def _environment(step: Step, component: Component, shared: Shared) -> py.Node:
    """`step("module:qualname", artifacts={...}, params={...})`."""
    artifacts: list[tuple[str | int, py.Node]] = []
    params: list[tuple[str | int, py.Node]] = []
    for binding in step.inputs:
        kind = artifacts if is_artifact(binding.value, shared.names) else params
        kind.append((binding.name, expression(binding.value)))
    given = {binding.name for binding in step.inputs}
    fields = [one.name for one in component.inputs if one.field and one.name in given]
    kwargs: list[tuple[str, py.Node] | py.Starred] = []
    if artifacts:
        kwargs.append(("artifacts", py.DictOf(tuple(artifacts))))
    if params:
        kwargs.append(("params", py.DictOf(tuple(params))))
    if fields:
        kwargs.append(("fields", py.Literal(fields)))
    parts = shared.parts.get(step.id)
    if parts:
        plain = {name: [output, *path] for name, (output, path) in parts.items()}
        kwargs.append(("projections", py.Literal(plain)))
    if step.options.env:
        kwargs.append(("env", py.Literal(dict(step.options.env))))
    return py.Call("step", (py.Literal(step.component),), tuple(kwargs))
