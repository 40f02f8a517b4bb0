"""Draws a picture as one self-contained SVG: no script, no outside reference."""

import re
from hashlib import sha256
from typing import Final

from penstock_records.picture import look
from penstock_records.picture.layout import Layout, Rect, Route, layout
from penstock_records.picture.model import Arrow, Box, Node, Picture
from penstock_records.picture.plan import (
    BOX_SIZE,
    DETAIL_SIZE,
    EDGE_SIZE,
    HEADER,
    LABEL_SIZE,
    TEXT_LEFT,
    edge_text,
)
from penstock_records.picture.words import clean, escape, shorten, text_width

_MARGIN: Final = 32.0
_TIP: Final = 7.0
_PLAIN: Final = re.compile(r"[\w .,:/()=-]*", re.ASCII)


def svg(picture: Picture) -> str:
    """The picture as SVG text: the same bytes for the same picture."""
    drawn = layout(picture)
    top = _heading_height(picture)
    inner = max(drawn.width, _heading_width(picture), 240.0)
    legend, legend_height = _legend(picture, max(inner, 320.0))
    inner = max(inner, min(320.0, _legend_width(picture)))
    body_height = drawn.height if picture.nodes or picture.boxes else 72.0
    width = inner + 2 * _MARGIN
    height = top + body_height + legend_height + 2 * _MARGIN

    summary = _summary(picture)
    mark = sha256(repr(picture).encode("utf-8", "backslashreplace")).hexdigest()[:10]
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ps-picture" role="img"'
        f' aria-labelledby="ps-t-{mark} ps-d-{mark}" width="{_n(width)}" height="{_n(height)}"'
        f' viewBox="0 0 {_n(width)} {_n(height)}">',
        f'<title id="ps-t-{mark}">{escape(picture.title or "Pipeline")}</title>',
        f'<desc id="ps-d-{mark}">{escape(summary)}</desc>',
        f"<style>{look.STYLE}</style>",
        f'<rect class="ps-canvas" width="{_n(width)}" height="{_n(height)}" rx="12"/>',
        *_heading(picture, inner),
        f'<g transform="translate({_n(_MARGIN)} {_n(_MARGIN + top)})">',
    ]
    if picture.nodes or picture.boxes:
        out += _body(picture, drawn)
    else:
        out += [
            f'<rect class="ps-empty" width="{_n(inner)}" height="72" rx="10"/>',
            _text("ps-subheading", inner / 2, 40, "This pipeline has no steps.", middle=True),
        ]
    out += ["</g>", f'<g transform="translate({_n(_MARGIN)} {_n(height - _MARGIN)})">']
    out += [*legend, "</g>", "</svg>"]
    return "\n".join(out) + "\n"


def _body(picture: Picture, drawn: Layout) -> list[str]:
    out: list[str] = []
    boxes = sorted(range(len(picture.boxes)), key=lambda at: drawn.depths[at])
    for at in boxes:
        out += _box(picture.boxes[at], drawn.boxes[at], drawn.depths[at])
    labels = {node.id: node.label for node in picture.nodes}
    depth_of = {box.id: drawn.depths[at] for at, box in enumerate(picture.boxes)}
    rect_of = {node.id: drawn.nodes[at] for at, node in enumerate(picture.nodes)}
    for arrow, route in zip(picture.arrows, drawn.routes, strict=True):
        out += _arrow(arrow, route, labels, rect_of[arrow.source], drawn.across)
    for at in boxes:
        out += _header(at, picture, drawn)
    for node, rect in zip(picture.nodes, drawn.nodes, strict=True):
        out += _node(node, rect)
    shared = _shared_depths(picture, depth_of)
    for at, (arrow, route) in enumerate(zip(picture.arrows, drawn.routes, strict=True)):
        if arrow.label:
            out += _name(arrow, route, shared[at], rect_of[arrow.source])
    return out


def _shared_depths(picture: Picture, depth_of: dict[str, int]) -> list[int]:
    """The depth of the innermost box around both ends of each arrow; -1 outside all boxes."""
    parent = {box.id: box.parent for box in picture.boxes}
    scope = {node.id: node.scope for node in picture.nodes}
    out: list[int] = []
    for arrow in picture.arrows:
        one, two = scope[arrow.source], scope[arrow.target]
        while one != two:
            if two is None or (one is not None and depth_of[one] >= depth_of[two]):
                one = parent[one] if one is not None else None
            else:
                two = parent[two]
        out.append(depth_of[one] if one is not None else -1)
    return out


def _node(node: Node, rect: Rect) -> list[str]:
    word = look.ROLE_LOOK[node.role][0]
    about = " \u00b7 ".join(
        clean(part) for part in (node.label, word, node.detail, node.state) if part
    )
    fail = " ps-fail" if node.state == "failed" else ""
    x, y, width, height = rect.x, rect.y, rect.width, rect.height
    pill = node.role == "parameter"
    out = [
        f'<g class="ps-node ps-{node.role}{fail}" data-node="{escape(node.id)}">',
        f"<title>{escape(about)}</title>",
    ]
    radius = height / 2 if pill else 10
    if not pill:
        out.append(_rect("ps-shade", Rect(x, y + 2, width, height), radius))
    out.append(_rect("ps-card", rect, radius))
    if pill:
        out.append(
            _glyph("ps-glyph", look.ROLE_LOOK[node.role][3], x + 13, y + height / 2 - 6.5, 0.8)
        )
        room = width - 46
        label = shorten(clean(node.label), room, 12.0)
        out.append(_text("ps-pill", x + 33, y + height / 2 + 4.2, label))
        room -= text_width(label, 12.0) + 8
        if node.detail and room > 12:
            detail = shorten(clean(node.detail), room + 3, DETAIL_SIZE, mono=True)
            out.append(_text("ps-detail", x + width - 13, y + height / 2 + 4, detail, end=True))
    else:
        out.append(_rect("ps-tile", Rect(x + 10, y + height / 2 - 15, 30, 30), 8))
        out.append(_glyph("ps-glyph", look.ROLE_LOOK[node.role][3], x + 17, y + height / 2 - 8, 1))
        badge = 14 if node.state else 0
        room = width - TEXT_LEFT - 14
        label = shorten(clean(node.label), room - badge, LABEL_SIZE, bold=True)
        wide = text_width(label, LABEL_SIZE, bold=True)
        middle = y + height / 2
        out.append(
            _text("ps-label", x + TEXT_LEFT, middle + (-2 if node.detail else 4.8), label, fit=wide)
        )
        if node.detail:
            detail = shorten(clean(node.detail), room, DETAIL_SIZE, mono=True)
            out.append(_text("ps-detail", x + TEXT_LEFT, middle + 13.5, detail))
    if node.state:
        spot = (x + width - 12, y) if pill else (x + width - 15, y + 15)
        out += _badge(node.state, *spot)
    out.append("</g>")
    return out


def _badge(state: str, x: float, y: float) -> list[str]:
    word, _, _, path = look.STATE_LOOK[state]
    return [
        f'<g class="ps-state ps-is-{state}" transform="translate({_n(x)} {_n(y)})">',
        f'<circle class="ps-badge" r="7"/><path class="ps-mark" d="{path}"/>',
        f"<title>{word}</title></g>",
    ]


def _box_class(kind: str) -> str:
    return f"ps-in-{kind}" if kind in look.BOX_LOOK else "ps-other"


def _box(box: Box, rect: Rect, depth: int) -> list[str]:
    tint = f"ps-tint{depth % look.TINTS}"
    out = [f'<g class="ps-scope {_box_class(box.kind)}" data-box="{escape(box.id)}">']
    out.append(f"<title>{escape(_box_about(box))}</title>")
    if box.kind == "each":
        # A second edge behind the box: many runs of the same steps.
        back = Rect(rect.x + 4, rect.y + 4, rect.width, rect.height)
        out.append(_rect(f"ps-back {tint}", back, 14))
    out.append(_rect(f"ps-box {tint}", rect, 14))
    out.append("</g>")
    return out


def _box_about(box: Box) -> str:
    return box.label if box.kind in box.label else f"{box.kind} {box.label}".strip()


def _header(at: int, picture: Picture, drawn: Layout) -> list[str]:
    box, rect, depth = picture.boxes[at], drawn.boxes[at], drawn.depths[at]
    path = look.BOX_LOOK.get(box.kind, look.BOX_OTHER)[2]
    label = shorten(clean(box.label or box.kind), min(300.0, rect.width - 56), BOX_SIZE, bold=True)
    width = text_width(label, BOX_SIZE, bold=True) * 1.1 + 30
    x = _free_slot(rect, width, drawn)
    return [
        f'<g class="ps-header {_box_class(box.kind)}">',
        _rect(f"ps-tint{depth % look.TINTS}", Rect(x - 4, rect.y + 5, width, 21), 6),
        _glyph("ps-glyph", path, x + 2, rect.y + 9.5, 0.8),
        _text("ps-box-name", x + 21, rect.y + 20, label),
        "</g>",
    ]


def _free_slot(rect: Rect, width: float, drawn: Layout) -> float:
    """Where the box's name starts: at the left, unless arrows come down through it there."""
    left = rect.x + 12
    if drawn.across:
        return left
    high, low = rect.y + 4, rect.y + HEADER
    crossing = sorted(
        x
        for route in drawn.routes
        for x, y1, _, y2 in route.stretches
        if rect.x < x < rect.x + rect.width and min(y1, y2) < low and max(y1, y2) >= high - 4
    )
    starts = [left, *(x + 10 for x in crossing)]
    for start in starts:
        clear = all(not start - 8 < x < start + width + 4 for x in crossing)
        if clear and start + width < rect.x + rect.width - 4:
            return start
    return left


def _arrow(
    arrow: Arrow, route: Route, labels: dict[str, str], source: Rect, across: bool
) -> list[str]:
    about = f"{labels[arrow.source]} \u2192 {labels[arrow.target]}"
    if arrow.label:
        about += f": {arrow.label}"
    line, tip = _line(route, source, across)
    return [
        f'<g class="ps-arrow ps-{arrow.kind}" data-source="{escape(arrow.source)}"'
        f' data-target="{escape(arrow.target)}"><title>{escape(about)}</title>',
        f'<path class="ps-edge" d="{line}"/><path class="ps-tip" d="{tip}"/></g>',
    ]


def _line(route: Route, source: Rect, across: bool) -> tuple[str, str]:
    """The path of an arrow's line and of its tip."""
    if not route.stretches:
        x, y = source.x + source.width, source.y + source.height / 2
        bend = f"{_n(x + 20)} {_n(y - 16)} {_n(x + 20)} {_n(y + 14)}"
        return f"M{_n(x)} {_n(y - 9)}C{bend} {_n(x + _TIP)} {_n(y + 8)}", _tip(x, y + 8, -1, 0)
    stops = list(route.stretches)
    first, last = stops[0], stops[-1]
    forward = (last[2] - first[0] if across else last[3] - first[1]) >= 0
    sign = 1.0 if forward else -1.0
    ahead = (sign, 0.0) if across else (0.0, sign)
    end = last[2] - ahead[0] * (_TIP - 1), last[3] - ahead[1] * (_TIP - 1)
    out = [f"M{_n(first[0])} {_n(first[1])}"]
    x, y = first[0], first[1]
    for at, (x1, y1, x2, y2) in enumerate(stops):
        if at == len(stops) - 1:
            # The line stops inside the tip. Where the last stretch is short, the curve before does.
            short = (end[0] - x1) * ahead[0] + (end[1] - y1) * ahead[1] < 0
            x1, y1 = end if short else (x1, y1)
            x2, y2 = end
        if (x1, y1) != (x, y):
            out.append(_bend(x, y, x1, y1, across))
        if (x2, y2) != (x1, y1):
            out.append(f"L{_n(x2)} {_n(y2)}")
        x, y = x2, y2
    return "".join(out), _tip(last[2], last[3], *ahead)


def _bend(x1: float, y1: float, x2: float, y2: float, across: bool) -> str:
    if abs(y2 - y1 if across else x2 - x1) < 0.05:
        return f"L{_n(x2)} {_n(y2)}"
    if across:
        half = (x2 - x1) / 2
        return f"C{_n(x1 + half)} {_n(y1)} {_n(x2 - half)} {_n(y2)} {_n(x2)} {_n(y2)}"
    half = (y2 - y1) / 2
    return f"C{_n(x1)} {_n(y1 + half)} {_n(x2)} {_n(y2 - half)} {_n(x2)} {_n(y2)}"


def _tip(x: float, y: float, dx: float, dy: float) -> str:
    back = x - dx * _TIP, y - dy * _TIP
    side = dy * 3.6, dx * 3.6
    return (
        f"M{_n(x)} {_n(y)}L{_n(back[0] + side[0])} {_n(back[1] + side[1])}"
        f"L{_n(back[0] - side[0])} {_n(back[1] - side[1])}z"
    )


def _name(arrow: Arrow, route: Route, depth: int, source: Rect) -> list[str]:
    text = edge_text(arrow.label)
    width = text_width(text, EDGE_SIZE) * 1.06 + 8
    if route.label is None:
        x, y = source.x + source.width + 22 + width / 2, source.y + source.height / 2
    else:
        x, y = route.label.x + route.label.width / 2, route.label.y + route.label.height / 2
    tint = f"ps-tint{depth % look.TINTS}" if depth >= 0 else "ps-halo"
    return [
        '<g class="ps-artifact">',
        f"<title>{escape(arrow.label)}</title>",
        _rect(tint, Rect(x - width / 2, y - 7.5, width, 15), 4),
        _text("ps-name", x, y + 3.6, text, fit=width - 8, middle=True),
        "</g>",
    ]


def _heading(picture: Picture, room: float) -> list[str]:
    out: list[str] = []
    y = _MARGIN
    if picture.title:
        title = shorten(clean(picture.title), room, 20, bold=True)
        y += 18
        out.append(_text("ps-heading", _MARGIN, y, title))
        y += 4
    if picture.subtitle:
        subtitle = shorten(clean(picture.subtitle), room, 12.5)
        out.append(_text("ps-subheading", _MARGIN, y + 16, subtitle))
    return out


def _heading_height(picture: Picture) -> float:
    height = (22.0 if picture.title else 0.0) + (20.0 if picture.subtitle else 0.0)
    return height + 26 if height else 0.0


def _heading_width(picture: Picture) -> float:
    title = text_width(clean(picture.title), 20, bold=True)
    return min(max(title, text_width(clean(picture.subtitle), 12.5) * 1.05), 640.0)


def _entries(picture: Picture) -> list[tuple[str, str, float]]:
    """The parts of the legend: a kind (role, state, arrow), a name, and a width."""
    out: list[tuple[str, str, float]] = []
    for kind, names, used in (
        ("role", tuple(look.ROLE_LOOK), {node.role for node in picture.nodes}),
        ("state", tuple(look.STATE_LOOK), {node.state for node in picture.nodes}),
        ("arrow", tuple(look.ARROW_LOOK), {arrow.kind for arrow in picture.arrows} - {"data"}),
    ):
        for name in names:
            if name in used:
                out.append((kind, name, 24 + text_width(_word(kind, name), 11) * 1.08 + 18))
    return out


def _word(kind: str, name: str) -> str:
    if kind == "role":
        return look.ROLE_LOOK[name][0]
    return look.STATE_LOOK[name][0] if kind == "state" else look.ARROW_LOOK[name]


def _legend_width(picture: Picture) -> float:
    return sum(width for _, _, width in _entries(picture))


def _legend(picture: Picture, room: float) -> tuple[list[str], float]:
    """The legend, drawn upwards from y = 0, and its height with the space above it."""
    rows: list[list[tuple[str, str, float]]] = [[]]
    used = 0.0
    for entry in _entries(picture):
        if rows[-1] and used + entry[2] > room:
            rows.append([])
            used = 0.0
        rows[-1].append(entry)
        used += entry[2]
    if not rows[0]:
        return [], 0.0
    out = ['<g class="ps-legend">']
    for number, row in enumerate(rows):
        x, y = 0.0, -22.0 * (len(rows) - 1 - number) - 6
        for kind, name, width in row:
            if kind == "role":
                out.append(f'<g class="ps-{name}">')
                out.append(_rect("ps-tile", Rect(x, y - 9, 18, 18), 5))
                out.append(_glyph("ps-glyph", look.ROLE_LOOK[name][3], x + 3, y - 6, 0.75))
                out.append("</g>")
            elif kind == "state":
                out += _badge(name, x + 9, y)
            else:
                out.append(
                    f'<g class="ps-{name}"><path class="ps-edge" d="M{_n(x)} {_n(y)}h16"/></g>'
                )
            out.append(f'<text x="{_n(x + 24)}" y="{_n(y + 4)}">{_word(kind, name)}</text>')
            x += width
    out.append("</g>")
    return out, 22.0 * len(rows) + 22


def _summary(picture: Picture) -> str:
    steps = sum(node.role != "parameter" for node in picture.nodes)
    parameters = len(picture.nodes) - steps
    parts = [_count(steps, "step"), _count(parameters, "parameter")]
    parts += [_count(len(picture.arrows), "arrow"), _count(len(picture.boxes), "nested scope")]
    return f"A graph of {', '.join(parts)}. {picture.subtitle}".strip()


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def _rect(name: str, rect: Rect, radius: float) -> str:
    return (
        f'<rect class="{name}" x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.width)}"'
        f' height="{_n(rect.height)}" rx="{_n(radius)}"/>'
    )


def _glyph(name: str, path: str, x: float, y: float, scale: float) -> str:
    size = f" scale({_n(scale)})" if scale != 1 else ""
    return f'<path class="{name}" transform="translate({_n(x)} {_n(y)}){size}" d="{path}"/>'


def _text(
    name: str,
    x: float,
    y: float,
    text: str,
    *,
    fit: float = 0.0,
    middle: bool = False,
    end: bool = False,
) -> str:
    """One line of text. `fit` forces its width where a font may differ much from the estimate."""
    more = ' text-anchor="middle"' if middle else ' text-anchor="end"' if end else ""
    if fit and not _PLAIN.fullmatch(text):
        more += f' textLength="{_n(fit)}" lengthAdjust="spacingAndGlyphs"'
    return f'<text class="{name}" x="{_n(x)}" y="{_n(y)}"{more}>{escape(text)}</text>'


def _n(value: float) -> str:
    """A coordinate with one decimal at most, never "-0"."""
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")
