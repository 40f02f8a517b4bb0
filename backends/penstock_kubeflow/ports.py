"""What goes between tasks: where it comes from, and as what it travels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from penstock.ir.values import Path

Kind = Literal["parameter", "artifact"]


@dataclass(frozen=True, slots=True)
class Made:
    """An output of a step, or a part of one that the step gives as well."""

    step: str
    key: str


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of the pipeline."""

    name: str


@dataclass(frozen=True, slots=True)
class Item:
    """The item that a loop is at."""

    loop: str


@dataclass(frozen=True, slots=True)
class Collected:
    """The list of what a source was in each round of a loop."""

    loop: str
    source: Source


@dataclass(frozen=True, slots=True)
class Chosen:
    """Whichever of the sources was made; each in another arm of the level `chain`."""

    chain: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a parameter, of an item or of a collected list, picked out on the way in."""

    source: Source
    path: Path


Source = Made | Param | Item | Collected | Chosen | Part


@dataclass(frozen=True, slots=True)
class Port:
    """What goes through: a parameter with its parameter type, or an artifact with its schema.

    `path` is set for a projection: the output and the keys that lead to the part. `many` says
    that it is a list of artifacts, `optional` that it may be missing.
    """

    kind: Kind
    type: str | None
    path: tuple[str | int, ...] = ()
    many: bool = False
    optional: bool = False
