"""Reads amounts of processor, memory and disk as Kubernetes writes them."""

from __future__ import annotations

import re

_FACTORS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "P": 10**15,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
    "Pi": 2**50,
}
_BYTES = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?", re.ASCII)
_CORES = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(m)?", re.ASCII)


def read_bytes(text: str) -> int:
    """The number of bytes in `4Gi`, `500M` or `1024`; raises ValueError."""
    match = _BYTES.fullmatch(text)
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{text[:40]!r} is no amount such as '4Gi' or '500M'")
    return int(float(match[1]) * _FACTORS[match[2] or ""])


def read_cores(amount: float | str) -> float:
    """The number of cores in `2`, `0.5` or `"500m"`; raises ValueError."""
    if isinstance(amount, str):
        match = _CORES.fullmatch(amount)
        if match is None:
            raise ValueError(f"{amount[:40]!r} is no amount of cores such as 2, 0.5 or '500m'")
        amount = float(match[1]) / (1000 if match[2] else 1)
    if not 0 < amount < 1_000_000:
        raise ValueError(f"{amount} is no number of cores")
    return float(amount)
