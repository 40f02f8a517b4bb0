"""Conditions of branches in the Common Expression Language, as the driver evaluates them.

Numbers arrive as doubles; whole ones are compared as integers where both sides are.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from penstock.ir.lookup import Lookup
from penstock.ir.nodes import Branch
from penstock.ir.values import AllOf, Comparison, Condition, Constant, Not, Truth, Value
from penstock_kubeflow.parameter_types import type_of_value
from penstock_kubeflow.ports import Part, Source
from penstock_kubeflow.sources import Sources
from penstock_kubeflow.threads import Threads

_NUMBERS = frozenset({"NUMBER_INTEGER", "NUMBER_DOUBLE", "BOOLEAN"})
_FOLDED: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Uncomparable(ValueError):
    """A value has no place in a condition of Kubeflow; the message says why."""


@dataclass(frozen=True, slots=True)
class _Operand:
    """One side: its text, its parameter type, and its value if that is written in the pipeline."""

    text: str
    type: str
    constant: Any = None

    @property
    def known(self) -> bool:
        return not self.text


class Conditions:
    """The conditions of one pipeline; what they look at becomes an input of the arm."""

    def __init__(self, names: Lookup, sources: Sources, threads: Threads) -> None:
        self._names, self._sources, self._threads = names, sources, threads

    def of(self, branch: Branch) -> str:
        """When the arm runs: its condition holds, and those of the arms before do not."""
        parts: list[str] = []
        for arm in self._names.chains[branch.chain]:
            if arm.condition is None:
                break
            text = self._text(arm.condition, branch.id)
            parts.append(text if arm.id == branch.id else f"!({text})")
            if arm.id == branch.id:
                break
        return parts[0] if len(parts) == 1 else " && ".join(_bracketed(one) for one in parts)

    def _text(self, condition: Condition, arm: str) -> str:
        match condition:
            case Comparison():
                left, right = (
                    self._operand(condition.left, arm),
                    self._operand(condition.right, arm),
                )
                return compared(condition.operator, left, right)
            case Truth():
                true = _Operand("", "BOOLEAN", constant=True)
                return compared("==", self._operand(condition.value, arm), true)
            case Not():
                return f"!({self._text(condition.condition, arm)})"
            case _:
                sign = " && " if isinstance(condition, AllOf) else " || "
                texts = [self._text(one, arm) for one in condition.conditions]
                return sign.join(f"({one})" for one in texts) if len(texts) > 1 else texts[0]

    def _operand(self, value: Value, arm: str) -> _Operand:
        if isinstance(value, Constant):
            constant = value.value
            kind = type_of_value(constant)
            if kind is None:
                raise Uncomparable("None never reaches a condition")
            return _Operand("", kind, constant)
        source = self._sources.source(value)
        if source is None:
            raise Uncomparable("the value comes from several places")
        port = self._sources.port(source)
        if port.type is None or port.kind == "artifact":
            raise Uncomparable("its type is not known")
        return _Operand(f"inputs.parameter_values['{self._input(source, arm)}']", port.type)

    def _input(self, source: Source, arm: str) -> str:
        if isinstance(source, Part):
            return self._threads.enter(source, arm).key
        return self._threads.at(source, arm).key


def compared(sign: str, left: _Operand, right: _Operand) -> str:
    """The comparison of two sides. Raises `Uncomparable`."""
    if left.known and right.known:
        return "true" if _FOLDED[sign](left.constant, right.constant) else "false"
    kinds = {left.type, right.type}
    if kinds in ({"STRING"}, {"BOOLEAN"}) and (sign in ("==", "!=") or kinds == {"STRING"}):
        return f"{_plain(left)} {sign} {_plain(right)}"
    if kinds == {"NUMBER_INTEGER"}:
        return f"{_integer(left)} {sign} {_integer(right)}"
    if kinds <= _NUMBERS:
        return f"{_double(left)} {sign} {_double(right)}"
    if sign in ("==", "!=") and not kinds & {"LIST", "STRUCT"}:
        return "true" if sign == "!=" else "false"  # text and numbers are never equal
    raise Uncomparable(f"{' and '.join(sorted(kinds))} cannot be compared")


def _plain(one: _Operand) -> str:
    if not one.known:
        return one.text
    return text_literal(one.constant) if one.type == "STRING" else str(one.constant).lower()


def _integer(one: _Operand) -> str:
    return str(one.constant) if one.known else f"int({one.text})"


def _double(one: _Operand) -> str:
    if one.known:
        return repr(float(one.constant))
    return f"({one.text} ? 1.0 : 0.0)" if one.type == "BOOLEAN" else one.text


def text_literal(text: str) -> str:
    """A text as the language reads it, without anything that Argo or Kubernetes would replace."""
    return "'" + "".join(map(_escaped, text)) + "'"


def _escaped(char: str) -> str:
    if " " <= char <= "~" and char not in "'\\{}$":
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _bracketed(text: str) -> str:
    return text if text.startswith("!(") and text.endswith(")") else f"({text})"
