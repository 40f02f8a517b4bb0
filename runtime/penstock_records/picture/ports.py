"""Where on a side of its item each arrow starts and ends."""

from collections.abc import Mapping
from typing import Final

from penstock_records.picture.grid import Chain, Grid
from penstock_records.picture.layers import Order
from penstock_records.picture.shapes import Hints

# How long the way through an arrow is, whether it runs straight inside the box at this end, how
# near its port is to the middle, and its number.
_Claim = tuple[int, bool, float, int, int]
_STEP: Final = 20.0
_EDGE: Final = 16.0
_MOST: Final = 4  # with more arrows on a side, an arrow in the middle gains nothing


def order_rows(grid: Grid, hints: Hints) -> int:
    """Order the spots of each row for few crossings; a box's arrows count where its ports are.

    Returns how many crossings are left inside the scope.
    """
    pairs: list[tuple[int, int]] = []
    leans: list[tuple[float, float]] = []
    for link in grid.links():
        chain = grid.chains[link.chain]
        out = into = 0.0
        if link.index == 0 and not hints.loose:
            out = _lean(grid, chain, chain.lane.source, leaving=True)
        if link.index == len(chain.spots) - 2 and not hints.loose:
            into = _lean(grid, chain, chain.lane.target, leaving=False)
        pairs.append((link.source, link.target))
        leans.append((out, into))
    rows = grid.rows
    before = _outside(grid, hints.entry, 0) if grid.entering else []
    after = _outside(grid, hints.exit, -1) if grid.leaving else []
    count = len(grid.wide)
    if before:
        above = list(range(count, count + len(before)))
        rows = [above, *rows]
        pairs += zip(above, before, strict=True)
    if after:
        below = list(range(count + len(before), count + len(before) + len(after)))
        rows = [*rows, below]
        pairs += zip(after, below, strict=True)
    inside = len(leans)
    leans += [(0.0, 0.0)] * (len(pairs) - inside)
    fixed = ([0] if before else []) + ([len(rows) - 1] if after else [])
    ways = [[spot for spot in chain.spots if grid.slim[spot]] for chain in grid.chains]
    rows = Order(rows, pairs, leans, fixed, [way for way in ways if way]).sweep()
    grid.rows = rows[bool(before) : len(rows) - bool(after)]
    return Order(grid.rows, pairs[:inside], leans[:inside], [], []).crossings()


def _outside(grid: Grid, hint: Mapping[int, float], end: int) -> list[int]:
    """The ports at one end of the scope, in the order in which arrows outside reach them."""
    ports = [
        (hint[chain.lane.arrow], chain.spots[end])
        for chain in grid.chains
        if (chain.lane.target if end else chain.lane.source) is None and chain.lane.arrow in hint
    ]
    return [spot for _, spot in sorted(ports)]


def _lean(grid: Grid, chain: Chain, name: int | None, *, leaving: bool) -> float:
    if name is None:
        return 0.0
    item = grid.items[name]
    ports = item.exit if leaving else item.entry
    if chain.lane.arrow not in ports:
        return 0.0
    return ports[chain.lane.arrow] / item.cross - 0.5


def spine(grid: Grid) -> set[int]:
    """The chains that should run straight: each item's way on along the longest path."""
    ahead = dict.fromkeys(grid.names, 0)
    behind = dict.fromkeys(grid.names, 0)
    place = {name: at for at, name in enumerate(grid.names)}
    inside = [
        (place[lane.source], lane.source, lane.target)
        for lane in (chain.lane for chain in grid.chains)
        if lane.source is not None and lane.target is not None and not grid.items[lane.source].minor
    ]
    inside.sort()
    for _, start, end in inside:
        behind[end] = max(behind[end], behind[start] + 1)
    for _, start, end in reversed(inside):
        ahead[start] = max(ahead[start], ahead[end] + 1)

    on: dict[int, list[_Claim]] = {}
    back: dict[int, list[_Claim]] = {}
    for number, chain in enumerate(grid.chains):
        source, target = chain.lane.source, chain.lane.target
        if source is not None and grid.items[source].minor:
            continue
        if source is not None:
            length = ahead[target] + 1 if target is not None else 0
            on.setdefault(source, []).append(_claim(grid, number, length, source, leaving=True))
        if target is not None:
            length = behind[source] + 1 if source is not None else 0
            back.setdefault(target, []).append(_claim(grid, number, length, target, leaving=False))
    leads = {_best(grid, claims, leaving=True) for claims in on.values()}
    follows = {_best(grid, claims, leaving=False) for claims in back.values()}
    return {
        number
        for number, chain in enumerate(grid.chains)
        if (chain.lane.source is None or number in leads)
        and (chain.lane.target is None or number in follows)
    }


def _best(grid: Grid, claims: list[_Claim], *, leaving: bool) -> int:
    """The chain with the best claim; none (-1) at an even fork, which looks best in balance."""
    best = max(claims)
    lanes = [grid.chains[claim[-1]].lane for claim in claims if claim[0] == best[0]]
    ends = {lane.target if leaving else lane.source for lane in lanes}
    return best[-1] if len(ends) == 1 else -1


def _claim(grid: Grid, number: int, length: int, name: int, *, leaving: bool) -> _Claim:
    chain = grid.chains[number]
    arrow = chain.lane.arrow
    off = abs(_lean(grid, chain, name, leaving=leaving))
    return length, arrow in grid.items[name].main, -round(off, 6), -arrow, number


def ports(grid: Grid, straight: set[int]) -> list[tuple[float, float]]:
    """Where each chain leaves its first spot and enters its last, from their centres."""
    index = {spot: at for row in grid.rows for at, spot in enumerate(row)}
    out: dict[int, list[tuple[float, int]]] = {}
    into: dict[int, list[tuple[float, int]]] = {}
    offsets = [[0.0, 0.0] for _ in grid.chains]
    for number, chain in enumerate(grid.chains):
        arrow, source, target = chain.lane.arrow, chain.lane.source, chain.lane.target
        if source is not None:
            item = grid.items[source]
            if arrow in item.exit:
                offsets[number][0] = item.exit[arrow] - item.cross / 2
            else:
                out.setdefault(source, []).append((_toward(grid, chain, index, 1), number))
        if target is not None:
            item = grid.items[target]
            if arrow in item.entry:
                offsets[number][1] = item.entry[arrow] - item.cross / 2
            else:
                into.setdefault(target, []).append((_toward(grid, chain, index, -2), number))
    for side, table in ((0, out), (1, into)):
        for name, users in table.items():
            users.sort()
            middle = (len(users) - 1) / 2
            if len(users) <= _MOST:
                main = [at for at, (_, number) in enumerate(users) if number in straight]
                middle = float(main[0]) if main else middle
            reach = max(middle, len(users) - 1 - middle)
            step = min(_STEP, (grid.items[name].cross - _EDGE) / 2 / reach) if reach else 0.0
            for at, (_, number) in enumerate(users):
                offsets[number][side] = (at - middle) * step
    return [(out, into) for out, into in offsets]


def _toward(grid: Grid, chain: Chain, index: Mapping[int, int], at: int) -> float:
    """A sort key: where the next spot of the chain stands; after all others if passed outside."""
    here = 0 if at == 1 else -1
    if abs(chain.rows[at] - chain.rows[here]) > 1:
        return float("inf")
    key = float(index[chain.spots[at]])
    if len(chain.spots) == 2:
        other = chain.lane.target if at == 1 else chain.lane.source
        key += _lean(grid, chain, other, leaving=at != 1)
    return key
