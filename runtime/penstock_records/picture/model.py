"""What a picture shows: plain, frozen data with no layout in it."""

from dataclasses import dataclass
from typing import Final

ROLES: Final = (
    "data_source",
    "split",
    "preprocess",
    "tokenizer",
    "trainer",
    "evaluator",
    "inference",
    "deployer",
    "step",
    "parameter",
    "exit",
)
STATES: Final = ("done", "cached", "running", "failed")
ARROWS: Final = ("data", "order", "branch")


@dataclass(frozen=True, slots=True)
class Node:
    """One step, parameter or exit handler. `scope` is the id of the box that holds it."""

    id: str
    label: str
    detail: str = ""
    role: str = "step"
    scope: str | None = None
    state: str = ""

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ValueError(f"node {self.id!r} has role {self.role!r}; use one of {ROLES}")
        if self.state and self.state not in STATES:
            raise ValueError(f"node {self.id!r} has state {self.state!r}; use one of {STATES}")


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one node to another: an artifact, an order without data, or a branch taken."""

    source: str
    target: str
    label: str = ""
    kind: str = "data"

    def __post_init__(self) -> None:
        if self.kind not in ARROWS:
            raise ValueError(
                f"arrow {self.source!r} to {self.target!r} has kind {self.kind!r}; "
                f"use one of {ARROWS}"
            )


@dataclass(frozen=True, slots=True)
class Box:
    """A nested scope: `pipeline`, `each`, `when`, `otherwise` or any other word."""

    id: str
    label: str
    kind: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A graph to draw. Raises ValueError when an id is repeated, unknown or inside itself."""

    title: str
    subtitle: str = ""
    nodes: tuple[Node, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    boxes: tuple[Box, ...] = ()

    def __post_init__(self) -> None:
        nodes = _unique("node", [node.id for node in self.nodes])
        boxes = _unique("box", [box.id for box in self.boxes])
        for node in self.nodes:
            if node.scope is not None and node.scope not in boxes:
                raise ValueError(f"node {node.id!r} lies in box {node.scope!r}, which is not given")
        for arrow in self.arrows:
            for end in (arrow.source, arrow.target):
                if end not in nodes:
                    raise ValueError(f"an arrow names node {end!r}, which is not given")
        parents = {box.id: box.parent for box in self.boxes}
        settled: set[str] = set()
        for box in self.boxes:
            trail: set[str] = set()
            at: str | None = box.id
            while at is not None and at not in settled:
                if at not in boxes:
                    raise ValueError(f"box {at!r} holds another box, but is not given")
                if at in trail:
                    raise ValueError(f"box {at!r} lies inside itself")
                trail.add(at)
                at = parents[at]
            settled |= trail


def _unique(what: str, ids: list[str]) -> set[str]:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            raise ValueError(f"two {what}s have the id {each!r}")
        seen.add(each)
    return seen
