"""Writes a picture as a Mermaid flowchart whose names cannot become Mermaid syntax."""

from typing import Final

from penstock_records.picture.look import ROLE_LOOK
from penstock_records.picture.model import Node, Picture
from penstock_records.picture.plan import likely_across
from penstock_records.picture.scopes import scopes_of
from penstock_records.picture.words import clean

# Only these stay as they are. Everything else becomes an entity: also `:` and `%`, since Mermaid
# looks for styles and `%%{` directives before it looks at quotes.
_PLAIN: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _.,()/+=-"
)
_LINES: Final = {"data": "-->", "order": "-.->", "branch": "==>"}
_SHAPES: Final = {
    "data_source": ("[(", ")]"),
    "parameter": ("([", "])"),
    "exit": ("[/", "/]"),
}


def mermaid(picture: Picture) -> str:
    """The picture as Mermaid text; its labels show their text wherever Mermaid draws them."""
    scopes = scopes_of(picture)
    numbers = {node.id: f"n{at}" for at, node in enumerate(picture.nodes, 1)}
    out = ["---", f'title: "{_yaml(picture.title)}"', "---"] if picture.title else []
    out.append("flowchart LR" if likely_across(picture) else "flowchart TB")

    # A stack of what remains to write, since boxes may lie in boxes to any depth.
    stack: list[tuple[int, int] | None] = [
        (item, 1) for item in reversed(scopes.scopes[scopes.root].items)
    ]
    open_boxes = 0
    while stack:
        entry = stack.pop()
        if entry is None:
            out.append("  " * open_boxes + "end")
            open_boxes -= 1
            continue
        item, depth = entry
        if item < scopes.nodes:
            out.append("  " * depth + _node(f"n{item + 1}", picture.nodes[item]))
            continue
        box = picture.boxes[item - scopes.nodes]
        name = f"b{item - scopes.nodes + 1}"
        out.append("  " * depth + f'subgraph {name}["{_label(box.label or box.kind)}"]')
        open_boxes += 1
        stack.append(None)
        stack += [(inner, depth + 1) for inner in reversed(scopes.scopes[item].items)]

    for arrow in picture.arrows:
        label = f'|"{_label(arrow.label)}"|' if arrow.label else ""
        line = _LINES[arrow.kind]
        out.append(f"  {numbers[arrow.source]} {line}{label} {numbers[arrow.target]}")
    for role, (_, colour, _, _) in ROLE_LOOK.items():
        members = [numbers[node.id] for node in picture.nodes if node.role == role]
        if members:
            out.append(f"  classDef {role} fill:{colour}1f,stroke:{colour},stroke-width:1.5px")
            out.append(f"  class {','.join(members)} {role}")
    return "\n".join(out) + "\n"


def _node(name: str, node: Node) -> str:
    left, right = _SHAPES.get(node.role, ("[", "]"))
    detail = f"<br/>{_label(node.detail)}" if node.detail else ""
    return f'{name}{left}"{_label(node.label)}{detail}"{right}'


def _label(text: str) -> str:
    shown = clean(text).strip() or " "
    return "".join(char if char in _PLAIN else f"#{ord(char)};" for char in shown)


def _yaml(text: str) -> str:
    return "".join(char if char in _PLAIN else f"\\U{ord(char):08x}" for char in clean(text))
