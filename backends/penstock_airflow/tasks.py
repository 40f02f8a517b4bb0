"""One operator per step, as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Component, Options, Step
from penstock.ir.projections import Projection
from penstock_airflow import python_text as py
from penstock_airflow.prose import prose
from penstock_airflow.settings import machine_arguments, run_arguments, secret_arguments, text
from penstock_airflow.values import expression, is_artifact

# What may stand in a comment: nothing that ends the line or means something to Python's reader.
_CHECKED_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")


@dataclass
class Shared:
    """What the tasks of a file have in common; most say the same, which is printed once."""

    names: Lookup
    parts: Mapping[str, Mapping[str, Projection]]
    image: str
    images: Mapping[str, str]
    _printed: dict[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])

    def settings(self, options: Options, indent: int) -> str:
        """The lines for a step's options."""
        # By identity: steps without options of their own share one object.
        key = (id(options), indent)
        if key not in self._printed:
            pad = " " * indent
            around = self.names.ir.options
            self._printed[key] = "".join(
                _line(name, node, pad)
                for arguments in (
                    secret_arguments(options.secrets),
                    run_arguments(options, around),
                    machine_arguments(options.resources),
                )
                for name, node in arguments
            )
        return self._printed[key]

    def documentation(self, component: Component, indent: int) -> str:
        """The line for a component's description."""
        if not component.description:
            return ""
        key = (id(component), indent)
        if key not in self._printed:
            shown = prose(component.description, indent + len("doc_md="), indent=indent, suffix=",")
            self._printed[key] = f"{' ' * indent}doc_md={shown},\n"
        return self._printed[key]


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
    image = shared.images[step.id]
    if image != shared.image:
        out.append(_line("image", text(image), pad))
    out.append(_line("environment", _environment(step, component, shared), pad))
    out.append(shared.settings(step.options, inner))
    out.append(shared.documentation(component, inner))
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
