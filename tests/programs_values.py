"""The kinds of value that generated programs pass around, and constants of them.

A kind is a Python annotation together with an expression that makes a value of it from a whole
number `n`, so that any step with any signature has a real, cheap and deterministic body.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import strategies as st

from penstock.features import Feature

PRELUDE = '''
KEY = {key!r}


class Level(Enum):
    LOW = "low"
    HIGH = {level!r}


Mode = Literal["fast", "slow"]


@dataclass(frozen=True)
class Point:
    x: int
    label: str


@dataclass(frozen=True)
class Model:
    weight: float


def plain(value: object) -> object:
    """The value as JSON has it; an int and the float that equals it are the same number."""
    match value:
        case bool() | str() | None:
            return value
        case int() | float():
            return float(value)
        case Enum():
            return plain(value.value)
        case bytes():
            return value.hex()
        case list() | tuple():
            return [plain(one) for one in value]
        case Mapping():
            return {{str(key): plain(one) for key, one in value.items()}}
        case _:
            return plain(vars(value))


def number(*values: object) -> int:
    """A whole number below 1000 that depends on every value."""
    return zlib.crc32(json.dumps([plain(one) for one in values], sort_keys=True).encode()) % 1000


def unlucky(n: int, which: int) -> None:
    """Fails for one number in {unlucky}."""
    if n % {unlucky} == which:
        raise RuntimeError(f"{{n}} is unlucky")
'''
"""What every generated module begins with; `key` and `level` are hostile text."""

UNLUCKY = 4
"""In failing programs a step fails for one in so many of the numbers that it may come to."""


@dataclass(frozen=True)
class Kind:
    """A type of value: its annotation, and an expression that makes one from `n`."""

    annotation: str
    make: str
    parameter: bool = True
    item: Kind | None = None
    least: int = 1
    """How many items a list of this kind has at least."""

    @property
    def tells_itself(self) -> bool:
        """Whether it can be loaded where the annotation says nothing; a dataclass cannot."""
        return self.item.tells_itself if self.item else self not in (POINT, MODEL)

    def list_of(self) -> Kind:
        """Lists of this kind: one to three items long, where a step makes one."""
        make = f"[{self.make} for n in range(n, n + 1 + n % 3)]"
        return Kind(f"list[{self.annotation}]", make, self.parameter, self)


INT = Kind("int", "n")
FLOAT = Kind("float", "n / 8")
STR = Kind("str", 'f"t{n}"')
BOOL = Kind("bool", "n % 2 == 0")
LEVEL = Kind("Level", "list(Level)[n % 2]")
MODE = Kind("Mode", '"fast" if n % 2 else "slow"')
INTS = INT.list_of()
WORDS = STR.list_of()
PERHAPS = Kind("list[int]", "[*range(n % 3)]", item=INT, least=0)
"""A list that may be empty, for loops to go over."""
TABLE = Kind("dict[str, float]", '{"alpha": n / 2, KEY: n / 4}')
POINT = Kind("Point", 'Point(x=n, label=f"p{n}")', parameter=False)
MODEL = Kind("Model", "Model(weight=n / 3)", parameter=False)
METRICS = Kind("Metrics", "Metrics(auc=(n % 100) / 100, loss=n / 7)", parameter=False)
BYTES = Kind("bytes", "str(n).encode()", parameter=False)
ANYTHING = Kind("object", "n", parameter=False)

SCALARS = (INT, FLOAT, STR, BOOL, LEVEL, MODE)
MADE = (*SCALARS, INTS, WORDS, TABLE, POINT, MODEL, METRICS, BYTES)
"""What a step may return."""
CONSTANTS = (*SCALARS, INTS, WORDS, TABLE)
"""What may be written in a pipeline, given as a parameter, and be a default."""
ORDERED = (INT, FLOAT, STR)
"""What `<` compares."""


@dataclass(frozen=True)
class Known:
    """A value that a pipeline's body can use: how it is written, and what is known of it."""

    text: str
    kind: Kind
    items: int = 0
    """How many items a list has at least."""
    keys: tuple[str, ...] = ()
    """What keys a dict has; only those of literals and parameters are known beforehand."""
    step: bool = False
    """Whether it is made while the pipeline runs, so that others can come after it."""
    loop: Feature | None = None
    """The sort of loop that goes over it, if any does."""


@dataclass(frozen=True)
class Constant:
    """A value together with the source text that stands for it."""

    text: str
    value: Any = field(hash=False)


HOSTILE = (
    "",
    " ",
    'it\'s "quoted" \'\'\'thrice\'\'\' """thrice"""',
    "two\nlines\n",
    "carriage\rreturn\r\n",
    "{{ ds }} {% raw %} {# gone #}",
    "{{$.inputs.parameters['x']}} {{workflow.name}}",
    "$(x) ${HOME} `id` $((1)) %s %(x)s {0} {x}",
    "emoji 🦔 e\u0301 \u202ereversed \u2028line \ufeffmark",
    "# -*- coding: utf-7 -*- +AHg-",
    "nul \x00 bell \x07 escape \x1b[31m",
    "yes",
    "null",
    "1e3",
    "- a: &x *x !!python/object",
    "<script>alert(1)</script> --> ]]> </svg>",
    "\\ \\n \\u0041 \\",
    "a" * 1024,
)
"""Text that some target, template, shell or reader of YAML may take for more than text."""


@cache
def texts() -> st.SearchStrategy[str]:
    """Any text of up to 1 kB, hostile text included."""
    return st.one_of(st.text("abc", max_size=3), st.sampled_from(HOSTILE), st.text(max_size=20))


@cache
def harmless_texts() -> st.SearchStrategy[str]:
    """Text without NUL, which no process can be given as an argument or a variable."""
    return texts().map(lambda text: text.replace("\x00", "0"))


@cache
def constants(kind: Kind) -> st.SearchStrategy[Constant]:
    """Constants of a kind, with the source text that makes them."""
    if kind == LEVEL:
        return st.sampled_from([Constant("Level.LOW", "low"), Constant("Level.HIGH", "high")])
    return _values(kind).map(lambda value: Constant(repr(value), value))


@cache
def _values(kind: Kind) -> st.SearchStrategy[Any]:
    if kind == INT:
        return st.one_of(st.integers(0, 9), st.integers(-(2**53), 2**53))
    if kind == FLOAT:
        return st.one_of(
            st.sampled_from([0.0, 0.5, 1.0, 1e-7, 1e22, -0.0]),
            st.floats(allow_nan=False, allow_infinity=False),
        )
    if kind == BOOL:
        return st.booleans()
    if kind == MODE:
        return st.sampled_from(["fast", "slow"])
    if kind == TABLE:
        return st.dictionaries(texts(), _values(FLOAT), min_size=1, max_size=3)
    if kind.item is not None:
        return st.lists(_values(kind.item), min_size=1, max_size=3)
    return texts()
