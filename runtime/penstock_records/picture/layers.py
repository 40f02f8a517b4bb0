"""Which layer each item of a scope stands in, and in which order."""

from bisect import bisect_left, insort
from collections.abc import Sequence
from typing import Final

_SWEEPS: Final = 8
_SMALL: Final = 240
_TINY: Final = 80


def ranks(count: int, edges: Sequence[tuple[int, int]], held: Sequence[bool]) -> list[int]:
    """Longest-path layers of items 0..count-1, which are in topological order.

    An item with more edges out than in moves down to its readers, so that a parameter
    stands beside the step before its reader. `held` items stay.
    """
    out: list[list[int]] = [[] for _ in range(count)]
    incoming = [0] * count
    rank = [0] * count
    for source, target in edges:
        out[source].append(target)
        incoming[target] += 1
    for source in range(count):
        for target in out[source]:
            rank[target] = max(rank[target], rank[source] + 1)
    for item in reversed(range(count)):
        if out[item] and not held[item] and incoming[item] < len(out[item]):
            rank[item] = min(rank[target] for target in out[item]) - 1
    return rank


class Order:
    """Spots in rows, and links between spots of neighbouring rows.

    `leans` shift a link's ends within their spots, from -0.5 to 0.5 of the spot's width.
    Rows in `fixed` keep their order. `ways` are the spots of each long arrow, which may move
    to the other side of everything together.
    """

    def __init__(
        self,
        rows: list[list[int]],
        links: Sequence[tuple[int, int]],
        leans: Sequence[tuple[float, float]],
        fixed: Sequence[int],
        ways: Sequence[Sequence[int]],
    ) -> None:
        self.fixed = frozenset(fixed)
        self.ways = ways
        self.rows = rows
        self.row_of = {spot: at for at, row in enumerate(rows) for spot in row}
        self.above: dict[int, list[tuple[int, float]]] = {spot: [] for spot in self.row_of}
        self.below: dict[int, list[tuple[int, float]]] = {spot: [] for spot in self.row_of}
        self.gaps: list[list[tuple[int, int, float, float]]] = [[] for _ in rows]
        for (source, target), (out, into) in zip(links, leans, strict=True):
            self.above[target].append((source, out))
            self.below[source].append((target, into))
            self.gaps[self.row_of[source]].append((source, target, out, into))

    def sweep(self) -> list[list[int]]:
        """The rows with few crossings: barycentre sweeps, down and up, the best kept.

        A small graph gets several starts, since an arrow that begins on the wrong side of a
        step seldom finds its way around it.
        """
        first = self.rows
        starts = [first]
        if len(self.row_of) <= _SMALL:
            lanes_first = [row[::-1] for row in first]
            starts += [lanes_first, _shuffled(first), _shuffled(lanes_first)]
        best, fewest = first, -1
        for start in starts:
            self.rows = [
                list(first[at] if at in self.fixed else row) for at, row in enumerate(start)
            ]
            rows, count = self._improve()
            if count and len(self.row_of) <= _TINY:
                rows, count = self._detour(rows, count)
            if fewest < 0 or count < fewest:
                best, fewest = rows, count
            if not fewest:
                break
        if fewest and _TINY < len(self.row_of) <= _SMALL:
            best, _ = self._detour(best, fewest)
        return best

    def _improve(self) -> tuple[list[list[int]], int]:
        best, fewest = [list(row) for row in self.rows], self.crossings()
        for turn in range(_SWEEPS):
            if not fewest:
                break
            down = turn % 2 == 0
            numbers = range(1, len(self.rows)) if down else range(len(self.rows) - 2, -1, -1)
            for at in numbers:
                self._sort(at, self.above if down else self.below, turn >= _SWEEPS // 2)
            count = self.crossings()
            if count < fewest:
                best, fewest = [list(row) for row in self.rows], count
        return best, fewest

    def _detour(self, rows: list[list[int]], fewest: int) -> tuple[list[list[int]], int]:
        """Take single arrows around one side of everything where that saves crossings."""
        for way in self.ways:
            for side in (0, 1):
                self.rows = [list(row) for row in rows]
                for spot in way:
                    row = self.rows[self.row_of[spot]]
                    row.remove(spot)
                    row.insert(len(row) * side, spot)
                count = self.crossings()
                if count < fewest:
                    rows, fewest = self.rows, count
        self.rows = [list(row) for row in rows]
        return self._improve()

    def _sort(self, at: int, seen: dict[int, list[tuple[int, float]]], late: bool) -> None:
        if at in self.fixed:
            return
        row = self.rows[at]
        place = self.places(at - 1 if seen is self.above else at + 1)
        scale = max(1, len(place)) / max(1, len(row))
        keys: dict[int, tuple[float, int]] = {}
        for index, spot in enumerate(row):
            ends = [place[other] + lean for other, lean in seen[spot]]
            # Later sweeps turn ties around: a tie that always keeps its order can be a trap.
            keys[spot] = (
                round(sum(ends) / len(ends), 6) if ends else index * scale,
                -index if late else index,
            )
        row.sort(key=keys.__getitem__)

    def places(self, at: int) -> dict[int, int]:
        """The index of each spot in a row."""
        return {spot: index for index, spot in enumerate(self.rows[at])}

    def crossings(self) -> int:
        """How many pairs of links cross."""
        total = 0
        for at, gap in enumerate(self.gaps):
            if len(gap) < 2:
                continue
            upper, lower = self.places(at), self.places(at + 1)
            ends = sorted(
                (upper[source] + out, lower[target] + into) for source, target, out, into in gap
            )
            seen: list[float] = []
            for _, end in ends:
                total += len(seen) - bisect_left(seen, end + 1e-9)
                insort(seen, end)
        return total


def _shuffled(rows: list[list[int]]) -> list[list[int]]:
    """Every second spot of each row first: another start, the same each time."""
    return [row[1::2] + row[::2] for row in rows]
