"""A scope as rows of spots: items, arrows passing by, and labels of arrows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import Final

from penstock_records.picture.layers import ranks
from penstock_records.picture.scopes import Lane
from penstock_records.picture.shapes import Item, Style

_LINE: Final = 1.0
# An arrow over many rows takes a spot in each. Beyond this many spots (and three per item)
# the longest arrows run beside the rows instead, so that work stays linear.
_SPOTS: Final = 800
_SHORT: Final = 4


@dataclass(slots=True)
class Chain:
    """A lane's spots from row to row. Rows missing between two spots are passed outside."""

    lane: Lane
    spots: list[int] = field(default_factory=list[int])
    rows: list[int] = field(default_factory=list[int])

    def add(self, spot: int, row: int) -> None:
        self.spots.append(spot)
        self.rows.append(row)


@dataclass(frozen=True, slots=True)
class Link:
    """Two spots of a chain in neighbouring rows; `index` is the first one's place in it."""

    chain: int
    index: int
    source: int
    target: int


@dataclass(slots=True)
class Grid:
    """Rows of spots. `longs` is each row's size along the flow."""

    names: Sequence[int]
    items: Mapping[int, Item]
    texts: Mapping[int, tuple[float, float]]
    entering: bool
    leaving: bool
    rows: list[list[int]] = field(default_factory=list[list[int]])
    longs: list[float] = field(default_factory=list[float])
    wide: list[float] = field(default_factory=list[float])
    slim: list[bool] = field(default_factory=list[bool])
    seat: dict[int, int] = field(default_factory=dict[int, int])
    size: dict[int, tuple[float, float]] = field(default_factory=dict[int, tuple[float, float]])
    labels: dict[int, int] = field(default_factory=dict[int, int])
    label_rows: set[int] = field(default_factory=set[int])
    chains: list[Chain] = field(default_factory=list[Chain])

    def spot(self, row: int, wide: float, long: float, *, slim: bool) -> int:
        """Add a spot at the end of a row."""
        self.wide.append(wide)
        self.slim.append(slim)
        self.longs[row] = max(self.longs[row], long)
        self.rows[row].append(len(self.wide) - 1)
        return len(self.wide) - 1

    def row(self) -> int:
        """Add a row at the end."""
        self.rows.append([])
        self.longs.append(0.0)
        return len(self.rows) - 1

    def links(self) -> list[Link]:
        """Every pair of neighbouring spots that a chain joins."""
        return [
            Link(number, at, chain.spots[at], chain.spots[at + 1])
            for number, chain in enumerate(self.chains)
            for at in range(len(chain.spots) - 1)
            if chain.rows[at + 1] == chain.rows[at] + 1
        ]


def grid_of(
    names: Sequence[int],
    items: Mapping[int, Item],
    lanes: Sequence[Lane],
    texts: Mapping[int, tuple[float, float]],
    style: Style,
) -> Grid:
    """The rows of a scope: entry ports; labels and items in turn; exit ports."""
    grid = Grid(
        names,
        items,
        texts,
        entering=any(lane.source is None for lane in lanes),
        leaving=any(lane.target is None for lane in lanes),
    )
    rank = _ranks(names, lanes, style)
    if grid.entering:
        grid.row()
    labelled = {
        rank[lane.target]
        for lane in lanes
        if lane.source is not None and lane.target is not None and lane.arrow in texts
    }
    row_of: dict[int, int] = {}
    for layer in range(max(rank.values(), default=-1) + 1):
        if layer in labelled:
            grid.label_rows.add(grid.row())
        row_of[layer] = grid.row()
    if grid.leaving:
        grid.row()
    rows = {name: row_of[rank[name]] for name in names}
    _seat(grid, rows)
    _route(grid, lanes, rows)
    return grid


def _ranks(names: Sequence[int], lanes: Sequence[Lane], style: Style) -> dict[int, int]:
    place = {name: at for at, name in enumerate(names)}
    edges: list[tuple[int, int]] = []
    held = [False] * len(names)
    tied = [False] * len(names)
    for lane in lanes:
        ends = [place[end] for end in (lane.source, lane.target) if end is not None]
        for end in ends:
            tied[end] = True
        if len(ends) == 2:
            edges.append((ends[0], ends[1]))
        elif lane.source is None:
            held[ends[0]] = True
    rank = ranks(len(names), edges, held)
    free = [at for at, bound in enumerate(tied) if not bound]
    if len(free) > 3:
        per_layer = max(1, ceil(sqrt(len(free) * style.per_layer)))
        for number, at in enumerate(free):
            rank[at] = number // per_layer
    return {name: rank[at] for name, at in place.items()}


def _seat(grid: Grid, rows: Mapping[int, int]) -> None:
    """Give every item its spot; the cards of a layer get one size along the flow."""
    most: dict[int, float] = {}
    for name in grid.names:
        if grid.items[name].stretch:
            most[rows[name]] = max(most.get(rows[name], 0.0), grid.items[name].flow)
    for name in grid.names:
        item, row = grid.items[name], rows[name]
        long = most[row] if item.stretch else item.flow
        grid.seat[name] = grid.spot(row, item.cross, long, slim=False)
        grid.size[name] = (item.cross, long)


def _route(grid: Grid, lanes: Sequence[Lane], rows: Mapping[int, int]) -> None:
    """Give every lane its chain of spots, the short lanes first."""
    last = len(grid.rows) - 1

    def ends(lane: Lane) -> tuple[int, int]:
        start = 0 if lane.source is None else rows[lane.source]
        return start, last if lane.target is None else rows[lane.target]

    def length(lane: Lane) -> int:
        start, end = ends(lane)
        return end - start

    budget = 3 * len(grid.names) + _SPOTS
    for lane in sorted(lanes, key=length):
        start, end = ends(lane)
        chain = Chain(lane)
        text = grid.texts.get(lane.arrow)
        named = text is not None and lane.source is not None and lane.target is not None
        every = end - start <= _SHORT or end - start <= budget
        if every and end - start > _SHORT:
            budget -= end - start
        for row in range(start, end + 1):
            if row == start and lane.source is not None:
                chain.add(grid.seat[lane.source], row)
            elif row == end and lane.target is not None:
                chain.add(grid.seat[lane.target], row)
            elif text is not None and named and row == end - 1:
                grid.labels[lane.arrow] = grid.spot(row, *text, slim=True)
                chain.add(grid.labels[lane.arrow], row)
            elif every or row in (start, end):
                chain.add(grid.spot(row, _LINE, 0.0, slim=True), row)
        grid.chains.append(chain)
