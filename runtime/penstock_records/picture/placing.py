"""Where the spots of each row stand along it: straight lines first, spots never touching."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_ROUNDS: Final = 16
_BIG: Final = 2500  # from so many spots on, half the rounds must do
_PIN: Final = 1e4


@dataclass(frozen=True, slots=True)
class Pull:
    """One link: spots, where it leaves and enters them from their centres, and its weight.

    The source follows with the whole weight, the target only with `weight * shy`.
    """

    source: int
    target: int
    out: float
    into: float
    weight: float
    shy: float = 1.0


def place(
    rows: Sequence[Sequence[int]],
    apart: Sequence[Sequence[float]],
    pulls: Sequence[Pull],
    lines: Sequence[Sequence[tuple[int, float]]],
) -> list[float]:
    """The centre of each spot. `apart[r][i]` is the least distance of spots i-1 and i of row r.

    Each round moves every row to the least-squares positions for its neighbours. In the later
    rounds the spots of each of the `lines` keep to one straight line, at their offsets from it.
    """
    count = sum(len(row) for row in rows)
    above: list[list[tuple[int, float, float]]] = [[] for _ in range(count)]
    below: list[list[tuple[int, float, float]]] = [[] for _ in range(count)]
    for pull in pulls:
        above[pull.target].append((pull.source, pull.out - pull.into, pull.weight * pull.shy))
        below[pull.source].append((pull.target, pull.into - pull.out, pull.weight))
    at = [0.0] * count
    for row, steps in zip(rows, apart, strict=True):
        x = 0.0
        for spot, step in zip(row, steps, strict=True):
            x += step
            at[spot] = x
        for spot in row:
            at[spot] -= x / 2

    pinned: dict[int, float] = {}

    def settle(number: int, sides: Sequence[list[list[tuple[int, float, float]]]]) -> None:
        row = rows[number]
        wish: list[float] = []
        mass: list[float] = []
        for spot in row:
            total, weight = at[spot] * 0.01, 0.01
            for side in sides:
                for other, shift, pull in side[spot]:
                    total += (at[other] + shift) * pull
                    weight += pull
            pin = pinned.get(spot)
            wish.append(total / weight if pin is None else pin)
            mass.append(weight if pin is None else _PIN)
        for spot, x in zip(row, _spread(wish, mass, apart[number]), strict=True):
            at[spot] = x

    rounds = _ROUNDS if count < _BIG else _ROUNDS // 2
    for turn in range(rounds):
        both = turn >= 4
        if turn >= rounds // 2 and turn % 2 == 0:
            for line in lines:
                mean = sum(at[spot] - offset for spot, offset in line) / len(line)
                pinned.update({spot: mean + offset for spot, offset in line})
        if turn % 2 == 0:
            for number in range(len(rows)):
                settle(number, (above, below) if both else (above,))
        else:
            for number in range(len(rows) - 1, -1, -1):
                settle(number, (above, below) if both else (below,))
    return at


def _spread(wish: Sequence[float], mass: Sequence[float], apart: Sequence[float]) -> list[float]:
    """Positions nearest to the wishes (least squares) that keep order and distance.

    Pool adjacent violators, after taking the least distances out of the wishes.
    """
    blocks: list[tuple[float, float, int]] = []
    offset = 0.0
    offsets: list[float] = []
    for index, (x, weight) in enumerate(zip(wish, mass, strict=True)):
        offset += apart[index] if index else 0.0
        offsets.append(offset)
        mean, total, size = x - offset, weight, 1
        while blocks and blocks[-1][0] > mean:
            other, heavy, many = blocks.pop()
            mean = (mean * total + other * heavy) / (total + heavy)
            total += heavy
            size += many
        blocks.append((mean, total, size))
    out: list[float] = []
    for mean, _, size in blocks:
        out += [mean] * size
    return [x + shift for x, shift in zip(out, offsets, strict=True)]


def straighten(
    rows: Sequence[Sequence[int]],
    apart: Sequence[Sequence[float]],
    at: list[float],
    chains: Sequence[tuple[float, Sequence[int], float, bool]],
) -> None:
    """Line up the spots of each long arrow where there is room. Changes `at`.

    A chain is where the arrow starts, its spots from row to row, where it ends, and whether
    to line up with the start first.
    """
    seat = {spot: (r, i) for r, row in enumerate(rows) for i, spot in enumerate(row)}

    def room(spot: int) -> tuple[float, float]:
        r, i = seat[spot]
        row, steps = rows[r], apart[r]
        low = at[row[i - 1]] + steps[i] if i else float("-inf")
        high = at[row[i + 1]] - steps[i + 1] if i + 1 < len(row) else float("inf")
        return low, high

    for start, spots, end, back in chains:
        done = 0
        while done < len(spots):
            low, high = room(spots[done])
            size = 1
            while done + size < len(spots):
                left, right = room(spots[done + size])
                if max(low, left) > min(high, right):
                    break
                low, high = max(low, left), min(high, right)
                size += 1
            run = spots[done : done + size]
            wishes = [at[spot] for spot in run]
            wish = sorted(wishes)[len(wishes) // 2]
            fit: list[float] = []
            if not done and low <= start <= high:
                fit.append(start)
            if done + size == len(spots) and low <= end <= high:
                fit.append(end)
            if fit:
                wish = fit[0 if back else -1]
            for spot in run:
                at[spot] = min(max(wish, low), high)
            done += size
