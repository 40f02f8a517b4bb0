"""How far a push or a pull is, in lines."""

from __future__ import annotations

import time
from collections.abc import Callable

from penstock.images.engine_events import Event, part

_SECONDS = 1.0
_MB = 1_000_000


class Transfer:
    """Adds up the layers, and tells at most once a second."""

    def __init__(self, doing: str, status: str, listen: Callable[[str], None]) -> None:
        self._doing = doing
        self._status = status
        self._listen = listen
        self._layers: dict[str, tuple[int, int]] = {}
        self._told = time.monotonic()
        self._last: str = ""

    def hear(self, event: Event) -> None:
        """Another event of the engine."""
        progress = part(event, "progressDetail")
        current, total = progress.get("current"), progress.get("total")
        status = event.get("status")
        if str(status).startswith("Retrying in"):
            self._tell(f"{self._doing}: the registry failed, trying again")
        if status != self._status:
            return
        if isinstance(current, int) and isinstance(total, int) and total > 0:
            self._layers[str(event.get("id"))] = (min(current, total), total)
            done = sum(one for one, _ in self._layers.values())
            total = sum(one for _, one in self._layers.values())
            self._tell(f"{self._doing}: {done // _MB} of {-(-total // _MB)} MB")

    def _tell(self, line: str) -> None:
        now = time.monotonic()
        if now - self._told >= _SECONDS and line != self._last:
            self._told, self._last = now, line
            self._listen(line)
