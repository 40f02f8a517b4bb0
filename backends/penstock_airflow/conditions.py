"""Conditions as Python: the values that they need, each under a name of its own, and a test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from penstock.ir.values import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    FromParameter,
    FromStep,
    Not,
    Truth,
    Value,
)
from penstock_airflow import python_text as py
from penstock_airflow.names import RESERVED, variable
from penstock_airflow.references import References

_LONGEST = 24
_SHORT = 30
_NOT_WORD = re.compile(r"[^a-z0-9_]+")


@dataclass
class Conditions:
    """The body of one function that tests conditions, line by line."""

    references: References
    scope: str | None
    indent: int
    lines: list[str] = field(default_factory=list[str])
    _names: dict[str, str] = field(default_factory=dict[str, str])
    _taken: set[str] = field(default_factory=set[str])

    def add(self, line: str) -> None:
        """One more line."""
        self.lines.append(f"{' ' * self.indent}{line}\n")

    def assign(self, name: str, node: py.Node) -> None:
        """`name = ...`, over some lines where it must be."""
        column = self.indent + len(name) + 3
        self.add(f"{name} = {py.render(node, column=column, indent=self.indent)}")

    def test(self, condition: Condition) -> str:
        """The condition as an expression of one line; what it needs is assigned before."""
        return self._test(condition, 0)

    def _test(self, condition: Condition, within: int) -> str:
        match condition:
            case Comparison():
                left, right = self._operand(condition.left), self._operand(condition.right)
                return f"{left} {condition.operator} {right}"
            case Truth():
                return self._operand(condition.value)
            case Not():
                inner = self._test(condition.condition, 2)
                return f"not {inner}"
            case AllOf() | AnyOf():
                return self._joined(condition, within)

    def _joined(self, condition: AllOf | AnyOf, within: int) -> str:
        parts = [self._test(one, 1) for one in condition.conditions]
        word = "and" if isinstance(condition, AllOf) else "or"
        found = f" {word} ".join(parts)
        if within:
            found = f"({found})"
        if len(found) + self.indent < py.LINE - 20:
            return found
        # Too long for a line: each part gets a name, and all of them are put together.
        named = [self._named(self._test(one, 0)) for one in condition.conditions]
        kind = "all" if isinstance(condition, AllOf) else "any"
        whole = self._fresh("both" if kind == "all" else "either")
        self.assign(whole, py.Call(kind, (py.ListOf(tuple(map(py.Name, named))),)))
        return whole

    def _named(self, part: str) -> str:
        if part.isidentifier():
            return part
        name = self._fresh("part")
        self.add(f"{name} = {part}")
        return name

    def _operand(self, value: Value) -> str:
        node = self.references.find(value, self.scope)
        if isinstance(node, py.Literal):
            # A linter would have `is True` and `is None`, which are other questions.
            shown = py.render(node)
            if type(node.value) in (str, int, float) and len(shown) <= _SHORT:
                return shown
        else:
            node = py.Call(py.Method(_call(node), "get"), (py.Name("context"),))
        key = value.model_dump_json()
        if key not in self._names:
            self._names[key] = self._fresh(_name(value))
            self.assign(self._names[key], node)
        return self._names[key]

    def _fresh(self, name: str) -> str:
        found, count = name, 1
        while found in self._taken or found in RESERVED or found == "context":
            count += 1
            found = f"{name}_{count}"
        self._taken.add(found)
        return found


def _call(node: py.Node) -> py.Call:
    if isinstance(node, py.Call):
        return node
    raise TypeError("a condition looks at a value that is no reference")


def _name(value: Value) -> str:
    match value:
        case FromParameter():
            words: list[str | int] = [value.parameter, *value.path]
        case FromStep():
            told = [] if value.output == "value" else [value.output]
            words = [*told, *value.path]
            if not any(isinstance(one, str) for one in words):
                words.insert(0, value.step.rpartition(".")[2])
        case _:
            words = ["expected" if value.kind == "value" else value.kind]
    text = _NOT_WORD.sub("_", "_".join(map(str, words)).lower()).strip("_")[:_LONGEST].strip("_")
    return variable(text).rstrip("_") if text else "value"


def label(condition: Condition | None) -> str:
    """The condition in a few words, for an edge of the graph."""
    return "otherwise" if condition is None else " ".join(_words(condition))[:60]


def _words(condition: Condition) -> Iterator[str]:
    match condition:
        case Comparison():
            yield _shown(condition.left)
            yield condition.operator
            yield _shown(condition.right)
        case Truth():
            yield _shown(condition.value)
        case Not():
            yield f"not ({' '.join(_words(condition.condition))})"
        case AllOf() | AnyOf():
            word = "and" if isinstance(condition, AllOf) else "or"
            for place, one in enumerate(condition.conditions):
                if place:
                    yield word
                text = " ".join(_words(one))
                yield f"({text})" if isinstance(one, AllOf | AnyOf) else text


def _shown(value: Value) -> str:
    if value.kind == "value":
        return value.text if len(value.text) <= _SHORT else "..."
    return _name(value)
