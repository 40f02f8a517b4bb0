"""Lays out a whole picture: each scope inside out, then everything in one frame of x and y."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from penstock_records.picture.frame import frame_of
from penstock_records.picture.layers import ranks
from penstock_records.picture.model import Node, Picture
from penstock_records.picture.scopes import Scopes, scopes_of, topological
from penstock_records.picture.shapes import Area, Frame, Hints, Item, Piece, Style
from penstock_records.picture.words import clean, shorten, text_width

LABEL_SIZE: Final = 13.5
DETAIL_SIZE: Final = 10.5
EDGE_SIZE: Final = 10.5
BOX_SIZE: Final = 11.5
TEXT_LEFT: Final = 48.0
HEADER: Final = 30.0
_CARD: Final = 50.0
_PILL: Final = 32.0
_PORT: Final = 9.0  # a side grows so that arrows stand this far apart
_LONGEST_SIDE: Final = 320.0
_EDGE_ROOM: Final = 150.0
_BOTH_WAYS: Final = 300  # beyond so many items only the likelier direction is tried

_SMALL: Final = 120
_TRIES: Final = 3

_DOWN: Final = Style(
    between=34,
    beside=18,
    lanes=14,
    gap=50,
    label_gap=24,
    near=20,
    far=20,
    head=HEADER + 12,
    foot=20,
    per_layer=0.83,
)
_RIGHT: Final = Style(
    between=24,
    beside=16,
    lanes=14,
    gap=44,
    label_gap=19,
    near=HEADER + 8,
    far=18,
    head=22,
    foot=22,
    per_layer=1.63,
)


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """An arrow's way: straight stretches as (x, y, x, y), joined by curves; and its label."""

    stretches: tuple[tuple[float, float, float, float], ...]
    label: Rect | None


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands. `nodes`, `boxes` and `routes` are in the picture's order."""

    across: bool
    width: float
    height: float
    nodes: tuple[Rect, ...]
    boxes: tuple[Rect, ...]
    depths: tuple[int, ...]
    routes: tuple[Route, ...]


def layout(picture: Picture, across: bool | None = None) -> Layout:
    """Lay out a picture, left to right (`across`), top to bottom, or as fits a slide best."""
    scopes = scopes_of(picture)
    if across is None and len(picture.nodes) + len(picture.boxes) > _BOTH_WAYS:
        across = _likely_across(picture)
    if across is not None:
        return _lay(picture, scopes, across)
    right, down = (_lay(picture, scopes, way) for way in (True, False))
    return right if _fit(right.width, right.height) >= _fit(down.width, down.height) else down


def _likely_across(picture: Picture) -> bool:
    """The better direction of a big picture, from its longest path alone."""
    place = {node.id: at for at, node in enumerate(picture.nodes)}
    edges = [(place[arrow.source], place[arrow.target]) for arrow in picture.arrows]
    order = topological(range(len(place)), edges)
    rank = {at: number for number, at in enumerate(order)}
    ahead = [(rank[a], rank[b]) for a, b in edges if rank[a] < rank[b]]
    layers = 1 + max(ranks(len(place), ahead, [True] * len(place)), default=0)
    beside = len(place) / layers
    return _fit(layers * 210, beside * 90) >= _fit(beside * 190, layers * 110)


def _fit(width: float, height: float) -> float:
    """How large a picture shows on a 16:9 slide; larger than life does not count."""
    return min(1.0, 1440 / max(1.0, width), 720 / max(1.0, height))


def node_size(node: Node) -> tuple[float, float]:
    """Width and height of a node."""
    label = text_width(clean(node.label), LABEL_SIZE, bold=True)
    if node.role == "parameter":
        label = text_width(clean(node.label), 12.0) + text_width(
            clean(node.detail), 10.5, mono=True
        )
        return min(max(label + 46 + (8 if node.detail else 0), 64.0), 230.0), _PILL
    detail = text_width(clean(node.detail), DETAIL_SIZE, mono=True)
    badge = 14.0 if node.state else 0.0
    return min(max(label + badge, detail, 62.0) + TEXT_LEFT + 16, 250.0), _CARD


def edge_text(text: str) -> str:
    """An arrow's label as shown."""
    return shorten(clean(text), _EDGE_ROOM, EDGE_SIZE)


def _lay(picture: Picture, scopes: Scopes, across: bool) -> Layout:
    texts: dict[int, tuple[float, float]] = {}
    for number, arrow in enumerate(picture.arrows):
        if arrow.label:
            size = text_width(edge_text(arrow.label), EDGE_SIZE) * 1.06 + 8, 15.0
            texts[number] = (size[1], size[0]) if across else size
    outs = Counter(arrow.source for arrow in picture.arrows)
    ins = Counter(arrow.target for arrow in picture.arrows)
    items: dict[int, Item] = {}
    for number, node in enumerate(picture.nodes):
        width, height = node_size(node)
        pill = node.role == "parameter"
        cross, flow = (height, width) if across else (width, height)
        side = min(_LONGEST_SIDE, 16 + _PORT * max(outs[node.id], ins[node.id]))
        items[number] = Item(max(cross, side), flow, stretch=across and not pill, minor=pill)
    return _assemble(picture, scopes, _best_frames(picture, scopes, items, texts, across), across)


def _best_frames(
    picture: Picture,
    scopes: Scopes,
    items: Mapping[int, Item],
    texts: Mapping[int, tuple[float, float]],
    across: bool,
) -> dict[int, Frame]:
    """The frames with the fewest crossings of a few tries.

    Inner scopes come first and cannot know where their arrows come from. So they are laid out
    again with what the outer scopes found, once from fixed and once from loose ports.
    """
    best = _frames(picture, scopes, items, texts, {}, across)
    if not picture.boxes or not picture.arrows or scopes.root > _BOTH_WAYS:
        return best
    loose = dict.fromkeys(scopes.scopes, Hints(loose=True))
    for start in (best, _frames(picture, scopes, items, texts, loose, across)):
        frames = start
        for _ in range(_TRIES if scopes.root <= _SMALL else 1):
            frames = _frames(picture, scopes, items, texts, _hints(scopes, frames), across)
            if _crossings(frames) < _crossings(best):
                best = frames
    return best


def _crossings(frames: Mapping[int, Frame]) -> int:
    return sum(frame.crossings for frame in frames.values())


def _frames(
    picture: Picture,
    scopes: Scopes,
    nodes: Mapping[int, Item],
    texts: Mapping[int, tuple[float, float]],
    hints: Mapping[int, Hints],
    across: bool,
) -> dict[int, Frame]:
    items = dict(nodes)
    frames: dict[int, Frame] = {}
    for at in scopes.inner_first:
        boxed = at != scopes.root
        least = (0.0, 0.0)
        if boxed:
            box = picture.boxes[at - scopes.nodes]
            name = clean(box.label or box.kind)
            header = min(text_width(name, BOX_SIZE, bold=True), 300.0) + 58
            least = (HEADER + 14, header) if across else (header, HEADER + 14)
        scope = scopes.scopes[at]
        frame = frame_of(
            scope.items,
            items,
            scope.lanes,
            texts,
            _RIGHT if across else _DOWN,
            boxed=boxed,
            least=least,
            hints=hints.get(at, Hints()),
        )
        frames[at] = frame
        items[at] = Item(
            frame.wide, frame.long, entry=frame.entry, exit=frame.exit, main=frame.main
        )
    return frames


def _hints(scopes: Scopes, frames: Mapping[int, Frame]) -> dict[int, Hints]:
    """For each box, where each of its arrows comes from and goes to."""
    entry: dict[int, dict[int, float]] = {}
    leave: dict[int, dict[int, float]] = {}
    for at, scope in scopes.scopes.items():
        for lane in scope.lanes:
            way = frames[at].pieces[lane.arrow]
            if lane.target is not None:
                entry.setdefault(lane.target, {})[lane.arrow] = way[0].cross
            if lane.source is not None:
                leave.setdefault(lane.source, {})[lane.arrow] = way[-1].cross
    return {at: Hints(entry.get(at, {}), leave.get(at, {})) for at in scopes.scopes}


def _assemble(picture: Picture, scopes: Scopes, frames: dict[int, Frame], across: bool) -> Layout:
    areas: dict[int, Area] = {
        scopes.root: Area(0, 0, frames[scopes.root].wide, frames[scopes.root].long)
    }
    ways: dict[int, list[Piece]] = {}
    labels: dict[int, Area] = {}
    for at in reversed(scopes.inner_first):
        cross, flow = areas[at].cross, areas[at].flow
        frame = frames[at]
        for item, area in frame.areas.items():
            areas[item] = Area(area.cross + cross, area.flow + flow, area.wide, area.long)
        for arrow, pieces in frame.pieces.items():
            ways.setdefault(arrow, []).extend(
                Piece(piece.cross + cross, piece.start + flow, piece.end + flow) for piece in pieces
            )
        for arrow, area in frame.labels.items():
            labels[arrow] = Area(area.cross + cross, area.flow + flow, area.wide, area.long)

    def rect(area: Area) -> Rect:
        if across:
            return Rect(area.flow, area.cross, area.long, area.wide)
        return Rect(area.cross, area.flow, area.wide, area.long)

    routes: list[Route] = []
    for number in range(len(picture.arrows)):
        pieces = sorted(ways.get(number, []), key=lambda piece: (piece.start, piece.end))
        stretches = [
            (piece.start, piece.cross, piece.end, piece.cross)
            if across
            else (piece.cross, piece.start, piece.cross, piece.end)
            for piece in pieces
        ]
        if number in scopes.flipped:
            stretches = [(x2, y2, x1, y1) for x1, y1, x2, y2 in reversed(stretches)]
        label = rect(labels[number]) if number in labels else None
        routes.append(Route(tuple(stretches), label))
    size = rect(areas[scopes.root])
    count = len(picture.nodes)
    return Layout(
        across,
        size.width,
        size.height,
        tuple(rect(areas[at]) for at in range(count)),
        tuple(rect(areas[at]) for at in range(count, scopes.root)),
        tuple(scopes.scopes[at].depth - 1 for at in range(count, scopes.root)),
        tuple(routes),
    )
