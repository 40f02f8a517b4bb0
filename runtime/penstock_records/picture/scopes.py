"""The tree of scopes, and each arrow as every scope that it touches sees it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import pairwise

from penstock_records.picture.model import Picture


@dataclass(slots=True)
class Lane:
    """The part of an arrow inside one scope, from item to item.

    `source` is None where the arrow enters the scope, `target` is None where it leaves.
    """

    arrow: int
    source: int | None
    target: int | None


@dataclass(slots=True)
class Scope:
    """One box, or the whole picture: its items in topological order, and its lanes."""

    depth: int = 0
    items: list[int] = field(default_factory=list[int])
    lanes: list[Lane] = field(default_factory=list[Lane])


@dataclass(slots=True)
class Scopes:
    """Items are numbered: nodes first, then boxes, then the picture itself, `root`."""

    root: int
    nodes: int
    scopes: dict[int, Scope]
    inner_first: list[int]
    flipped: set[int]
    loops: list[int]


def scopes_of(picture: Picture) -> Scopes:
    """The scope tree of a picture. Arrows that close a cycle are listed in `flipped`."""
    count = len(picture.nodes)
    root = count + len(picture.boxes)
    node_at = {node.id: at for at, node in enumerate(picture.nodes)}
    box_at = {box.id: count + at for at, box in enumerate(picture.boxes)}
    parent = [box_at[node.scope] if node.scope is not None else root for node in picture.nodes]
    parent += [box_at[box.parent] if box.parent is not None else root for box in picture.boxes]

    scopes = {at: Scope() for at in range(count, root + 1)}
    for item, above in enumerate(parent):
        scopes[above].items.append(item)
    outer_first = [root]
    for at in outer_first:
        for item in scopes[at].items:
            if item >= count:
                scopes[item].depth = scopes[at].depth + 1
                outer_first.append(item)
    inner_first = outer_first[::-1]

    # A box stands where its first node stands, so that the order of the source file shows.
    first = [*range(count), *([count] * (len(picture.boxes) + 1))]
    for at in inner_first:
        first[at] = min([first[item] for item in scopes[at].items], default=count)

    def trail(item: int) -> list[int]:
        out = [item]
        while out[-1] != root:
            out.append(parent[out[-1]])
        return out

    trails: dict[int, list[int]] = {}
    spans: list[tuple[int, list[int], list[int]]] = []
    loops: list[int] = []
    for number, arrow in enumerate(picture.arrows):
        ends = node_at[arrow.source], node_at[arrow.target]
        if ends[0] == ends[1]:
            loops.append(number)
            continue
        up, down = (trails.setdefault(end, trail(end)) for end in ends)
        shared = 1
        while shared < min(len(up), len(down)) and up[-shared - 1] == down[-shared - 1]:
            shared += 1
        spans.append((number, up[: len(up) - shared + 1], down[: len(down) - shared + 1]))

    edges: dict[int, list[tuple[int, int]]] = {at: [] for at in scopes}
    for _, up, down in spans:
        edges[up[-1]].append((up[-2], down[-2]))
    rank: dict[int, int] = {}
    for at, scope in scopes.items():
        scope.items.sort(key=lambda item: (first[item], item))
        scope.items = topological(scope.items, edges[at])
        rank.update({item: place for place, item in enumerate(scope.items)})

    flipped: set[int] = set()
    for number, up, down in spans:
        if rank[up[-2]] > rank[down[-2]]:
            flipped.add(number)
            up, down = down, up
        for inner, outer in pairwise(up[:-1]):
            scopes[outer].lanes.append(Lane(number, inner, None))
        scopes[up[-1]].lanes.append(Lane(number, up[-2], down[-2]))
        for inner, outer in pairwise(down[:-1]):
            scopes[outer].lanes.append(Lane(number, None, inner))
    return Scopes(root, count, scopes, inner_first, flipped, loops)


def topological(items: Sequence[int], edges: Sequence[tuple[int, int]]) -> list[int]:
    """The items, each after its sources where no cycle forbids it; ties keep the given order."""
    place = {item: at for at, item in enumerate(items)}
    waiting = [0] * len(items)
    after: list[list[int]] = [[] for _ in items]
    for source, target in edges:
        after[place[source]].append(place[target])
        waiting[place[target]] += 1
    ready = [at for at, count in enumerate(waiting) if not count]
    done = [False] * len(items)
    out: list[int] = []
    stuck = 0
    while len(out) < len(items):
        if not ready:
            while done[stuck]:
                stuck += 1
            ready.append(stuck)
        at = heappop(ready)
        if done[at]:
            continue
        done[at] = True
        out.append(items[at])
        for then in after[at]:
            waiting[then] -= 1
            if not waiting[then] and not done[then]:
                heappush(ready, then)
    return out
