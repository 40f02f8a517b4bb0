"""Saves a value and loads it again, as a run does."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

from penstock_runtime.artifacts import load_value, save_value
from penstock_runtime.local import LocalStore
from penstock_runtime.reference import ArtifactRef


class Trips:
    """A store to go to and fro."""

    def __init__(self, folder: Path) -> None:
        self.store = LocalStore(folder / "store")
        self._folder = folder
        self._numbers = count()

    def save(self, value: object) -> ArtifactRef:
        """Store a value."""
        with self.store.scratch() as scratch:
            return save_value(value, self.store, scratch / "value")

    def load(self, ref: ArtifactRef, hint: Any = Any, *, trusted: bool = False) -> Any:
        """Load a value from the store."""
        path = self._folder / f"copy{next(self._numbers)}"
        return load_value(ref, hint, self.store, path, trusted=trusted)

    def there_and_back(
        self, value: object, hint: Any = Any, *, trusted: bool = False
    ) -> tuple[ArtifactRef, Any]:
        """Store a value and load it again."""
        ref = self.save(value)
        return ref, self.load(ref, hint, trusted=trusted)

    def preview(self, ref: ArtifactRef) -> dict[str, Any]:
        """What a reader is shown of it."""
        assert ref.preview is not None
        found: dict[str, Any] = json.loads(self.store.read_bytes(ref.preview))
        return found

    def blob(self, ref: ArtifactRef) -> Path:
        """The file of the store that holds it."""
        return Path(self.store.url) / "cas/sha256" / ref.digest[7:9] / ref.digest[9:]
