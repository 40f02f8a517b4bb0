"""What the parts of one DAG file have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from penstock.diagnostics import Span
from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Component, Options
from penstock.ir.projections import Projection
from penstock_airflow import python_text as py
from penstock_airflow.flow import Flow
from penstock_airflow.labels import Labels
from penstock_airflow.prose import prose
from penstock_airflow.references import References
from penstock_airflow.runners import Runner
from penstock_airflow.target import Target

# What may stand in a comment: nothing that ends the line or means something to Python's reader.
_CHECKED_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")


@dataclass
class Shared:
    """What the tasks of a file have in common; most say the same, which is printed once."""

    names: Lookup
    flow: Flow
    labels: Labels
    references: References
    runner: Runner
    target: Target
    parts: Mapping[str, Mapping[str, Projection]]
    assets: Mapping[str, tuple[str, ...]]
    image: str
    images: Mapping[str, str]
    _printed: dict[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])

    def settings(self, options: Options, indent: int) -> str:
        """The lines for a step's options."""
        # By identity: steps without options of their own share one object.
        key = (id(options), indent)
        if key not in self._printed:
            pad = " " * indent
            arguments = self.runner.arguments(options, self.names.ir.options)
            self._printed[key] = "".join(line(name, node, pad) for name, node in arguments)
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


def line(key: str, node: py.Node, pad: str) -> str:
    """One keyword argument on a line of its own, or on several."""
    indent = len(pad)
    shown = py.render(node, column=indent + len(key) + 1, indent=indent, suffix=",")
    return f"{pad}{key}={shown},\n"


def source_comment(span: Span | None, indent: int) -> str:
    """`# churn.py:49`, or nothing where the path holds anything unusual."""
    if span is None or not checked_place(span):
        return ""
    return f"{' ' * indent}# {span.file}:{span.line}\n"


def checked_place(span: Span) -> bool:
    """Whether the place holds nothing but characters that mean nothing in a comment."""
    return _CHECKED_PATH.fullmatch(span.file) is not None and span.line > 0
