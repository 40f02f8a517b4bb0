"""Writes a picture for the terminal: steps in order, each with what it reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from penstock_records.picture.look import ROLE_LOOK
from penstock_records.picture.model import Node, Picture
from penstock_records.picture.scopes import Scopes, scopes_of
from penstock_records.picture.words import clean, columns

_LEAST: Final = 24
_GAP: Final = 2
_SHARE: Final = 0.42  # the widest that the column of names may be, as a share of the width
_COLOURS: Final = {
    "data_source": 36,
    "split": 36,
    "preprocess": 34,
    "tokenizer": 35,
    "trainer": 33,
    "evaluator": 32,
    "inference": 35,
    "deployer": 94,
    "step": 37,
    "parameter": 90,
    "exit": 31,
}
_STATES: Final = {"done": 32, "cached": 34, "running": 33, "failed": 31}


@dataclass(frozen=True, slots=True)
class _Signs:
    step: str
    parameter: str
    exit: str
    bar: str
    open: str
    close: str
    rule: str
    reads: str
    after: str
    branch: str


_UNICODE: Final = _Signs("●", "◇", "■", "│", "╭", "╰", "─", "←", "after", "if")
_ASCII: Final = _Signs("*", "o", "x", "|", ",", "`", "-", "<-", "after", "if")


@dataclass(frozen=True, slots=True)
class _Line:
    """One step or the edge of a box, before columns are aligned."""

    bars: int
    node: Node | None
    text: str
    reads: tuple[str, ...] = ()
    opens: bool = False


def text(picture: Picture, width: int = 80, colour: bool = False, ascii: bool = False) -> str:
    """The picture as lines of at most `width` columns, where no single word is longer.

    `colour` adds ANSI colours, `ascii` keeps to ASCII (other characters become escapes).
    """
    width = max(width, _LEAST)
    signs = _ASCII if ascii else _UNICODE
    writer = _Writer(picture, scopes_of(picture), width, signs, colour, ascii)
    return "\n".join(line.rstrip() for line in writer.lines()) + "\n"


class _Writer:
    def __init__(
        self,
        picture: Picture,
        scopes: Scopes,
        width: int,
        signs: _Signs,
        colour: bool,
        ascii_only: bool,
    ) -> None:
        self.picture = picture
        self.scopes = scopes
        self.width = width
        self.signs = signs
        self.colour = colour
        self.ascii_only = ascii_only

    def lines(self) -> list[str]:
        """All lines, the heading first."""
        out: list[str] = []
        for words, code in ((self.picture.title, 1), (self.picture.subtitle, 2)):
            if words:
                out += [self._paint(line, code) for line in _wrap([self._show(words)], self.width)]
        if out:
            out.append("")
        rows = self._rows()
        if not rows:
            return [*out, *_wrap(["This", "pipeline", "has", "no", "steps."], self.width)]
        nodes = [(row, row.node) for row in rows if row.node is not None]
        names = [2 * row.bars + 2 + columns(row.text) for row, _ in nodes]
        limit = int(self.width * _SHARE)
        name_room = max([size for size in names if size <= limit], default=min(limit, 12))
        details = [columns(self._show(node.detail)) for _, node in nodes if node.detail]
        detail_room = max([size for size in details if size <= self.width // 4], default=0)
        roles = max((len(self._role(node)) for _, node in nodes), default=0)
        # On a narrow terminal what a step reads matters more than its role and its place.
        if name_room + detail_room + roles + 3 * _GAP + 20 > self.width:
            roles = 0
        if name_room + detail_room + 2 * _GAP + 16 > self.width:
            detail_room = 0
        for row in rows:
            if row.node is None:
                out += self._edge(row)
            else:
                out += self._step(row, row.node, name_room, detail_room, roles)
        return out

    def _rows(self) -> list[_Line]:
        """Every step and box edge from the first to the last."""
        reads = self._reads()
        out: list[_Line] = []
        root = self.scopes.scopes[self.scopes.root]
        stack: list[tuple[int, int, bool]] = [(item, 0, False) for item in reversed(root.items)]
        while stack:
            item, depth, closing = stack.pop()
            if item < self.scopes.nodes:
                node = self.picture.nodes[item]
                out.append(_Line(depth, node, self._show(node.label), tuple(reads[node.id])))
                continue
            box = self.picture.boxes[item - self.scopes.nodes]
            if closing:
                out.append(_Line(depth, None, ""))
                continue
            out.append(_Line(depth, None, self._show(box.label or box.kind), opens=True))
            stack.append((item, depth, True))
            inner = self.scopes.scopes[item].items
            stack += [(below, depth + 1, False) for below in reversed(inner)]
        return out

    def _reads(self) -> dict[str, list[str]]:
        """What each step reads, by step: `split (train)`; then what it only waits for."""
        labels = {node.id: self._show(node.label) for node in self.picture.nodes}
        out: dict[str, list[str]] = {node.id: [] for node in self.picture.nodes}
        for kind in ("data", "branch", "order"):
            for arrow in self.picture.arrows:
                if arrow.kind != kind:
                    continue
                name = labels[arrow.source]
                if arrow.label:
                    name += f" ({self._show(arrow.label)})"
                word = {"branch": self.signs.branch, "order": self.signs.after}.get(kind)
                out[arrow.target].append(f"{word} {name}" if word else name)
        return out

    def _edge(self, row: _Line) -> list[str]:
        bars = self._bars(row.bars)
        room = max(8, self.width - 2 * row.bars)
        if not row.opens:
            return [bars + self._paint(self.signs.close + self.signs.rule * min(room - 1, 3), 2)]
        first, *rest = _wrap([row.text], room - 4)
        tail = self.signs.rule * max(0, room - columns(first) - 4)
        out = [
            bars
            + self._paint(self.signs.open + self.signs.rule, 2)
            + f" {self._paint(first, 1)} "
            + self._paint(tail, 2)
        ]
        inner = self._bars(row.bars + 1)
        return out + [f"{inner} {self._paint(line, 1)}" for line in rest]

    def _step(
        self, row: _Line, node: Node, name_room: int, detail_room: int, roles: int
    ) -> list[str]:
        bars = self._bars(row.bars)
        sign = {"parameter": self.signs.parameter, "exit": self.signs.exit}.get(
            node.role, self.signs.step
        )
        paint = _STATES[node.state] if node.state else _COLOURS[node.role]
        out: list[str] = []
        room = name_room - 2 * row.bars - 2
        names = _wrap([row.text], max(8, self.width - 2 * row.bars - 2))
        if len(names) > 1 or columns(names[0]) > room:
            for at, line in enumerate(names):
                mark = self._paint(sign, paint) if at == 0 else " "
                out.append(f"{bars}{mark} {line}")
            head = bars + " " * max(0, name_room - 2 * row.bars)
        else:
            head = f"{bars}{self._paint(sign, paint)} {_pad(names[0], room)}"
        left = max(name_room, 2 * row.bars)

        cells: list[tuple[str, int]] = []
        detail = self._show(node.detail)
        if detail_room:
            fits = columns(detail) <= detail_room
            cells.append((self._paint(_pad(detail if fits else "", detail_room), 2), detail_room))
        if roles:
            cells.append((self._paint(_pad(self._role(node), roles), _COLOURS[node.role]), roles))
        for cell, size in cells:
            head += " " * _GAP + cell
            left += _GAP + size
        if node.state and not roles:
            head += f"  [{node.state}]"
            left += _GAP + len(node.state) + 2
        reads = self._read_lines(row.reads, self.width - left - _GAP)
        if reads is None:
            # No room beside the columns: the list goes below them.
            out.append(head)
            below = self._read_lines(row.reads, self.width - 2 * row.bars - 4, force=True) or []
            return out + [f"{bars}    {line}" for line in below]
        out.append(head + (" " * _GAP + reads[0] if reads else ""))
        rest = bars + " " * (left - 2 * row.bars + _GAP)
        out += [rest + line for line in reads[1:]]
        return [line for at, line in enumerate(out) if line.strip() or at == 0]

    def _read_lines(self, reads: Sequence[str], room: int, force: bool = False) -> list[str] | None:
        """The list of inputs wrapped to the room; None if an input would have to be cut."""
        if not reads:
            return []
        sign = self.signs.reads
        room -= columns(sign) + 1
        longest = max(columns(part) for part in reads) + 1
        if not force and longest > room:
            return None
        parts = [part + ("," if at < len(reads) - 1 else "") for at, part in enumerate(reads)]
        lines = _wrap(parts, max(8, room))
        pad = " " * columns(sign)
        return [
            f"{self._paint(sign, 2) if at == 0 else pad} {line}" for at, line in enumerate(lines)
        ]

    def _role(self, node: Node) -> str:
        word = ROLE_LOOK[node.role][0]
        return f"{word} [{node.state}]" if node.state else word

    def _bars(self, count: int) -> str:
        return (self._paint(self.signs.bar, 2) + " ") * count

    def _show(self, words: str) -> str:
        shown = clean(words)
        return shown.encode("ascii", "backslashreplace").decode() if self.ascii_only else shown

    def _paint(self, words: str, code: int) -> str:
        return f"\x1b[{code}m{words}\x1b[0m" if self.colour and words.strip() else words


def _pad(words: str, size: int) -> str:
    return words + " " * max(0, size - columns(words))


def _wrap(parts: Sequence[str], room: int) -> list[str]:
    """The parts on as few lines as fit; a part is cut only when it alone is too long."""
    out = [""]
    for part in parts:
        if out[-1] and columns(out[-1]) + 1 + columns(part) > room:
            out.append("")
        elif out[-1]:
            out[-1] += " "
        while columns(part) > room:
            cut, used = 0, 0
            while cut < len(part) and used + columns(part[cut]) <= room:
                used += columns(part[cut])
                cut += 1
            cut = max(cut, 1)
            out[-1] += part[:cut]
            part = part[cut:]
            out.append("")
        out[-1] += part
    return out
