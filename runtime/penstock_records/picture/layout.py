"""Lays out a whole picture: each scope inside out, then everything in one frame of x and y."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from penstock_records.picture.frame import frame_of
from penstock_records.picture.model import Node, Picture
from penstock_records.picture.scopes import Lane, Scopes, scopes_of
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
_BOTH_WAYS: Final = 400  # beyond so many items only the likelier direction is tried

_DOWN: Final = Style(
    between=34, beside=18, lanes=14, gap=50, label_gap=24, near=20, far=20,
    head=HEADER + 12, foot=20, per_layer=0.83,
)
_RIGHT: Final = Style(
    between=24, beside=16, lanes=14, gap=44, label_gap=19, near=HEADER + 8, far=18,
    head=22, foot=22, per_layer=1.63,
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
    if across is not None:
        return _lay(picture, scopes, across)
    right = _lay(picture, scopes, True)
    if len(picture.nodes) + len(picture.boxes) > _BOTH_WAYS and _fit(right) > 0.2:
        return right
    down = _lay(picture, scopes, False)
    return right if _fit(right) >= 0.9 * _fit(down) else down


def _fit(out: Layout) -> float:
    """How large the picture shows on a 16:9 slide; larger than life does not count."""
    return min(1.0, 1440 / max(1.0, out.width), 720 / max(1.0, out.height))


def node_size(node: Node) -> tuple[float, float]:
    """Width and height of a node."""
    label = text_width(clean(node.label), LABEL_SIZE, bold=True)
    if node.role == "parameter":
        label = text_width(clean(node.label), 12.0) + text_width(clean(node.detail), 10.5, mono=True)
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
            texts[number] = size[::-1] if across else size
    outs = Counter(arrow.source for arrow in picture.arrows)
    ins = Counter(arrow.target for arrow in picture.arrows)
    items: dict[int, Item] = {}
    for number, node in enumerate(picture.nodes):
        width, height = node_size(node)
        pill = node.role == "parameter"
        cross, flow = (height, width) if across else (width, height)
        side = min(_LONGEST_SIDE, 16 + _PORT * max(outs[node.id], ins[node.id]))
        items[number] = Item(max(cross, side), flow, stretch=across and not pill, minor=pill)
    hints: dict[int, Hints] = {}
    frames = _frames(picture, scopes, items, texts, hints, across)
    if picture.boxes and len(items) <= _BOTH_WAYS:
        # Inner scopes came first and could not know where their arrows come from. Now they can.
        for at, scope in scopes.scopes.items():
            _hint(hints, scope.lanes, frames[at].pieces)
        frames = _frames(picture, scopes, items, texts, hints, across)
    return _assemble(picture, scopes, frames, across)


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


def _hint(
    hints: dict[int, Hints], lanes: Sequence[Lane], pieces: Mapping[int, Sequence[Piece]]
) -> None:
    """Note for the boxes of a scope where each of their arrows is, one row away from them."""
    entry: dict[int, dict[int, float]] = {}
    exit_: dict[int, dict[int, float]] = {}
    for lane in lanes:
        way = pieces[lane.arrow]
        if lane.target is not None:
            entry.setdefault(lane.target, {})[lane.arrow] = way[max(0, len(way) - 2)].cross
        if lane.source is not None:
            exit_.setdefault(lane.source, {})[lane.arrow] = way[min(1, len(way) - 1)].cross
    for item in entry.keys() | exit_.keys():
        hints[item] = Hints(entry.get(item, {}), exit_.get(item, {}))


def _assemble(
    picture: Picture, scopes: Scopes, frames: dict[int, Frame], across: bool
) -> Layout:
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
                Piece(piece.cross + cross, piece.start + flow, piece.end + flow)
                for piece in pieces
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
