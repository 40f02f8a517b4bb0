"""What the layout of one scope takes and gives.

Everything is measured along two axes: `flow`, in which arrows run, and `cross`. Only the
finished picture turns them into x and y.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Style:
    """Distances in pixels for one direction of flow."""

    between: float  # neighbouring items of a layer
    beside: float  # an arrow and an item
    lanes: float  # two arrows
    gap: float  # two layers
    label_gap: float  # a layer and a row of labels
    near: float  # padding at the low cross side of a box
    far: float  # padding at its high cross side
    head: float  # padding at its start
    foot: float  # padding at its end
    per_layer: float  # items without arrows: layer size over layer count


@dataclass(frozen=True, slots=True)
class Item:
    """A node or a finished box. `entry` and `exit` fix a box's ports, from its low cross side."""

    cross: float
    flow: float
    stretch: bool = False  # grows along the flow to match its layer
    minor: bool = False  # a parameter: stands near its reader, never moves it
    entry: Mapping[int, float] = field(default_factory=dict[int, float])
    exit: Mapping[int, float] = field(default_factory=dict[int, float])
    main: frozenset[int] = frozenset()  # the arrows that run straight inside a box


@dataclass(frozen=True, slots=True)
class Piece:
    """A straight part of an arrow: at `cross`, from `start` to `end` along the flow."""

    cross: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle: its low corner, and its size along cross (`wide`) and flow (`long`)."""

    cross: float
    flow: float
    wide: float
    long: float


@dataclass(slots=True)
class Frame:
    """One scope laid out, measured from its own low corner."""

    wide: float
    long: float
    areas: dict[int, Area] = field(default_factory=dict[int, Area])
    pieces: dict[int, list[Piece]] = field(default_factory=dict[int, list[Piece]])
    labels: dict[int, Area] = field(default_factory=dict[int, Area])
    entry: dict[int, float] = field(default_factory=dict[int, float])
    exit: dict[int, float] = field(default_factory=dict[int, float])
    main: frozenset[int] = frozenset()
    crossings: int = 0


@dataclass(frozen=True, slots=True)
class Hints:
    """Where arrows reach a box from outside and leave it to, by arrow, if that is known.

    `loose` scopes order their rows as if the boxes in them had no fixed ports.
    """

    entry: Mapping[int, float] = field(default_factory=dict[int, float])
    exit: Mapping[int, float] = field(default_factory=dict[int, float])
    loose: bool = False
