"""Pipelines of any size, as the source text that a person would write: one call on each line."""

from __future__ import annotations

from collections.abc import Callable

_STEPS = """\
from penstock import pipeline, step, when


@step
def first() -> int:
    return 0


@step
def more(value: int) -> int:
    return value + 1


"""
DEPTH = 100


def chain(steps: int) -> str:
    """Each step takes what the one before gave."""
    calls = [f"    v{i} = more(v{i - 1})" for i in range(1, steps)]
    return _pipeline("int", ["    v0 = first()", *calls, f"    return v{steps - 1}"])


def fan_out(steps: int) -> str:
    """All steps take what the first gave."""
    calls = [f"    v{i} = more(v0)" for i in range(1, steps)]
    return _pipeline("None", ["    v0 = first()", *calls])


def branches(steps: int) -> str:
    """Each step stands in a `when` block of its own, one after another."""
    blocks = [
        line
        for i in range(1, steps)
        for line in (f"    with when(v0 > {i}):", f"        v{i} = more(v0)")
    ]
    return _pipeline("None", ["    v0 = first()", *blocks])


def nested(steps: int) -> str:
    """Pipelines inside pipelines, a hundred deep, the steps shared out among them."""
    levels: list[str] = []
    for level in range(DEPTH):
        inner = f"level{level - 1}(value)" if level else "value"
        levels += [
            "@pipeline",
            f"def level{level}(value: int) -> int:",
            *["    value = more(value)"] * _share(steps),
            f"    return {inner}",
            "",
            "",
        ]
    body = _pipeline("int", [f"    return level{DEPTH - 1}(first())"])
    return body.replace("@pipeline\n", "\n".join(levels) + "\n@pipeline\n", 1)


def deep_whens(steps: int) -> str:
    """`when` blocks inside one another, a hundred deep; Python itself allows twenty in a row."""
    helper = [
        "def level(value: int, left: int) -> None:",
        *["    value = more(value)"] * _share(steps),
        "    if left:",
        "        with when(value > 1):",
        "            level(value, left - 1)",
        "",
        "",
    ]
    body = _pipeline("None", [f"    level(first(), {DEPTH - 1})"])
    return body.replace("@pipeline\n", "\n".join(helper) + "\n@pipeline\n", 1)


SHAPES: dict[str, Callable[[int], str]] = {
    "chain": chain,
    "fan_out": fan_out,
    "branches": branches,
    "nested": nested,
    "deep_whens": deep_whens,
}


def _share(steps: int) -> int:
    return max(1, steps // DEPTH)


def _pipeline(returned: str, body: list[str]) -> str:
    head = ["@pipeline", f"def bench() -> {returned}:"]
    return _STEPS + "\n".join([*head, *body]) + "\n"
