"""Values in previews: always JSON, always short."""

import math
from collections.abc import Iterable
from typing import Any

LONGEST = 80
HEAD_ROWS, MOST_COLUMNS = 5, 200
"""How much of a table a preview shows."""


def cell(value: Any) -> Any:
    """A value as a short JSON scalar; what is none becomes its text."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    return shortened(str(value))


def cells(values: Iterable[Any]) -> list[Any]:
    """Several values as short JSON scalars."""
    return [cell(value) for value in values]


def shortened(text: str, longest: int = LONGEST) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
