"""Lays out a whole picture: in the direction that fits a slide, then in one frame of x and y."""

from collections.abc import Mapping
from dataclasses import dataclass

from penstock_records.picture.model import Picture
from penstock_records.picture.plan import BOTH_WAYS, fit, likely_across, plan_of
from penstock_records.picture.scopes import Scopes, scopes_of
from penstock_records.picture.shapes import Area, Frame, Piece


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
    if across is None and scopes.root > BOTH_WAYS:
        across = likely_across(picture)
    ways = (True, False) if across is None else (across,)
    tries = [(plan, plan.frames({})) for plan in (plan_of(picture, scopes, way) for way in ways)]
    fits: list[float] = []
    for plan, frames in tries:
        whole = frames[scopes.root]
        size = (whole.long, whole.wide) if plan.across else (whole.wide, whole.long)
        fits.append(fit(*size))
    plan, frames = tries[fits.index(max(fits))]
    return _assemble(picture, scopes, plan.improved(frames), plan.across)


def _assemble(
    picture: Picture, scopes: Scopes, frames: Mapping[int, Frame], across: bool
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
