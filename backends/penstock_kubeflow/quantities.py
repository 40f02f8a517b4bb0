"""Amounts of cpu and memory, as Kubernetes writes them and as numbers."""

from __future__ import annotations

import re

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(m|[kKMGTPE]i?)?")
_FACTORS = (
    {"": 1.0, "m": 1e-3, "k": 1e3}
    | {letter: 1e3**power for power, letter in enumerate("MGTPE", 2)}
    | {f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", 1)}
)


def quantity_text(value: float | str) -> str:
    """The amount as Kubernetes reads it: `2`, `0.5`, `500m`, `4Gi`."""
    if isinstance(value, str):
        return value.strip()
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def amount(value: float | str) -> float | None:
    """The amount in cores or bytes; None when Kubernetes would not read it or it is nothing."""
    match = _QUANTITY.fullmatch(quantity_text(value))
    if match is None or match[2] in ("K", "ki"):
        return None
    found = float(match[1]) * _FACTORS[match[2] or ""]
    return found if found > 0 else None
