"""Sizes of everything in one direction of flow, and the frames of all scopes, inside out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from penstock_records.picture.frame import frame_of
from penstock_records.picture.layers import ranks
from penstock_records.picture.model import Node, Picture
from penstock_records.picture.scopes import Scopes, topological
from penstock_records.picture.shapes import Frame, Hints, Item, Style
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
BOTH_WAYS: Final = 300  # beyond so many items only the likelier direction is tried

_SMALL: Final = 30
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
class Plan:
    """A picture with the size of each node and label along cross and flow."""

    picture: Picture
    scopes: Scopes
    across: bool
    items: Mapping[int, Item]
    texts: Mapping[int, tuple[float, float]]

    def frames(self, hints: Mapping[int, Hints]) -> dict[int, Frame]:
        """Every scope laid out, inner scopes first."""
        items = dict(self.items)
        out: dict[int, Frame] = {}
        for at in self.scopes.inner_first:
            boxed = at != self.scopes.root
            scope = self.scopes.scopes[at]
            frame = frame_of(
                scope.items,
                items,
                scope.lanes,
                self.texts,
                _RIGHT if self.across else _DOWN,
                boxed=boxed,
                least=self._header(at) if boxed else (0.0, 0.0),
                hints=hints.get(at, Hints()),
            )
            out[at] = frame
            items[at] = Item(
                frame.wide, frame.long, entry=frame.entry, exit=frame.exit, main=frame.main
            )
        return out

    def _header(self, at: int) -> tuple[float, float]:
        box = self.picture.boxes[at - self.scopes.nodes]
        name = clean(box.label or box.kind)
        room = min(text_width(name, BOX_SIZE, bold=True), 300.0) + 58
        return (HEADER + 14, room) if self.across else (room, HEADER + 14)

    def improved(self, frames: dict[int, Frame]) -> dict[int, Frame]:
        """The frames with the fewest crossings of a few tries.

        Inner scopes come first and cannot know where their arrows come from. So all are laid
        out again with what the outer scopes found, once from fixed and once from loose ports.
        """
        best, fewest = frames, _crossings(frames)
        if not fewest or not self.picture.boxes or self.scopes.root > BOTH_WAYS:
            return best
        loose = dict.fromkeys(self.scopes.scopes, Hints(loose=True))
        for start in (frames, self.frames(loose)):
            tried = start
            for _ in range(_TRIES if self.scopes.root <= _SMALL else 1):
                tried = self.frames(_hints(self.scopes, tried))
                count = _crossings(tried)
                if count < fewest:
                    best, fewest = tried, count
                if not fewest:
                    return best
        return best


def plan_of(picture: Picture, scopes: Scopes, across: bool) -> Plan:
    """Measure a picture's nodes and labels for one direction of flow."""
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
    return Plan(picture, scopes, across, items, texts)


def likely_across(picture: Picture) -> bool:
    """The better direction of a big picture, from its longest path alone."""
    place = {node.id: at for at, node in enumerate(picture.nodes)}
    edges = [(place[arrow.source], place[arrow.target]) for arrow in picture.arrows]
    order = topological(range(len(place)), edges)
    rank = {at: number for number, at in enumerate(order)}
    ahead = [(rank[a], rank[b]) for a, b in edges if rank[a] < rank[b]]
    layers = 1 + max(ranks(len(place), ahead, [True] * len(place)), default=0)
    beside = len(place) / layers
    return fit(layers * 210, beside * 90) >= fit(beside * 190, layers * 110)


def fit(width: float, height: float) -> float:
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


def _crossings(frames: Mapping[int, Frame]) -> int:
    return sum(frame.crossings for frame in frames.values())


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
