"""Types as text, such as `list[int] | None`, and what fits where.

Text keeps the nodes plain and the YAML readable; a class is known by its dotted name, and what
else a check needs of it (its bases, its values, its fields) stands in the pipeline's class table.
Whatever cannot be described is `Any`, which fits everywhere.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from penstock.ir.nodes import Class

_DEPTH = 32

Classes = Mapping[str, Class]


class TypeTextError(ValueError):
    """The text is no type."""


@dataclass(frozen=True, slots=True)
class Type:
    """A name with arguments; a union is named `|`.

    The values of a Literal are kept as their text, so that 1 and True stay apart.
    """

    name: str
    args: tuple[Type, ...] = ()
    texts: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[str | int | bool | None, ...]:
        """The values of a Literal."""
        return tuple(ast.literal_eval(text) for text in self.texts)


ANY = Type("Any")
NONE = Type("None")


@lru_cache(maxsize=4096)
def parse(text: str) -> Type:
    """The type that the text stands for; raises `TypeTextError`. Nothing is evaluated."""
    if len(text) > 10_000:
        raise TypeTextError("a type of more than 10,000 characters")
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise TypeTextError(f"{text[:80]!r} is no type") from None
    return _type(tree.body, text, 0)


def _type(node: ast.expr, text: str, depth: int) -> Type:
    if depth > _DEPTH:
        raise TypeTextError(f"{text[:80]!r} is nested too deeply")
    match node:
        case ast.Constant(value=None):
            return NONE
        case ast.Name() | ast.Attribute():
            return Type(_dotted(node, text))
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union(_type(left, text, depth + 1), _type(right, text, depth + 1))
        case ast.Subscript(value=value, slice=inner):
            name = _dotted(value, text)
            parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            if name == "Literal":
                return literal(_literal(part, text) for part in parts)
            return Type(name, tuple(_argument(part, text, depth) for part in parts))
        case _:
            raise TypeTextError(f"{text[:80]!r} is no type")


def _argument(node: ast.expr, text: str, depth: int) -> Type:
    if isinstance(node, ast.Constant) and node.value is ...:
        return Type("...")
    return _type(node, text, depth + 1)


def _dotted(node: ast.expr, text: str) -> str:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise TypeTextError(f"{text[:80]!r} is no type")
    return ".".join([node.id, *reversed(names)])


def _literal(node: ast.expr, text: str) -> str | int | bool | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    if isinstance(node, ast.Constant):
        value = node.value
        if sign == -1 and type(value) is int:
            return -value
        if sign == 1 and (value is None or isinstance(value, str | int)):
            return value
    raise TypeTextError(f"{text[:80]!r}: a Literal holds text, whole numbers, bools and None")


def _union(*members: Type) -> Type:
    flat: list[Type] = []
    for member in members:
        for one in member.args if member.name == "|" else (member,):
            if one not in flat:
                flat.append(one)
    return flat[0] if len(flat) == 1 else Type("|", tuple(flat))


def union(members: tuple[Type, ...]) -> Type:
    """The type of a value that is of one of the members."""
    return _union(*members) if members else ANY


def literal(values: Iterable[str | int | bool | None]) -> Type:
    """The type of which only these values are."""
    return Type("Literal", texts=tuple(map(repr, values)))


def list_of(item: Type) -> Type:
    """The type of a list with such items."""
    return Type("list", (item,))


def show(kind: Type) -> str:
    """The text that `parse` reads."""
    if kind.name == "|":
        return " | ".join(show(member) for member in kind.args)
    if kind.name == "Literal":
        return f"Literal[{', '.join(kind.texts)}]"
    if kind.args:
        return f"{kind.name}[{', '.join(map(show, kind.args))}]"
    return kind.name


def brief(kind: Type) -> str:
    """The type as a person says it: classes by their last name."""
    if kind.name == "|":
        return " | ".join(brief(member) for member in kind.args)
    if kind.name == "Literal":
        text = show(kind)
        return text if len(text) <= 60 else f"{text[:57]}..."
    name = kind.name if kind.name == "..." else kind.name.rpartition(".")[2]
    return f"{name}[{', '.join(map(brief, kind.args))}]" if kind.args else name


def a(kind: Type) -> str:
    """The type with its article, as in `an int` and `a list[str]`."""
    name = brief(kind)
    return f"{'an' if name[0] in 'aeiouAEIO' else 'a'} {name}"


# What Python's own types are besides themselves (numeric tower of PEP 484 included).
_BASES: dict[str, frozenset[str]] = {
    "bool": frozenset({"int", "float", "complex"}),
    "int": frozenset({"float", "complex"}),
    "float": frozenset({"complex"}),
    "list": frozenset({"Sequence", "MutableSequence", "Collection", "Iterable", "Reversible"}),
    "tuple": frozenset({"Sequence", "Collection", "Iterable", "Reversible"}),
    "dict": frozenset({"Mapping", "MutableMapping", "Collection", "Iterable"}),
    "str": frozenset({"Sequence", "Collection", "Iterable"}),
    "bytes": frozenset({"Sequence", "Collection", "Iterable", "Buffer"}),
    "set": frozenset({"Set", "MutableSet", "Collection", "Iterable"}),
    "frozenset": frozenset({"Set", "Collection", "Iterable"}),
}


def fits(source: Type, target: Type, classes: Classes) -> bool:
    """Whether a value of type `source` may be given where `target` is asked, as Python has it.

    A subclass fits its base, an int fits a float, Any fits everywhere; containers are compared by
    their items, since values are stored and read anew, never shared.
    """
    if "Any" in (source.name, target.name) or target.name == "object" or source == target:
        return True
    if source.name == "|":
        return all(fits(member, target, classes) for member in source.args)
    if source.name == "Literal" and len(source.texts) > 1:
        return all(fits(Type("Literal", texts=(one,)), target, classes) for one in source.texts)
    if target.name == "|":
        return any(fits(source, member, classes) for member in target.args)
    if source.name == "Literal":
        return _literal_fits(source, target, classes)
    if target.name == "Literal":
        return False
    if _is(source.name, target.name, classes):
        return _arguments_fit(source, target, classes)
    asked = classes.get(target.name)
    return (asked is not None and asked.protocol) or _handed_over(source, target, classes)


def _handed_over(source: Type, target: Type, classes: Classes) -> bool:
    """Whether the runtime gives the value in the form that is asked: a figure as its picture."""
    picture = target.name == "bytes" or target.name.rpartition(".")[2] == "Path"
    return picture and _is(source.name, "matplotlib.figure.Figure", classes)


def _literal_fits(source: Type, target: Type, classes: Classes) -> bool:
    if target.name == "Literal":
        return set(source.texts) <= set(target.texts)
    known = classes.get(target.name)
    if known is not None and known.values:
        # An Enum's members are written as their values, in loops for instance.
        return all(json.dumps(one, ensure_ascii=False) in known.values for one in source.values)
    return all(fits(_type_of_literal(value), target, classes) for value in source.values)


def _type_of_literal(value: object) -> Type:
    return NONE if value is None else Type(type(value).__name__)


def _is(source: str, target: str, classes: Classes) -> bool:
    if source == target:
        return True
    known = classes.get(source)
    if known is not None:
        return target in known.bases or f"collections.abc.{target}" in known.bases
    bases = _BASES.get(source, frozenset())
    return target in bases or target.removeprefix("collections.abc.") in bases


def _arguments_fit(source: Type, target: Type, classes: Classes) -> bool:
    given, asked = source.args, target.args
    if not given or not asked or source.name == "str":
        return True
    if source.name == "tuple":
        return _tuple_fits(given, asked, target, classes)
    if len(given) != len(asked):
        return True
    return all(fits(one, other, classes) for one, other in zip(given, asked, strict=True))


def _tuple_fits(
    given: tuple[Type, ...], asked: tuple[Type, ...], target: Type, classes: Classes
) -> bool:
    open_end = Type("...")
    items = tuple(one for one in given if one != open_end)
    if target.name != "tuple" or asked[-1] == open_end:
        return all(fits(one, asked[0], classes) for one in items)
    if given[-1] == open_end:
        return all(fits(items[0], other, classes) for other in asked)
    return len(items) == len(asked) and all(
        fits(one, other, classes) for one, other in zip(items, asked, strict=True)
    )
