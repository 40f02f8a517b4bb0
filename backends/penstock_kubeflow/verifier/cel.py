"""Reads the conditions of tasks: the part of the Common Expression Language that drivers know.

https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

Type = Literal["bool", "int", "double", "number", "string", "dyn"]
"""What an expression is; `number` is an input, known as one of both when it is looked at."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<float>\d+\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\.\d+(?:[eE][-+]?\d+)?)
    | (?P<int>0x[0-9a-fA-F]+|\d+)u?
    | (?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    | (?P<word>[A-Za-z_]\w*)
    | (?P<sign>==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]])
    )""",
    re.VERBOSE,
)
_COMPARED = ("==", "!=", "<", "<=", ">", ">=", "in")
_OF_PARAMETER: dict[str, Type] = {
    "BOOLEAN": "bool",
    "NUMBER_INTEGER": "number",
    "NUMBER_DOUBLE": "number",
    "STRING": "string",
}
_CASTS: dict[str, Type] = {"int": "int", "double": "double", "string": "string", "bool": "bool"}
_DEEPEST = 50


class BadCondition(ValueError):
    """The text is no condition; the message says why."""


def check_condition(text: str, inputs: Mapping[str, str | None]) -> None:
    """Reads a condition over the inputs of a task, by name with their parameter types.

    Raises `BadCondition`.
    """
    parser = _Parser(text, inputs)
    kind = parser.expression(0)
    if not parser.done:
        raise BadCondition(f"nothing can stand before {parser.rest[:30]!r}")
    if kind not in ("bool", "dyn"):
        raise BadCondition(f"it is a {kind}, and neither true nor false")


class _Parser:
    def __init__(self, text: str, inputs: Mapping[str, str | None]) -> None:
        self._inputs = inputs
        self._tokens: list[tuple[str, str, int]] = []
        self._text, self._at = text, 0
        place = 0
        while place < len(text.rstrip()):
            match = _TOKEN.match(text, place)
            if match is None or match.lastgroup is None:
                raise BadCondition(f"{text[place:].strip()[:30]!r} is not of the language")
            self._tokens.append((match.lastgroup, match[match.lastgroup], place))
            place = match.end()
        if not self._tokens:
            raise BadCondition("it is empty")

    @property
    def done(self) -> bool:
        return self._at >= len(self._tokens)

    @property
    def rest(self) -> str:
        return self._text[self._tokens[self._at][2] :].strip() if not self.done else ""

    def _next(self) -> str:
        """The sign or word that comes next; empty for a literal or the end."""
        if self.done:
            return ""
        kind, text, _ = self._tokens[self._at]
        return text if kind in ("sign", "word") else ""

    def _take(self, *wanted: str) -> bool:
        if self._next() in wanted:
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._take(sign):
            raise BadCondition(f"{sign!r} is missing before {self.rest[:30] or 'the end'!r}")

    def expression(self, depth: int) -> Type:
        if depth > _DEEPEST:
            raise BadCondition("it is nested too deeply")
        condition = self._either(depth + 1)
        if not self._take("?"):
            return condition
        self._bool(condition, "?")
        one = self._either(depth + 1)
        self._expect(":")
        other = self.expression(depth + 1)
        return one if one == other else "dyn"

    def _either(self, depth: int) -> Type:
        kind = self._both(depth)
        while self._take("||"):
            self._bool(kind, "||")
            self._bool(self._both(depth), "||")
            kind = "bool"
        return kind

    def _both(self, depth: int) -> Type:
        kind = self._relation(depth)
        while self._take("&&"):
            self._bool(kind, "&&")
            self._bool(self._relation(depth), "&&")
            kind = "bool"
        return kind

    def _relation(self, depth: int) -> Type:
        left = self._sum(depth)
        while self._next() in _COMPARED:
            sign = self._next()
            self._at += 1
            right = self._sum(depth)
            if sign != "in" and not _alike(left, right):
                raise BadCondition(f"a {left} and a {right} cannot be compared with {sign!r}")
            left = "bool"
        return left

    def _sum(self, depth: int) -> Type:
        kind = self._unary(depth)
        while self._next() in ("+", "-", "*", "/", "%"):
            self._at += 1
            other = self._unary(depth)
            if not _alike(kind, other) or "bool" in (kind, other):
                raise BadCondition(f"a {kind} and a {other} cannot be put together")
        return kind

    def _unary(self, depth: int) -> Type:
        if self._take("!"):
            self._bool(self._deeper(depth), "!")
            return "bool"
        if self._take("-"):
            kind = self._deeper(depth)
            if kind not in ("int", "double", "number", "dyn"):
                raise BadCondition(f"a {kind} has no negative")
            return kind
        return self._member(depth)

    def _deeper(self, depth: int) -> Type:
        if depth > _DEEPEST:
            raise BadCondition("it is nested too deeply")
        return self._unary(depth + 1)

    def _member(self, depth: int) -> Type:
        kind = self._primary(depth)
        while True:
            if self._take("["):
                self.expression(depth + 1)
                self._expect("]")
            elif self._take("."):
                if self.done or self._tokens[self._at][0] != "word":
                    raise BadCondition("a name is missing after '.'")
                self._at += 1
                if self._take("("):
                    self._arguments(depth)
            else:
                return kind
            kind = "dyn"

    def _primary(self, depth: int) -> Type:
        if self._take("("):
            kind = self.expression(depth + 1)
            self._expect(")")
            return kind
        if self._take("["):
            self._arguments(depth, "]")
            return "dyn"
        if self.done:
            raise BadCondition("it ends too early")
        literal, text, _ = self._tokens[self._at]
        if literal == "sign":
            raise BadCondition(f"a value is missing before {self.rest[:30]!r}")
        self._at += 1
        if literal != "word":
            return "double" if literal == "float" else _literal(literal)
        return self._word(text, depth)

    def _word(self, text: str, depth: int) -> Type:
        if text in ("true", "false"):
            return "bool"
        if text == "null":
            return "dyn"
        if text == "inputs":
            return self._input()
        if self._take("("):
            self._arguments(depth)
            return _CASTS.get(text, "dyn")
        raise BadCondition(f"{text!r} is not known; a condition sees `inputs.parameter_values`")

    def _input(self) -> Type:
        self._expect(".")
        if not self._take("parameter_values"):
            raise BadCondition("a condition sees inputs.parameter_values alone")
        if self._take("["):
            if self.done or self._tokens[self._at][0] != "string":
                raise BadCondition("the name of an input stands in quotes")
            name = self._tokens[self._at][1][1:-1]
            self._at += 1
            self._expect("]")
        else:
            self._expect(".")
            name = self._next()
            self._at += 1
        if name not in self._inputs:
            raise BadCondition(f"the task is not given {name!r}")
        return _OF_PARAMETER.get(self._inputs[name] or "", "dyn")

    def _arguments(self, depth: int, end: str = ")") -> None:
        if self._take(end):
            return
        self.expression(depth + 1)
        while self._take(","):
            self.expression(depth + 1)
        self._expect(end)

    @staticmethod
    def _bool(kind: Type, sign: str) -> None:
        if kind not in ("bool", "dyn"):
            raise BadCondition(f"{sign!r} joins what is true or false, not a {kind}")


def _alike(one: Type, other: Type) -> bool:
    numbers = {"int", "double"}
    return (
        "dyn" in (one, other)
        or one == other
        or (one == "number" and other in numbers)
        or (other == "number" and one in numbers)
    )


def _literal(kind: str) -> Type:
    return "int" if kind == "int" else "string"
