"""Pictures of graphs: nothing overlaps, nothing is lost, and no name can break out."""

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock_records.picture import Arrow, Box, Node, Picture, mermaid, svg, text
from penstock_records.picture.layout import Rect, layout
from penstock_records.picture.model import ARROWS, ROLES, STATES
from penstock_records.picture.words import clean, columns

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    '<script>alert("x")</script>',
    ']"}\n%%{init: {"theme":"dark"}}%%',
    "\x00\x1b[31mred\u202egpj.exe",
    "end",
    "a" * 300,
    "style: x#35; `tick` \\ '",
    "]]>--><![CDATA[&amp;&#x1;",
    "\ud800\ufffe\u2028",
    "日本語の長い名前 😀",
    "",
]
WORDS = st.sampled_from(["load", "split", "fit_model", *HOSTILE]) | st.text(max_size=30)


@st.composite
def pictures(draw: st.DrawFn, most: int = 14, words: st.SearchStrategy[str] = WORDS) -> Picture:
    """Graphs of any shape: nested boxes, cycles, loops, several arrows between two nodes."""
    boxes: list[Box] = []
    for at in range(draw(st.integers(0, 5))):
        parent = draw(st.sampled_from([None, *[box.id for box in boxes]]))
        kind = draw(st.sampled_from(["pipeline", "each", "when", "otherwise", "odd"]))
        boxes.append(Box(f"b{at}", draw(words), kind, parent))
    scopes = st.sampled_from([None, *[box.id for box in boxes]])
    nodes = tuple(
        Node(
            f"{at}{draw(st.sampled_from(HOSTILE))}",
            draw(words),
            draw(st.sampled_from(["", "churn.py:38", *HOSTILE])),
            draw(st.sampled_from(ROLES)),
            draw(scopes),
            draw(st.sampled_from(["", *STATES])),
        )
        for at in range(draw(st.integers(0, most)))
    )
    ids = [node.id for node in nodes]
    ends = st.sampled_from(ids) if ids else st.nothing()
    arrow = st.builds(Arrow, ends, ends, st.just("") | words, st.sampled_from(ARROWS))
    arrows = draw(st.lists(arrow, max_size=24)) if ids else []
    return Picture(draw(words), draw(words), nodes, tuple(arrows), tuple(boxes))


def parts(drawn: str, name: str) -> list[ET.Element]:
    return [
        each
        for each in ET.fromstring(drawn).iter(f"{SVG}g")
        if name in each.get("class", "").split()
    ]


def rect_of(element: ET.Element, name: str) -> Rect:
    found = next(
        each for each in element.iter(f"{SVG}rect") if name in each.get("class", "").split()
    )
    return Rect(*(float(found.get(key, "nan")) for key in ("x", "y", "width", "height")))


def apart(one: Rect, two: Rect, slack: float = 0.2) -> bool:
    return (
        one.x + one.width <= two.x + slack
        or two.x + two.width <= one.x + slack
        or one.y + one.height <= two.y + slack
        or two.y + two.height <= one.y + slack
    )


def within(inner: Rect, outer: Rect, slack: float = 0.2) -> bool:
    return (
        inner.x >= outer.x - slack
        and inner.y >= outer.y - slack
        and inner.x + inner.width <= outer.x + outer.width + slack
        and inner.y + inner.height <= outer.y + outer.height + slack
    )


def holders(picture: Picture, scope: str | None) -> set[str]:
    """The boxes around a scope, itself included."""
    parents = {box.id: box.parent for box in picture.boxes}
    out: set[str] = set()
    while scope is not None:
        out.add(scope)
        scope = parents[scope]
    return out


def points(path: str) -> Iterator[tuple[float, float]]:
    """Points along an SVG path of M, L and C."""
    x = y = 0.0
    for verb, rest in re.findall(r"([MLC])([^MLCz]*)", path):
        at = [float(number) for number in rest.split()]
        if verb == "C":
            for step in range(1, 12):
                t = step / 12
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
                xs, ys = (x, *at[::2]), (y, *at[1::2])
                yield (
                    sum(w * p for w, p in zip(weights, xs, strict=True)),
                    sum(w * p for w, p in zip(weights, ys, strict=True)),
                )
        elif verb == "L":
            for step in range(1, 20):
                yield x + (at[0] - x) * step / 20, y + (at[1] - y) * step / 20
        x, y = at[-2:]
        yield x, y


def shrunk(rect: Rect, by: float) -> Rect:
    return Rect(rect.x + by, rect.y + by, rect.width - 2 * by, rect.height - 2 * by)


def inside(x: float, y: float, rect: Rect) -> bool:
    return rect.x < x < rect.x + rect.width and rect.y < y < rect.y + rect.height


@settings(max_examples=40, deadline=None)
@given(pictures())
def test_drawing_is_well_formed_and_complete(picture: Picture) -> None:
    drawn = svg(picture)
    assert drawn == svg(picture)
    root = ET.fromstring(drawn)
    assert not re.search(r"<script|<foreignObject|<image|<a |href|url\(|\son\w+=", drawn)

    nodes = parts(drawn, "ps-node")
    assert [each.get("data-node") for each in nodes] == [clean(node.id) for node in picture.nodes]
    for element, node in zip(nodes, picture.nodes, strict=True):
        title = element.findtext(f"{SVG}title") or ""
        assert clean(node.label) in title
        assert clean(node.detail) in title
    arrows = [
        (each.get("data-source"), each.get("data-target")) for each in parts(drawn, "ps-arrow")
    ]
    assert arrows == [(clean(each.source), clean(each.target)) for each in picture.arrows]
    names = [each.findtext(f"{SVG}title") for each in parts(drawn, "ps-artifact")]
    assert names == [clean(arrow.label) for arrow in picture.arrows if arrow.label]
    assert len(parts(drawn, "ps-scope")) == len(picture.boxes)
    assert root.findtext(f"{SVG}title")
    assert root.findtext(f"{SVG}desc")


@settings(max_examples=60, deadline=None)
@given(pictures(), st.sampled_from([True, False, None]))
def test_nothing_overlaps(picture: Picture, across: bool | None) -> None:
    drawn = layout(picture, across)
    rects = dict(zip((node.id for node in picture.nodes), drawn.nodes, strict=True))
    boxes = dict(zip((box.id for box in picture.boxes), drawn.boxes, strict=True))
    for at, one in enumerate(drawn.nodes):
        for two in drawn.nodes[at + 1 :]:
            assert apart(one, two)
    for node in picture.nodes:
        around = holders(picture, node.scope)
        for name, box in boxes.items():
            if name in around:
                assert within(rects[node.id], box)
            else:
                assert apart(rects[node.id], box)
    for one_box in picture.boxes:
        around = holders(picture, one_box.id)
        for name, box in boxes.items():
            if name in around:
                assert within(boxes[one_box.id], box)
            elif one_box.id not in holders(picture, name):
                assert apart(boxes[one_box.id], box)
    whole = Rect(0, 0, drawn.width, drawn.height)
    labels = [route.label for route in drawn.routes if route.label]
    assert all(within(each, whole) for each in (*drawn.nodes, *drawn.boxes, *labels))
    for at, label in enumerate(labels):
        assert all(apart(label, rect) for rect in drawn.nodes)
        assert all(apart(label, other) for other in labels[at + 1 :])


@settings(max_examples=40, deadline=None)
@given(pictures())
def test_arrows_go_around_nodes(picture: Picture) -> None:
    drawn = svg(picture)
    rects = [rect_of(each, "ps-card") for each in parts(drawn, "ps-node")]
    ids = [node.id for node in picture.nodes]
    for arrow, element in zip(picture.arrows, parts(drawn, "ps-arrow"), strict=True):
        line, tip = (each.get("d", "") for each in element.iter(f"{SVG}path"))
        if arrow.source == arrow.target:
            continue
        walk = list(points(line))
        for x, y in walk:
            assert not any(inside(x, y, shrunk(rect, 0.5)) for rect in rects)
        source, target = rects[ids.index(arrow.source)], rects[ids.index(arrow.target)]
        start, end = next(points(line)), next(points(tip))
        assert inside(*start, shrunk(source, -0.3))
        assert inside(*end, shrunk(target, -0.3))


def test_a_picture_of_another_day_has_the_same_bytes() -> None:
    picture = Picture("p", "", (Node("a", "a"), Node("b", "b")), (Arrow("a", "b", "x"),))
    again = Picture("p", "", (Node("a", "a"), Node("b", "b")), (Arrow("a", "b", "x"),))
    assert svg(picture) == svg(again)
    assert mermaid(picture) == mermaid(again)
    assert text(picture) == text(again)


def test_two_arrows_between_two_nodes_do_not_coincide() -> None:
    arrows = (Arrow("a", "b", "train"), Arrow("a", "b", "test"), Arrow("a", "b"))
    drawn = layout(Picture("", "", (Node("a", "a"), Node("b", "b")), arrows))
    starts = {route.stretches[0][:2] for route in drawn.routes}
    ends = {route.stretches[-1][2:] for route in drawn.routes}
    assert len(starts) == len(ends) == 3


def test_a_plain_chain_is_one_straight_line() -> None:
    nodes = tuple(Node(f"n{at}", "step" * (at % 3 + 1)) for at in range(6))
    arrows = tuple(Arrow(f"n{at}", f"n{at + 1}", "data") for at in range(5))
    drawn = layout(Picture("", "", nodes, arrows))
    assert drawn.across
    assert {round(rect.y, 3) for rect in drawn.nodes} == {round(drawn.nodes[0].y, 3)}


def test_the_direction_fits_a_slide() -> None:
    fan = tuple(Node(f"n{at}", "train_a_model") for at in range(12))
    arrows = tuple(Arrow("load", node.id) for node in fan)
    assert layout(Picture("", "", (Node("load", "load"), *fan), arrows)).across
    long = tuple(Node(f"n{at}", "step") for at in range(5))
    side = tuple(Node(f"m{at}_{of}", "x" * 40) for at in range(5) for of in range(2))
    arrows = tuple(Arrow(f"n{at}", f"n{at + 1}", "y" * 40) for at in range(4))
    arrows += tuple(Arrow(f"n{at}", f"m{at}_{of}") for at in range(5) for of in range(2))
    assert not layout(Picture("", "", (*long, *side), arrows)).across


def test_the_legend_names_only_what_occurs() -> None:
    picture = Picture("p", "", (Node("a", "a", role="trainer", state="cached"),))
    (legend,) = parts(svg(picture), "ps-legend")
    assert [each.text for each in legend.iter(f"{SVG}text")] == ["trainer", "cached"]


def test_a_long_label_is_cut_but_kept_in_the_title() -> None:
    (node,) = parts(svg(Picture("", "", (Node("a", "word" * 50),))), "ps-node")
    shown = next(node.iter(f"{SVG}text")).text or ""
    assert shown.endswith("\u2026")
    assert len(shown) < 40
    assert "word" * 50 in (node.findtext(f"{SVG}title") or "")


def test_an_empty_pipeline_says_so() -> None:
    assert "This pipeline has no steps." in svg(Picture("p"))
    assert "This pipeline has no steps." in text(Picture("p"))
    assert mermaid(Picture("")) == "flowchart LR\n"


@settings(max_examples=50, deadline=None)
@given(pictures())
def test_no_name_breaks_out_of_mermaid(picture: Picture) -> None:
    quoted = r'"(?:[A-Za-z0-9 _.,()/+=-]|#\d+;|<br/>)+"'
    shapes = "|".join(
        rf"{left}{quoted}{right}"
        for left, right in (
            (r"\[", r"\]"),
            (r"\[\(", r"\)\]"),
            (r"\(\[", r"\]\)"),
            (r"\[/", r"/\]"),
        )
    )
    allowed = re.compile(
        rf"flowchart (LR|TB)| +n\d+({shapes})| +subgraph b\d+\[{quoted}\]| +end"
        rf"|  n\d+ (-->|-\.->|==>)(\|{quoted}\|)? n\d+"
        r"|  classDef [a-z_]+ fill:#\w{8},stroke:#\w{6},stroke-width:1.5px"
        r"|  class n\d+(,n\d+)* [a-z_]+"
    )
    lines = mermaid(picture).splitlines()
    if picture.title:
        assert lines[0] == lines[2] == "---"
        assert re.fullmatch(r'title: "([A-Za-z0-9 _.,()/+=-]|\\U[0-9a-f]{8})*"', lines[1])
        lines = lines[3:]
    assert all(allowed.fullmatch(line) for line in lines)
    assert sum(bool(re.match(r" +n\d+[\[(]", line)) for line in lines) == len(picture.nodes)
    assert sum(bool(re.match(r"  n\d+ [-=]", line)) for line in lines) == len(picture.arrows)
    opened = sum("subgraph" in line for line in lines)
    assert opened == len(picture.boxes) == sum(line.strip() == "end" for line in lines)


def test_mermaid_labels_read_back() -> None:
    out = mermaid(Picture("", "", (Node("a", 'say "hi"]; %%{é'),)))
    label = re.search(r'n1\["(.*)"\]', out)
    assert label
    back = re.sub(r"#(\d+);", lambda entity: chr(int(entity[1])), label[1])
    assert back == 'say "hi"]; %%{é'


@settings(max_examples=50, deadline=None)
@given(pictures(), st.integers(24, 140), st.booleans(), st.booleans())
def test_text_is_complete_and_fits(
    picture: Picture, width: int, colour: bool, only_ascii: bool
) -> None:
    out = text(picture, width, colour=colour, ascii=only_ascii)
    bare = re.sub(r"\x1b\[\d+m", "", out)
    assert "\x1b" in out or not colour or not (picture.nodes or picture.title)
    assert "\x1b" not in bare
    assert not only_ascii or out.isascii()
    deepest = max((len(holders(picture, box.id)) for box in picture.boxes), default=0)
    # A box deep enough leaves no room; a name always keeps a few columns.
    for line in bare.splitlines():
        assert columns(line) <= max(width, 2 * deepest + 24)
    # Names wider than their room go on over several lines, so the lines are joined.
    solid = re.sub(r"[\s│|]", "", bare)
    for node in picture.nodes:
        label = clean(node.label)
        if only_ascii:
            label = label.encode("ascii", "backslashreplace").decode()
        assert re.sub(r"[\s│|]", "", label) in solid
    assert "\u202e" not in out


def test_text_keeps_steps_in_order_and_columns_aligned() -> None:
    picture = Picture(
        "churn",
        "weekly",
        (
            Node("score", "Score", "c.py:9", "evaluator", "loop"),
            Node("load", "load", "c.py:1", "data_source", state="cached"),
            Node("fit", "Fit", "c.py:5", "trainer", "loop"),
            Node("stop", "notify", "c.py:20", "exit"),
        ),
        (
            Arrow("load", "fit", "rows"),
            Arrow("fit", "score", "model"),
            Arrow("score", "stop", kind="order"),
        ),
        (Box("loop", "each c in [1, 2]", "each"),),
    )
    assert text(picture, 72) == (
        "churn\n"
        "weekly\n"
        "\n"
        "● load     c.py:1   data source [cached]\n"
        "╭─ each c in [1, 2] ────────────────────────────────────────────────────\n"
        "│ ● Fit    c.py:5   trainer               ← load (rows)\n"
        "│ ● Score  c.py:9   evaluator             ← Fit (model)\n"
        "╰───\n"
        "■ notify   c.py:20  on exit               ← after Score\n"
    )
    assert text(picture, 30, ascii=True).isascii()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Node("a", "a", role="boss"), "has role 'boss'"),
        (lambda: Node("a", "a", state="odd"), "has state 'odd'"),
        (lambda: Arrow("a", "b", kind="odd"), "has kind 'odd'"),
        (lambda: Picture("", "", (Node("a", "a"), Node("a", "b"))), "two nodes have the id 'a'"),
        (lambda: Picture("", "", (Node("a", "a", scope="x"),)), "box 'x', which is not given"),
        (lambda: Picture("", "", (), (Arrow("a", "b"),)), "names node 'a', which is not given"),
        (lambda: Picture("", boxes=(Box("a", "a", "each", "a"),)), "lies inside itself"),
        (lambda: Picture("", boxes=(Box("a", "a", "each", "b"),)), "'b' holds another box"),
    ],
)
def test_wrong_data_is_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        make()


def test_a_thousand_steps_take_about_linear_time() -> None:
    def measure(count: int) -> float:
        nodes = tuple(Node(f"n{at}", f"step_{at}", f"c.py:{at}") for at in range(count))
        arrows = tuple(
            Arrow(f"n{at}", f"n{min(count - 1, at + 1 + at * 7 % 29)}", "x")
            for at in range(count - 1)
        )
        # Two arrows across everything must not take a place in every layer.
        arrows += tuple(Arrow(f"n{at}", f"n{count - 1 - at}") for at in range(count // 4))
        start = time.process_time()
        svg(Picture("big", "", nodes, arrows))
        return time.process_time() - start

    assert measure(1000) < 4.0  # a fraction of a second on an idle machine


def test_deep_boxes_and_long_chains_do_not_exhaust_the_stack() -> None:
    boxes = tuple(Box(f"b{at}", "", "each", f"b{at - 1}" if at else None) for at in range(100))
    deep = Picture("", "", (Node("a", "a", scope="b99"), Node("b", "b")), (Arrow("a", "b"),), boxes)
    long = Picture(
        "",
        "",
        tuple(Node(f"n{at}", "x") for at in range(1200)),
        tuple(Arrow(f"n{at}", f"n{at + 1}") for at in range(1199)),
    )
    for picture in (deep, long):
        ET.fromstring(svg(picture))
        mermaid(picture)
        text(picture)
