"""A parameter of every type, with constraints and descriptions."""

from enum import Enum
from typing import Annotated, Literal

from penstock import Field, pipeline, step


class Color(Enum):
    """What an Enum parameter is written as."""

    RED = "red"
    BLUE = "blue"


@step
def show(
    n: int,
    share: float,
    word: str,
    flag: bool,
    sizes: list[int],
    table: dict[str, float],
    color: Color,
    mode: Literal["fast", "slow"],
    maybe: int | None,
    either: int | str,
    weight: float,
    first: int,
) -> dict[str, str]:
    """Shows what arrived."""
    return {
        "n": repr(n),
        "share": repr(share),
        "word": repr(word),
        "flag": repr(flag),
        "sizes": repr(sizes),
        "table": repr(sorted(table.items())),
        "color": repr(color.value),
        "mode": repr(mode),
        "maybe": repr(maybe),
        "either": repr(either),
        "weight": repr(weight),
        "first": repr(first),
    }


@pipeline
def kinds(
    n: Annotated[int, Field(ge=1, le=100, multiple_of=2, description="how many")] = 4,
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5,
    word: Annotated[str, Field(min_length=1, max_length=20, pattern="^[a-z]+$")] = "plain",
    flag: bool = True,
    sizes: Annotated[list[int], Field(min_length=1)] = [1, 2],  # noqa: B006 - only read
    table: dict[str, float] = {"a": 0.5, "b": 2.0},  # noqa: B006 - only read
    color: Color = Color.BLUE,
    mode: Literal["fast", "slow"] = "fast",
    maybe: int | None = None,
    either: int | str = "five",
) -> dict[str, str]:
    """Passes every kind of parameter to a step, two of them in part."""
    return show(
        n, share, word, flag, sizes, table, color, mode, maybe, either, table["b"], sizes[0]
    )
