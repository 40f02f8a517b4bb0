from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PUSHED = "images.lock.yaml"


@dataclass(frozen=True)
class PushedImage:
    reference: str


def pushed_images(file: Path) -> dict[str, PushedImage]:
    return {}
