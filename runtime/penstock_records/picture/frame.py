"""Lays out one scope: its items in layers, its arrows in lanes between them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from penstock_records.picture.grid import Chain, Grid, grid_of
from penstock_records.picture.placing import Pull, place, straighten
from penstock_records.picture.ports import order_rows, ports, spine
from penstock_records.picture.scopes import Lane
from penstock_records.picture.shapes import Area, Frame, Hints, Item, Piece, Style

_TRACK: Final = 7.0
_STRAIGHT: Final = 8.0
_MINOR: Final = 0.15
_SLOPE: Final = 0.09
_MOST_SLOPE: Final = 60.0


def frame_of(
    names: Sequence[int],
    items: Mapping[int, Item],
    lanes: Sequence[Lane],
    texts: Mapping[int, tuple[float, float]],
    style: Style,
    *,
    boxed: bool,
    least: tuple[float, float],
    hints: Hints,
) -> Frame:
    """Lay out the named items and the lanes of one scope.

    `names` are in topological order, `texts` are the sizes of the arrows' labels, `least` is
    the least size of the frame (all along cross and flow). A `boxed` frame has padding.
    """
    grid = grid_of(names, items, lanes, texts, style)
    crossings = order_rows(grid, hints)
    straight = spine(grid)
    offsets = ports(grid, straight)
    at = _crosses(grid, offsets, straight, style)
    tracks = _tracks(grid, at)

    spots = range(len(grid.wide))
    low = min((at[spot] - grid.wide[spot] / 2 for spot in spots), default=0.0)
    high = max((at[spot] + grid.wide[spot] / 2 for spot in spots), default=0.0)
    high = max([high, *tracks.values()])
    near, far = (style.near, style.far) if boxed else (0.0, 0.0)
    wide = near + high - low + far
    shift = near - low + max(0.0, least[0] - wide) / 2
    at = [cross + shift for cross in at]
    tracks = {spot: cross + shift for spot, cross in tracks.items()}

    starts, long = _flows(grid, offsets, at, style, boxed=boxed, least=least[1])
    frame = Frame(max(wide, least[0]), long)
    _fill(frame, grid, offsets, at, tracks, starts)
    frame.crossings = crossings
    frame.main = frozenset(grid.chains[number].lane.arrow for number in straight)
    return frame


def _crosses(
    grid: Grid, offsets: Sequence[tuple[float, float]], straight: set[int], style: Style
) -> list[float]:
    """The centre of every spot along the cross axis."""
    apart: list[list[float]] = []
    for row in grid.rows:
        steps = [0.0]
        for left, right in pairwise(row):
            free = (style.between, style.beside, style.lanes)[grid.slim[left] + grid.slim[right]]
            steps.append((grid.wide[left] + grid.wide[right]) / 2 + free)
        apart.append(steps)
    pulls: list[Pull] = []
    for link in grid.links():
        chain = grid.chains[link.chain]
        out = offsets[link.chain][0] if link.index == 0 else 0.0
        into = offsets[link.chain][1] if link.index == len(chain.spots) - 2 else 0.0
        weight = (1.0, 2.0, 6.0)[grid.slim[link.source] + grid.slim[link.target]]
        if link.chain in straight:
            weight *= _STRAIGHT
        source = chain.lane.source
        shy = source is not None and grid.items[source].minor
        pulls.append(Pull(link.source, link.target, out, into, weight, _MINOR if shy else 1.0))
    # Items without arrows stand in columns.
    tied = {spot for chain in grid.chains for spot in chain.spots}
    for row, below in pairwise(grid.rows):
        for one, two in zip(row, below, strict=False):
            if one not in tied and two not in tied:
                pulls.append(Pull(one, two, 0.0, 0.0, 1.0))
    at = place(grid.rows, apart, pulls, _lines(grid, offsets, straight))
    outs = Counter(chain.lane.source for chain in grid.chains)
    ins = Counter(chain.lane.target for chain in grid.chains)
    whole = [
        (chain, offset)
        for chain, offset in zip(grid.chains, offsets, strict=True)
        if len(chain.spots) > chain.rows[-1] - chain.rows[0]
    ]
    # A chain in the way may itself move later: the way back gives the first ones their chance.
    for turn in (whole, whole[::-1], whole):
        straighten(
            grid.rows,
            apart,
            at,
            [
                (
                    at[chain.spots[0]] + out,
                    [spot for spot in chain.spots if grid.slim[spot]],
                    at[chain.spots[-1]] + into,
                    outs[chain.lane.source] < ins[chain.lane.target],
                )
                for chain, (out, into) in turn
            ],
        )
    return at


def _lines(
    grid: Grid, offsets: Sequence[tuple[float, float]], straight: set[int]
) -> list[list[tuple[int, float]]]:
    """The spots of each straight way through the scope, with their offsets from its line."""
    after = {grid.chains[number].lane.source: number for number in straight}
    begun = {grid.chains[number].lane.target for number in straight}
    out: list[list[tuple[int, float]]] = []
    for first in sorted(straight):
        source = grid.chains[first].lane.source
        if source is not None and source in begun:
            continue
        line: list[tuple[int, float]] = []
        base = 0.0
        on: int | None = first
        while on is not None:
            chain, (leaves, enters) = grid.chains[on], offsets[on]
            base += leaves
            if not line and source is not None:
                line.append((chain.spots[0], base - leaves))
            line += [(spot, base) for spot in chain.spots if grid.slim[spot]]
            base -= enters
            target = chain.lane.target
            if target is not None:
                line.append((chain.spots[-1], base))
            on = after.get(target) if target is not None else None
        out.append(line)
    return out


def _tracks(grid: Grid, at: Sequence[float]) -> dict[int, float]:
    """Where arrows with missing rows pass, beside everything else: one track per source."""
    high = max((x + wide / 2 for x, wide in zip(at, grid.wide, strict=True)), default=0.0)
    out: dict[int, float] = {}
    for chain in grid.chains:
        if any(below - above > 1 for above, below in pairwise(chain.rows)):
            out.setdefault(chain.spots[0], high + 16 + _TRACK * len(out))
    return out


def _flows(
    grid: Grid,
    offsets: Sequence[tuple[float, float]],
    at: Sequence[float],
    style: Style,
    *,
    boxed: bool,
    least: float,
) -> tuple[list[float], float]:
    """Where each row starts along the flow, and the length of all. Wide turns get more room."""
    drift = [0.0] * len(grid.rows)
    for link in grid.links():
        chain = grid.chains[link.chain]
        out = offsets[link.chain][0] if link.index == 0 else 0.0
        into = offsets[link.chain][1] if link.index == len(chain.spots) - 2 else 0.0
        row = chain.rows[link.index]
        drift[row] = max(drift[row], abs(at[link.source] + out - at[link.target] - into))
    head, foot = (style.head, style.foot) if boxed else (0.0, 0.0)
    last = len(grid.rows) - 1
    starts: list[float] = []
    flow = 0.0 if grid.entering else head
    for row, long in enumerate(grid.longs):
        if row:
            gap = style.gap
            if grid.entering and row == 1:
                gap = max(head, style.label_gap)
            elif grid.leaving and row == last:
                gap = max(foot, style.label_gap)
            elif row in grid.label_rows or row - 1 in grid.label_rows:
                gap = style.label_gap
            flow += gap + min(_MOST_SLOPE, drift[row - 1] * _SLOPE)
        starts.append(flow)
        flow += long
    flow += 0.0 if grid.leaving else foot
    spare = max(0.0, least - flow)
    for row in range(len(starts)):
        if grid.leaving and row == last:
            starts[row] += spare
        elif not (grid.entering and row == 0):
            starts[row] += spare / 2
    return starts, flow + spare


def _fill(
    frame: Frame,
    grid: Grid,
    offsets: Sequence[tuple[float, float]],
    at: Sequence[float],
    tracks: Mapping[int, float],
    starts: Sequence[float],
) -> None:
    """Put every item, label and lane into the frame."""
    ends = [start + long for start, long in zip(starts, grid.longs, strict=True)]
    row_of = {spot: row for row, members in enumerate(grid.rows) for spot in members}
    for name, spot in grid.seat.items():
        wide, long = grid.size[name]
        row = row_of[spot]
        free = grid.longs[row] - long
        start = starts[row] + (free if grid.items[name].minor else free / 2)
        frame.areas[name] = Area(at[spot] - wide / 2, start, wide, long)
    for arrow, spot in grid.labels.items():
        wide, long = grid.texts[arrow]
        row = row_of[spot]
        start = starts[row] + (grid.longs[row] - long) / 2
        frame.labels[arrow] = Area(at[spot] - wide / 2, start, wide, long)
    for chain, offset in zip(grid.chains, offsets, strict=True):
        pieces = _pieces(chain, offset, at, starts, ends, tracks, frame.areas)
        frame.pieces[chain.lane.arrow] = pieces
        if chain.lane.source is None:
            frame.entry[chain.lane.arrow] = pieces[0].cross
        if chain.lane.target is None:
            frame.exit[chain.lane.arrow] = pieces[-1].cross


def _pieces(
    chain: Chain,
    offset: tuple[float, float],
    at: Sequence[float],
    starts: Sequence[float],
    ends: Sequence[float],
    tracks: Mapping[int, float],
    areas: Mapping[int, Area],
) -> list[Piece]:
    out: list[Piece] = []
    source, target = chain.lane.source, chain.lane.target
    for index, (spot, row) in enumerate(zip(chain.spots, chain.rows, strict=True)):
        cross, start, end = at[spot], starts[row], ends[row]
        if index and row - chain.rows[index - 1] > 1:
            out.append(
                Piece(tracks[chain.spots[0]], starts[chain.rows[index - 1] + 1], ends[row - 1])
            )
        if index == 0 and source is not None:
            cross += offset[0]
            start = areas[source].flow + areas[source].long
        elif index == len(chain.spots) - 1 and target is not None:
            cross += offset[1]
            end = areas[target].flow
        out.append(Piece(cross, start, end))
    return out
